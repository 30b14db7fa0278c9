//! Owns the settings of commands that only read: `logs`, `runs`, `explain`. PURE.

use super::definition::{self, ContainerChoice};
use super::key::Key;
use super::layers::{Layers, Setting};

/// Settings of who only reads. No network, no image.
#[derive(Debug, Clone)]
pub(crate) struct ReaderSettings {
    pub(crate) cluster: Setting<String>,
    pub(crate) family: FamilyChoice,
    pub(crate) container: ContainerChoice,
}

/// Whose runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FamilyChoice {
    /// Of a registered definition: its name or ARN.
    Registered(Setting<String>),
    /// Of the family that a template's file names.
    OfTemplate(Setting<String>),
    /// Nobody said; a task that ECS remembers says it itself.
    Unsaid,
}

impl ReaderSettings {
    /// Resolves the layers.
    pub(crate) fn resolve(layers: &Layers) -> Self {
        Self {
            cluster: layers.cluster(),
            family: FamilyChoice::of(layers),
            container: definition::container(layers),
        }
    }
}

impl FamilyChoice {
    /// As for `run`: of two, the stronger layer's choice counts.
    pub(crate) fn of(layers: &Layers) -> Self {
        match (layers.find(Key::TaskDefinition), layers.find(Key::Template)) {
            (Some(reference), Some(template)) if reference.strength() < template.strength() => {
                Self::OfTemplate(template)
            }
            (Some(reference), _) => Self::Registered(reference),
            (None, Some(template)) => Self::OfTemplate(template),
            (None, None) => Self::Unsaid,
        }
    }
}

impl Layers {
    /// The same with a registered definition instead of a template that has no image.
    pub(crate) fn with_registered(mut self, family: &str) -> Self {
        self.flags.remove(&Key::Template);
        self.flags.insert(Key::TaskDefinition, family.to_owned());
        self
    }

    /// Whether an image is set.
    pub(crate) fn has_image(&self) -> bool {
        self.find(Key::Image).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_family_is_the_stronger_layers() {
        let layers = |flag: Option<(Key, &str)>, file: &[(Key, &str)]| Layers {
            flags: flag.into_iter().map(|(key, value)| (key, value.to_owned())).collect(),
            file: file.iter().map(|(key, value)| (*key, (*value).to_owned())).collect(),
            ..Layers::default()
        };
        let text = |choice: FamilyChoice| match choice {
            FamilyChoice::Registered(name) => format!("family {}", name.value),
            FamilyChoice::OfTemplate(path) => format!("template {}", path.value),
            FamilyChoice::Unsaid => "unsaid".to_owned(),
        };
        let template = [(Key::Template, "x.json")];
        for (layers, expected) in [
            (layers(None, &[]), "unsaid"),
            (layers(None, &template), "template x.json"),
            (layers(Some((Key::TaskDefinition, "app")), &template), "family app"),
            (
                layers(Some((Key::Template, "y.json")), &[(Key::TaskDefinition, "app")]),
                "template y.json",
            ),
        ] {
            assert_eq!(text(FamilyChoice::of(&layers)), expected);
        }
    }
}
