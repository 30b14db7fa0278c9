//! Owns the settings of the migration image. PURE.

use super::definition::{self, DefinitionSource};
use super::key::Key;
use super::layers::{Layers, Setting};
use crate::error::Error;
use crate::image::{Origin, Platform};
use protocol::env;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where Prisma keeps them.
const MIGRATIONS: &str = "prisma/migrations";

/// The image of a release, which its build names; a build from source knows none.
const RELEASED: Option<&str> = option_env!("ECS_MIGRATE_RUNNER_IMAGE");

/// What the migrations are put on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BaseChoice {
    /// A file with the runner.
    Runner(Setting<String>),
    /// An image in a registry.
    Image(Setting<String>),
}

/// For which platform the image is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PlatformChoice {
    Given(Platform),
    /// The one that the task runs on.
    OfDefinition(DefinitionSource),
    /// What ECS takes where nothing is said.
    Usual,
}

/// Under which tag the image is pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TagChoice {
    Given(String),
    /// Made of the digest: the same content is the same tag.
    OfContent,
}

/// Where the registry is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RegistryEndpoint {
    OfItsName,
    Given(Setting<String>),
}

/// Settings of an image.
#[derive(Debug, Clone)]
pub(crate) struct ImageSettings {
    pub(crate) migrations: Setting<String>,
    pub(crate) base: BaseChoice,
    pub(crate) platform: PlatformChoice,
    pub(crate) tag: TagChoice,
    pub(crate) endpoint: RegistryEndpoint,
    pub(crate) origin: Origin,
    /// Docker's file of credentials, which need not exist.
    pub(crate) docker: PathBuf,
}

impl ImageSettings {
    /// Resolves the layers.
    pub(crate) fn resolve(
        layers: &Layers,
        process: &BTreeMap<String, String>,
    ) -> Result<Self, Error> {
        let migrations = layers.find(Key::Migrations);
        Ok(Self {
            migrations: migrations.unwrap_or_else(|| Setting::by_default(MIGRATIONS.to_owned())),
            base: base(layers)?,
            platform: platform(layers)?,
            tag: layers
                .find(Key::Tag)
                .map_or(Ok(TagChoice::OfContent), |tag| checked(tag).map(TagChoice::Given))?,
            endpoint: layers
                .find(Key::RegistryEndpoint)
                .map_or(RegistryEndpoint::OfItsName, RegistryEndpoint::Given),
            origin: origin(layers, process),
            docker: docker(process),
        })
    }
}

/// The repository that the image is pushed to.
pub(crate) fn image_repository(layers: &Layers) -> Result<Setting<String>, Error> {
    layers.find(Key::ImageRepository).ok_or_else(|| {
        Error::usage("no repository for the image is set").hinted(format!(
            "--image-repository ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME, or {}",
            layers.in_file(Key::ImageRepository)
        ))
    })
}

/// Where `docker login` leaves credentials (Docker CLI, "Configuration files").
pub(crate) fn docker(process: &BTreeMap<String, String>) -> PathBuf {
    let set = |name: &str| process.get(name).filter(|value| !value.is_empty()).map(Path::new);
    let folder = set(env::DOCKER_CONFIG).map(Path::to_owned);
    let folder = folder.or_else(|| set(env::HOME).map(|home| home.join(".docker")));
    folder.map(|folder| folder.join("config.json")).unwrap_or_default()
}

/// The stronger layer's choice counts.
fn base(layers: &Layers) -> Result<BaseChoice, Error> {
    match (layers.find(Key::Runner), layers.find(Key::BaseImage)) {
        (Some(runner), Some(image)) if runner.strength() == image.strength() => {
            Err(Error::usage(format!(
                "both a runner ({}) and a base image ({}) are set",
                runner.origin, image.origin
            ))
            .hinted("set one of them"))
        }
        (Some(runner), Some(image)) if runner.strength() < image.strength() => {
            Ok(BaseChoice::Image(image))
        }
        (Some(runner), _) => Ok(BaseChoice::Runner(runner)),
        (None, Some(image)) => Ok(BaseChoice::Image(image)),
        (None, None) => RELEASED
            .map(|image| BaseChoice::Image(Setting::by_default(image.to_owned())))
            .ok_or_else(|| {
                Error::usage(
                    "this build of ecs-migrate belongs to no release, so it knows no runner",
                )
                .hinted(
                    "--runner FILE with a static ecs-migrate-runner, which scripts/static.sh of the \
                     sources builds, or --base-image IMAGE",
                )
            }),
    }
}

fn platform(layers: &Layers) -> Result<PlatformChoice, Error> {
    if let Some(given) = layers.find(Key::Platform) {
        return Platform::parse(&given.value).map(PlatformChoice::Given);
    }
    if layers.find(Key::Template).is_none() && layers.find(Key::TaskDefinition).is_none() {
        return Ok(PlatformChoice::Usual);
    }
    // Only the definition is asked for, and a template is none without an image.
    let unmade = Setting::by_default("unmade".to_owned());
    definition::source_with(layers, Some(unmade)).map(PlatformChoice::OfDefinition)
}

/// A tag (OCI distribution specification, "Pulling manifests").
fn checked(tag: Setting<String>) -> Result<String, Error> {
    let good = |letter: char| letter.is_ascii_alphanumeric() || "_.-".contains(letter);
    let text = &tag.value;
    if text.len() > 128
        || text.starts_with(['.', '-'])
        || !text.chars().all(good)
        || text.is_empty()
    {
        return Err(Error::usage(format!("the tag of the image ({}) is none", tag.origin))
            .hinted("letters, digits, and _ . - between them, 128 at the most"));
    }
    Ok(tag.value)
}

fn origin(layers: &Layers, process: &BTreeMap<String, String>) -> Origin {
    let text = |name: &str| process.get(name).map(String::as_str).unwrap_or_default();
    let (server, repository) = (text(env::GITHUB_SERVER_URL), text(env::GITHUB_REPOSITORY));
    let source = match (server, repository) {
        ("", _) | (_, "") => String::new(),
        (server, repository) => format!("{server}/{repository}"),
    };
    Origin {
        revision: layers.find(Key::Commit).map(|commit| commit.value).unwrap_or_default(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_of_the_sources_says_where_its_runner_comes_from() {
        match (base(&Layers::default()), RELEASED) {
            (Ok(choice), Some(image)) => {
                assert_eq!(choice, BaseChoice::Image(Setting::by_default(image.to_owned())));
            }
            (Err(error), None) => {
                let hint = error.hint().unwrap_or_default();
                assert!(hint.contains("scripts/static.sh"), "{hint}");
                let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/static.sh");
                assert!(Path::new(script).exists(), "{script}");
            }
            (found, released) => panic!("{found:?} with {released:?}"),
        }
    }
}
