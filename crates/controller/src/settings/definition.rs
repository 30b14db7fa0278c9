//! Owns which task definition, image and container were asked for. PURE.

use super::key::Key;
use super::layers::{Layers, Setting};
use crate::error::Error;

/// Where the task definition comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DefinitionSource {
    /// Registered already; perhaps with another image.
    Existing { reference: Setting<String>, image: ImageChoice },
    /// A file, always with an image.
    Template { path: Setting<String>, image: Setting<String> },
}

impl DefinitionSource {
    /// The same source with another image.
    pub(crate) fn with_image(self, image: Setting<String>) -> Self {
        match self {
            Self::Existing { reference, .. } => {
                Self::Existing { reference, image: ImageChoice::Replace(image) }
            }
            Self::Template { path, .. } => Self::Template { path, image },
        }
    }
}

/// The image of an existing definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ImageChoice {
    AsDefined,
    Replace(Setting<String>),
}

/// The container that decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ContainerChoice {
    Named(Setting<String>),
    TheOnly,
    /// The only one, or the only essential one: a service's.
    TheEssential,
}

/// The definition that was asked for. When two layers name different sources, the stronger layer's
/// choice counts: a flag overrides the other kind of source in the file.
pub(crate) fn source(layers: &Layers) -> Result<DefinitionSource, Error> {
    source_with(layers, image(layers)?)
}

/// The same with `image`, whatever is set.
pub(super) fn source_with(
    layers: &Layers,
    image: Option<Setting<String>>,
) -> Result<DefinitionSource, Error> {
    let reference = layers.find(Key::TaskDefinition);
    let template = layers.find(Key::Template);
    match (reference, template) {
        (Some(reference), Some(template)) if reference.strength() == template.strength() => {
            Err(Error::usage(format!(
                "both a task definition ({}) and a template ({}) are set",
                reference.origin, template.origin
            ))
            .hinted("set one of them"))
        }
        (Some(reference), Some(template)) if reference.strength() < template.strength() => {
            from_template(template, image)
        }
        (Some(reference), _) => Ok(DefinitionSource::Existing {
            reference,
            image: image.map_or(ImageChoice::AsDefined, ImageChoice::Replace),
        }),
        (None, Some(template)) => from_template(template, image),
        (None, None) => Err(Error::usage("no task definition is set").hinted(format!(
            "set --task-definition FAMILY, or --template FILE with --image URI; or {}",
            layers.in_file(Key::TaskDefinition)
        ))),
    }
}

/// The image; that of the command line or the file may be an empty variable of a script.
fn image(layers: &Layers) -> Result<Option<Setting<String>>, Error> {
    match layers.find(Key::Image) {
        Some(image) if image.value.trim().is_empty() => {
            Err(Error::usage(format!("the image ({}) is empty", image.origin))
                .hinted("see whether the variable that it is made of is set here"))
        }
        image => Ok(image),
    }
}

fn from_template(
    path: Setting<String>,
    image: Option<Setting<String>>,
) -> Result<DefinitionSource, Error> {
    match image {
        Some(image) => Ok(DefinitionSource::Template { path, image }),
        None => Err(Error::usage(format!("a template ({}) needs an image", path.origin))
            .hinted("set --image URI, best as repository@sha256:…")),
    }
}

/// The container that was asked for.
pub(crate) fn container(layers: &Layers) -> ContainerChoice {
    layers.find(Key::Container).map_or(ContainerChoice::TheOnly, ContainerChoice::Named)
}
