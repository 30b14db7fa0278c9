//! Owns the layers of settings and which one wins: PURE, and every value keeps its origin.

use super::key::Key;
use super::services::ServiceTable;
use migrations::hazard::Policy;
use std::collections::BTreeMap;
use std::fmt;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    Flag(Key),
    Environment(&'static str),
    File { path: String, key: Key },
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(key) => write!(formatter, "flag --{}", key.name()),
            Self::Environment(name) => write!(formatter, "env {name}"),
            Self::File { path, key } => write!(formatter, "`{}` in {path}", key.name()),
            Self::Default => formatter.write_str("default"),
        }
    }
}

/// A value and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting<T> {
    pub(crate) value: T,
    pub(crate) origin: Origin,
}

impl<T> Setting<T> {
    /// The value that counts when nothing is set.
    pub(crate) fn by_default(value: T) -> Self {
        Self { value, origin: Origin::Default }
    }

    /// The same origin with another form of the value.
    pub(crate) fn with<U>(self, value: U) -> Setting<U> {
        Setting { value, origin: self.origin }
    }

    /// How strong its layer is: a stronger layer's choice between two alternatives counts.
    pub(crate) fn strength(&self) -> u8 {
        match self.origin {
            Origin::Flag(_) => 3,
            Origin::Environment(_) => 2,
            Origin::File { .. } => 1,
            Origin::Default => 0,
        }
    }
}

/// What the command line set.
pub(crate) type Flags = BTreeMap<Key, String>;

/// The three layers above the defaults.
#[derive(Debug, Default, Clone)]
pub(crate) struct Layers {
    pub(crate) flags: Flags,
    pub(crate) environment: BTreeMap<Key, (&'static str, String)>,
    pub(crate) file: BTreeMap<Key, String>,
    pub(crate) file_path: String,
    pub(crate) file_is_there: bool,
    /// The table `[changes]`: globs by part.
    pub(crate) parts: BTreeMap<String, Vec<String>>,
    /// The table `[check]`.
    pub(crate) check: Policy,
    /// What the file says of single services.
    pub(crate) services: BTreeMap<String, ServiceTable>,
}

impl Layers {
    /// The file in a hint; who is in the wrong folder learns it here.
    pub(crate) fn in_file(&self, key: Key) -> String {
        let (name, path) = (key.name(), &self.file_path);
        let missing = if self.file_is_there { "" } else { ", which is not in this folder" };
        format!("`{name}` in {path}{missing}")
    }

    /// The value of the strongest layer that has one.
    pub(crate) fn find(&self, key: Key) -> Option<Setting<String>> {
        if let Some(value) = self.flags.get(&key) {
            return Some(Setting { value: value.clone(), origin: Origin::Flag(key) });
        }
        if let Some((name, value)) = self.environment.get(&key) {
            return Some(Setting { value: value.clone(), origin: Origin::Environment(name) });
        }
        self.file.get(&key).map(|value| Setting {
            value: value.clone(),
            origin: Origin::File { path: self.file_path.clone(), key },
        })
    }
}
