//! The environment, read once.

use protocol::env;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

/// Names and values; an empty value counts as absent, because a task definition cannot unset one.
#[derive(Clone, Default)]
pub struct Environment {
    texts: BTreeMap<String, String>,
    /// What the controller asks, readable or not: it must not be passed over.
    asked: Option<OsString>,
}

impl Environment {
    /// The process's own.
    pub fn of_process() -> Self {
        let texts = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let asked = std::env::vars_os().find(|(name, _)| name == env::COMMAND);
        let asked = asked.map(|(_, value)| value);
        Self { texts, asked }
    }

    /// What the controller asks, as it stands in [`env::COMMAND`].
    pub fn asked(&self) -> Option<&OsStr> {
        self.asked.as_deref()
    }

    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.texts.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Whether a value is there and nothing is in it.
    pub fn is_blank(&self, name: &str) -> bool {
        self.texts.get(name).is_some_and(|value| value.trim().is_empty())
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.texts.keys().map(String::as_str)
    }

    /// Where programs are.
    pub fn path(&self) -> Option<&OsStr> {
        self.get("PATH").map(OsStr::new)
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        Self { texts: pairs.into_iter().collect(), asked: None }
    }
}
