//! Owns making the migration image and pushing it, for `image push` and for `--build`.

use super::definition::read_template;
use crate::aws::Aws;
use crate::cli::flags;
use crate::error::Error;
use crate::image::{
    self, Address, Base, Beneath, Fate, Image, Login, Packed, Platform, Purpose, Registry,
    Transport, credentials,
};
use crate::settings::{
    BaseChoice, DefinitionSource, Flags, ImageSettings, Key, PlatformChoice, RegistryEndpoint,
    TagChoice,
};
use crate::task_definition::EcrImage;
use clap::Args;
use migrations::Directory;
use std::path::Path;

/// What the image is made of and where it goes.
#[derive(Debug, Args)]
pub(crate) struct BuildArguments {
    /// Repository without tag, e.g. 111122223333.dkr.ecr.eu-west-1.amazonaws.com/app-migrate
    #[arg(long, value_name = "URI", help_heading = "The migration image")]
    image_repository: Option<String>,
    /// Directory of the migrations [default: prisma/migrations]
    #[arg(long, value_name = "DIR", help_heading = "The migration image")]
    migrations: Option<String>,
    /// Static ecs-migrate-runner [default: the released image of the same version]
    #[arg(long, value_name = "FILE", help_heading = "The migration image")]
    runner: Option<String>,
    /// Image that the migrations are put on, instead of a runner
    #[arg(long, value_name = "IMAGE", help_heading = "The migration image")]
    base_image: Option<String>,
    /// linux/amd64 or linux/arm64 [default: the task definition's]
    #[arg(long, value_name = "PLATFORM", help_heading = "The migration image")]
    platform: Option<String>,
    /// Tag of the image [default: made of its content]
    #[arg(long, value_name = "TAG", help_heading = "The migration image")]
    tag: Option<String>,
    /// Where the registry answers, when not under its own name: http://127.0.0.1:5000
    #[arg(long, value_name = "URL", help_heading = "The migration image")]
    registry_endpoint: Option<String>,
}

impl BuildArguments {
    pub(crate) fn flags(&self) -> Flags {
        flags([
            (Key::ImageRepository, &self.image_repository),
            (Key::Migrations, &self.migrations),
            (Key::Runner, &self.runner),
            (Key::BaseImage, &self.base_image),
            (Key::Platform, &self.platform),
            (Key::Tag, &self.tag),
            (Key::RegistryEndpoint, &self.registry_endpoint),
        ])
    }
}

/// An image that is made of the settings, with what a message says of it.
pub(super) struct Built {
    image: Image,
    platform: Platform,
    migrations: usize,
}

/// With whose keys, and how.
pub(super) struct Keys<'a> {
    /// Asked for ECR's tokens and for a registered definition.
    pub(super) aws: Option<&'a Aws>,
    /// Somebody's own for the repository.
    pub(super) login: Login,
    pub(super) transport: Transport,
}

/// Whether making or pushing it asks AWS.
pub(super) fn needs_aws(settings: &ImageSettings, repository: &str) -> bool {
    let base = match &settings.base {
        BaseChoice::Runner(_) => "",
        BaseChoice::Image(image) => &image.value,
    };
    let registered = matches!(
        settings.platform,
        PlatformChoice::OfDefinition(DefinitionSource::Existing { .. })
    );
    registered || [repository, base].iter().any(|image| EcrImage::parse(image).is_some())
}

