//! Owns putting an image together: PURE, so the same parts are the same digest.

use super::base::{Base, LONG_AGO, Part};
use super::blob::Blob;
use super::layer::{Layer, MIGRATIONS};
use super::registry::Registry;
use oci_spec::image::{HistoryBuilder, ImageManifestBuilder, MediaType, SCHEMA_VERSION};
use protocol::env;
use serde::Serialize;
use std::collections::HashMap;

/// An image that is ready to be pushed.
#[derive(Debug)]
pub(crate) struct Image {
    pub(crate) configuration: Blob,
    pub(crate) parts: Vec<Part>,
    pub(crate) manifest: Blob,
    /// Where the parts of the base are.
    pub(crate) base: Option<Registry>,
}

/// What the labels say; empty where nobody knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The commit.
    pub(crate) revision: String,
    /// The address of the repository.
    pub(crate) source: String,
}

impl Origin {
    /// The names are the image specification's (OCI image-spec, "Annotations").
    fn labels(&self) -> impl Iterator<Item = (String, String)> + '_ {
        [("revision", &self.revision), ("source", &self.source)]
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (format!("org.opencontainers.image.{name}"), value.clone()))
    }
}

impl Image {
    /// The base with the migrations on top.
    pub(crate) fn assemble(base: Base, migrations: Layer, origin: &Origin) -> Self {
        let Base { mut configuration, mut parts, registry } = base;
        let mut run = configuration.config().clone().unwrap_or_default();
        let name = format!("{}=", env::MIGRATIONS);
        let mut variables = run.env().clone().unwrap_or_default();
        variables.retain(|variable| !variable.starts_with(&name));
        variables.push(format!("{name}/{MIGRATIONS}"));
        run.set_env(Some(variables));
        let mut labels: HashMap<_, _> = run.labels().clone().unwrap_or_default();
        labels.extend(origin.labels());
        run.set_labels((!labels.is_empty()).then_some(labels));
        configuration.set_config(Some(run));
        configuration.set_created(Some(LONG_AGO.to_owned()));
        configuration.rootfs_mut().diff_ids_mut().push(migrations.diff_id);
        let made = HistoryBuilder::default().created(LONG_AGO).created_by(MIGRATIONS).build();
        let made = made.expect("invariant: every field has a default");
        configuration.history_mut().get_or_insert_default().push(made);
        parts.push(Part::Packed(migrations.blob));
        let configuration = Blob::new(MediaType::ImageConfig, json(&configuration));
        let annotations: HashMap<_, _> = origin.labels().collect();
        let mut manifest = ImageManifestBuilder::default()
            .schema_version(SCHEMA_VERSION)
            .media_type(MediaType::ImageManifest)
            .config(configuration.descriptor())
            .layers(parts.iter().map(Part::descriptor).collect::<Vec<_>>())
            .build()
            .expect("invariant: what is required is set");
        manifest.set_annotations((!annotations.is_empty()).then_some(annotations));
        let manifest = Blob::new(MediaType::ImageManifest, json(&manifest));
        Self { configuration, parts, manifest, base: registry }
    }

    /// What the image is known by: the digest of its manifest.
    pub(crate) fn digest(&self) -> &str {
        self.manifest.digest()
    }

    /// What is pulled, in bytes.
    pub(crate) fn size(&self) -> u64 {
        let parts = self.parts.iter().map(|part| part.descriptor().size());
        parts.sum::<u64>() + self.configuration.bytes().len() as u64
    }
}

/// Keys in the order of their names: the types hold labels in an order that changes with each process.
fn json(document: &impl Serialize) -> Vec<u8> {
    let value = serde_json::to_value(document).expect("invariant: keys are texts");
    value.to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::super::layer::{Beneath, migrations};
    use super::super::platform::Platform;
    use super::super::test_files::{static_program, two_migrations};
    use super::*;
    use oci_spec::image::{ImageConfiguration, ImageManifest};

    fn image(origin: &Origin) -> Image {
        let folder = tempfile::tempdir().unwrap();
        two_migrations(folder.path());
        let runner = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(runner.path(), static_program()).unwrap();
        let base = Base::of_runner(runner.path(), Platform::Amd64).unwrap();
        let layer = migrations(folder.path(), Beneath::Nothing).unwrap();
        Image::assemble(base, layer, origin)
    }

    #[test]
    fn the_image_says_what_it_is_and_always_the_same() {
        let origin = Origin {
            revision: "c0ffee".to_owned(),
            source: "https://github.com/octo/app".to_owned(),
        };
        let made = image(&origin);
        let manifest = ImageManifest::from_reader(made.manifest.bytes()).unwrap();
        assert_eq!(manifest.layers().len(), 2);
        assert_eq!(manifest.config().digest().to_string(), made.configuration.digest());
        let said = ImageConfiguration::from_reader(made.configuration.bytes()).unwrap();
        let run = said.config().as_ref().unwrap();
        assert_eq!(run.user().as_deref(), Some("65532:65532"));
        assert_eq!(run.entrypoint().as_deref().unwrap(), ["/ecs-migrate-runner"]);
        assert_eq!(run.env().as_deref().unwrap(), ["ECS_MIGRATE_MIGRATIONS=/migrations"]);
        let labels = said.labels_of_config().unwrap();
        assert_eq!(labels["org.opencontainers.image.revision"], "c0ffee");
        assert_eq!(labels["org.opencontainers.image.source"], "https://github.com/octo/app");
        assert_eq!(said.rootfs().diff_ids().len(), 2);
        assert_eq!(said.history().as_ref().unwrap().len(), 2);
        assert_eq!(image(&origin).manifest.bytes(), made.manifest.bytes());
        // A change here means that the same content is pushed again once, with a new digest.
        assert_eq!(
            made.digest(),
            "sha256:39449ade560e8e13fb1a4c7fff9d961db4ce16159691f743b960cf6993a4729a"
        );
        assert_ne!(image(&Origin::default()).digest(), made.digest());
    }
}
