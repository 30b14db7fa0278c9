//! Owns what an image stands on: the runner's file, or an image that somebody made.

use super::blob::Blob;
use super::layer::{self, RUNNER};
use super::platform::Platform;
use super::registry::Registry;
use crate::error::Error;
use oci_spec::image::{
    Arch, ConfigBuilder, Descriptor, HistoryBuilder, ImageConfiguration, ImageConfigurationBuilder,
    Os, RootFsBuilder,
};
use std::path::Path;

/// The user of the runner's image; the number is nobody's on purpose.
const USER: &str = "65532:65532";

/// When it was made: nothing of the present is in an image, or its digest would change with it.
pub(super) const LONG_AGO: &str = "1970-01-01T00:00:00Z";

/// A layer of the image that is made.
#[derive(Debug, Clone)]
pub(crate) enum Part {
    /// Packed here.
    Packed(Blob),
    /// In the registry of the base image; fetched only where it is missing.
    OfBase(Box<Descriptor>),
}

impl Part {
    pub(crate) fn descriptor(&self) -> Descriptor {
        match self {
            Self::Packed(blob) => blob.descriptor(),
            Self::OfBase(descriptor) => Descriptor::clone(descriptor),
        }
    }
}

/// What the migrations are put on.
#[derive(Debug)]
pub(crate) struct Base {
    pub(super) configuration: ImageConfiguration,
    pub(super) parts: Vec<Part>,
    /// Where the parts that are not here are.
    pub(super) registry: Option<Registry>,
}

impl Base {
    /// The runner and nothing else.
    pub(crate) fn of_runner(path: &Path, platform: Platform) -> Result<Self, Error> {
        let shown = path.display();
        let program = std::fs::read(path).map_err(|cause| {
            Error::usage(format!("cannot read the runner {shown}")).caused_by(cause)
        })?;
        platform.check(&program).map_err(|why| {
            Error::usage(format!("the runner {shown} {why}")).hinted(
                "--platform says for what the image is; a static runner comes with each release",
            )
        })?;
        let layer = layer::runner(&program);
        let run = ConfigBuilder::default()
            .user(USER)
            .entrypoint(vec![format!("/{RUNNER}")])
            .build()
            .expect("invariant: every field has a default");
        let root = RootFsBuilder::default().diff_ids(vec![layer.diff_id]).build();
        let history = HistoryBuilder::default().created(LONG_AGO).created_by(RUNNER).build();
        let configuration = ImageConfigurationBuilder::default()
            .created(LONG_AGO)
            .architecture(Arch::from(platform.architecture()))
            .os(Os::Linux)
            .config(run)
            .rootfs(root.expect("invariant: the digests are set"))
            .history(vec![history.expect("invariant: every field has a default")])
            .build()
            .expect("invariant: what is required is set");
        Ok(Self { configuration, parts: vec![Part::Packed(layer.blob)], registry: None })
    }

    /// An image in a registry.
    pub(crate) async fn of_image(
        registry: Registry,
        reference: &str,
        platform: Platform,
    ) -> Result<Self, Error> {
        let (configuration, layers) = registry.image(reference, platform).await?;
        let found = configuration.architecture().to_string();
        if found != platform.architecture() {
            return Err(Error::usage(format!(
                "the base image is for linux/{found}, but the image is for {platform}"
            )));
        }
        if layers.len() != configuration.rootfs().diff_ids().len() {
            return Err(Error::usage("the base image names other layers than its configuration"));
        }
        let parts = layers.into_iter().map(|layer| Part::OfBase(Box::new(layer))).collect();
        Ok(Self { configuration, parts, registry: Some(registry) })
    }
}