/// Makes the image; of a base only what describes it is fetched.
pub(super) async fn build(settings: &ImageSettings, keys: &Keys<'_>) -> Result<Built, Error> {
    let path = Path::new(&settings.migrations.value);
    let named = |cause| {
        Error::usage(format!("cannot make an image of {}", path.display()))
            .caused_by(cause)
            .hinted("--migrations DIR, or `migrations` in ecs-migrate.toml, names the directory")
    };
    let directory = Directory::read(path).map_err(named)?;
    // The runner would say it too, but minutes later and with the gate closed.
    if let Some((name, why)) = directory
        .migrations
        .iter()
        .find_map(|migration| Some((&migration.name, migration.script.as_ref().err()?)))
    {
        return Err(Error::usage(format!("cannot read the migration {name}: {why}")));
    }
    let platform = platform(settings, keys.aws).await?;
    let base = match &settings.base {
        BaseChoice::Runner(runner) => Base::of_runner(Path::new(&runner.value), platform)?,
        BaseChoice::Image(image) => {
            let (name, reference) = Address::split(&image.value);
            let address = Address::parse(name, None, keys.transport)?;
            let login =
                credentials(&address, &Login::Anonymous, (keys.aws, &settings.docker)).await?;
            let registry = Registry::open(address, &login, Purpose::Pull).await?;
            Base::of_image(registry, reference, platform).await?
        }
    };
    let beneath = match &settings.base {
        BaseChoice::Runner(_) => Beneath::Nothing,
        BaseChoice::Image(_) => Beneath::AnImage,
    };
    let layer = image::migrations(path, beneath)?;
    let image = Image::assemble(base, layer, &settings.origin);
    Ok(Built { image, platform, migrations: directory.migrations.len() })
}

impl Built {
    /// Pushes it to a repository.
    pub(super) async fn push(
        &self,
        settings: &ImageSettings,
        repository: &str,
        keys: &Keys<'_>,
    ) -> Result<Packed, Error> {
        let address = address(settings, repository, keys.transport)?;
        let name = address.pinned(self.image.digest());
        let login = credentials(&address, &keys.login, (keys.aws, &settings.docker)).await?;
        let registry = Registry::open(address, &login, Purpose::Push).await?;
        let tag = match &settings.tag {
            TagChoice::Given(tag) => tag.clone(),
            TagChoice::OfContent => tag_of(self.image.digest()),
        };
        let fate = image::push(&self.image, &registry, &tag).await?;
        Ok(self.packed(name, fate))
    }

    /// Says what would be pushed.
    pub(super) fn shown(
        &self,
        settings: &ImageSettings,
        repository: &str,
        transport: Transport,
    ) -> Result<Packed, Error> {
        let address = address(settings, repository, transport)?;
        Ok(self.packed(address.pinned(self.image.digest()), Fate::Shown))
    }

    /// Writes it into a folder.
    pub(super) async fn written(&self, folder: &Path) -> Result<Packed, Error> {
        image::write(&self.image, folder).await?;
        Ok(self.packed(folder.display().to_string(), Fate::Written))
    }

    fn packed(&self, name: String, fate: Fate) -> Packed {
        Packed {
            name,
            digest: self.image.digest().to_owned(),
            platform: self.platform,
            size: self.image.size(),
            migrations: self.migrations,
            fate,
        }
    }
}

fn address(
    settings: &ImageSettings,
    repository: &str,
    transport: Transport,
) -> Result<Address, Error> {
    let endpoint = match &settings.endpoint {
        RegistryEndpoint::OfItsName => None,
        RegistryEndpoint::Given(endpoint) => Some(endpoint.value.as_str()),
    };
    Address::parse(repository, endpoint, transport)
}

/// The same content is the same tag, so that it never moves: ECR's repositories of ours are immutable.
fn tag_of(digest: &str) -> String {
    digest.trim_start_matches("sha256:").chars().take(16).collect()
}

async fn platform(settings: &ImageSettings, aws: Option<&Aws>) -> Result<Platform, Error> {
    match &settings.platform {
        PlatformChoice::Given(platform) => Ok(*platform),
        PlatformChoice::Usual => Ok(Platform::Amd64),
        PlatformChoice::OfDefinition(DefinitionSource::Template { path, .. }) => {
            Platform::of_definition(&read_template(path)?.0)
        }
        PlatformChoice::OfDefinition(DefinitionSource::Existing { reference, .. }) => {
            let aws = aws.expect("invariant: a registered definition needs AWS");
            Platform::of_definition(&aws.describe_definition(&reference.value).await?.document.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_is_made_of_the_content() {
        assert_eq!(tag_of("sha256:0123456789abcdef0123"), "0123456789abcdef");
    }
}
