//! Owns whose database it must be: PURE.

use super::key::Key;
use super::layers::Layers;
use super::value;
use crate::error::Error;

/// The environment whose database it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EnvironmentName {
    /// Nobody said, and the runner compares nothing.
    Unsaid,
    Named(String),
}

impl EnvironmentName {
    /// From the layers. An empty variable is one that was meant and is not there: the file's name stands
    /// for it, and without one it is refused, because nothing would be compared.
    pub(crate) fn of(layers: &Layers) -> Result<Self, Error> {
        let Some(name) = layers.find(Key::Environment) else { return Ok(Self::Unsaid) };
        if !name.value.is_empty() {
            return Ok(Self::Named(name.value));
        }
        match layers.file.get(&Key::Environment) {
            Some(name) => Ok(Self::Named(name.clone())),
            None => Err(value::blank(&name.origin.to_string())),
        }
    }

    /// The name; empty where nobody said it.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Unsaid => "",
            Self::Named(name) => name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_is_no_name_and_the_files_stands_for_it() {
        let (named, variable) = ("staging", "ECS_MIGRATE_ENVIRONMENT");
        for (flag, set, file, expected) in [
            (None, None, None, Ok("")),
            (None, None, Some("production"), Ok("production")),
            (None, Some(named), Some("production"), Ok(named)),
            (None, Some(""), Some("production"), Ok("production")),
            (Some("production"), Some(""), None, Ok("production")),
            (None, Some(""), None, Err("env ECS_MIGRATE_ENVIRONMENT is blank")),
        ] {
            let one = |value: Option<&str>| {
                value.map(|value| (Key::Environment, value.to_owned())).into_iter().collect()
            };
            let set: Option<&str> = set;
            let layers = Layers {
                flags: one(flag),
                environment: set
                    .map(|value| (Key::Environment, (variable, value.to_owned())))
                    .into_iter()
                    .collect(),
                file: one(file),
                ..Layers::default()
            };
            let found = EnvironmentName::of(&layers);
            let found = found.as_ref().map(EnvironmentName::text).map_err(ToString::to_string);
            assert_eq!(found, expected.map_err(str::to_owned), "{flag:?} {set:?} {file:?}");
        }
    }
}
