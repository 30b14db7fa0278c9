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

/// The image; it may be an empty variable of a script, or one that a job lost on its way.
pub(crate) fn image(layers: &Layers) -> Result<Option<Setting<String>>, Error> {
    layers.find(Key::Image).map(|image| named(image, "the image")).transpose()
}

/// An image that names one. GitHub drops an output with a masked value in it, or writes asterisks.
pub(super) fn named(image: Setting<String>, what: &str) -> Result<Setting<String>, Error> {
    let text = image.value.trim();
    let hint = "see whether the variable that it is made of is set here; GitHub drops an output that \
                holds a masked value, such as the account's number in a registry's name";
    if text.is_empty() {
        return Err(Error::usage(format!("{what} ({}) is empty", image.origin)).hinted(hint));
    }
    let cut = text.ends_with(['/', '@', ':']) || text.starts_with(['/', '@', ':']);
    let hole = ["//", "/@", "/:", ":@", "@@", "*"].iter().any(|hole| text.contains(hole));
    if cut || hole || text.contains(char::is_whitespace) {
        let message = format!("{what} `{text}` ({}) names none", image.origin);
        return Err(Error::usage(message).hinted(hint));
    }
    let text = text.to_owned();
    Ok(image.with(text))
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
