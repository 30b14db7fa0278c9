//! Owns repositories and images: manifests and configurations as a registry holds them, by digest.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIGURATION: &str = "application/vnd.oci.image.config.v1+json";

#[derive(Debug, Default)]
pub(crate) struct RegistryStore {
    repositories: BTreeMap<String, Repository>,
    /// Configurations and layers, by digest.
    blobs: BTreeMap<String, Vec<u8>>,
}

/// A tag names another image and never moves.
#[derive(Debug)]
pub(super) struct Immutable;

#[derive(Debug, Default)]
pub(crate) struct Repository {
    /// Digests, by tag.
    tags: BTreeMap<String, String>,
    manifests: BTreeMap<String, Manifest>,
}

#[derive(Clone, Debug)]
pub(crate) struct Manifest {
    pub(crate) digest: String,
    pub(crate) media_type: &'static str,
    pub(crate) text: String,
}

impl RegistryStore {
    pub(crate) fn repository(&self, name: &str) -> Option<&Repository> {
        self.repositories.get(name)
    }

    pub(crate) fn add_repository(&mut self, name: &str) {
        self.repositories.entry(name.to_owned()).or_default();
    }

    /// An image for these CPUs (`amd64`, `arm64`), an index if there are several; its digest.
    pub(crate) fn push(&mut self, repository: &str, tag: &str, architectures: &[&str]) -> String {
        let images: Vec<(Manifest, &str)> = architectures
            .iter()
            .map(|architecture| {
                (self.image(&format!("{repository}:{tag}"), architecture), *architecture)
            })
            .collect();
        let named = match images.as_slice() {
            [(only, _)] => only.clone(),
            several => index(several),
        };
        let digest = named.digest.clone();
        let repository = self.repositories.entry(repository.to_owned()).or_default();
        for manifest in images.into_iter().map(|(manifest, _)| manifest).chain([named]) {
            repository.manifests.insert(manifest.digest.clone(), manifest);
        }
        repository.tags.insert(tag.to_owned(), digest.clone());
        digest
    }

    fn image(&mut self, name: &str, architecture: &str) -> Manifest {
        let configuration = json!({"architecture": architecture, "os": "linux", "config": {"Labels": {"name": name}}});
        let text = configuration.to_string();
        let digest = digest(&text);
        let layer = json!({"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
            "digest": self::digest(name), "size": 7_000_000});
        let manifest = manifest(
            IMAGE,
            &json!({"schemaVersion": 2, "mediaType": IMAGE,
                "config": {"mediaType": CONFIGURATION, "digest": digest, "size": text.len()},
                "layers": [layer]}),
        );
        self.blobs.insert(digest, text.into_bytes());
        manifest
    }

    pub(crate) fn blob(&self, digest: &str) -> Option<&[u8]> {
        self.blobs.get(digest).map(Vec::as_slice)
    }

    /// Keeps a blob; its digest.
    pub(super) fn add_blob(&mut self, bytes: Vec<u8>) -> String {
        let digest = digest_of(&bytes);
        self.blobs.insert(digest.clone(), bytes);
        digest
    }

    /// Puts an image under a tag; its digest.
    pub(super) fn put(
        &mut self,
        repository: &str,
        tag: &str,
        text: String,
    ) -> Result<String, Immutable> {
        let digest = digest(&text);
        let repository = self.repositories.entry(repository.to_owned()).or_default();
        if repository.tags.get(tag).is_some_and(|found| *found != digest) {
            return Err(Immutable);
        }
        repository.tags.insert(tag.to_owned(), digest.clone());
        let manifest = Manifest { digest: digest.clone(), media_type: IMAGE, text };
        repository.manifests.insert(digest.clone(), manifest);
        Ok(digest)
    }
}

impl Repository {
    /// Every image, an index and what it names each by itself.
    pub(crate) fn images(&self) -> impl Iterator<Item = &Manifest> {
        self.manifests.values()
    }

    pub(crate) fn find(&self, tag: Option<&str>, digest: Option<&str>) -> Option<&Manifest> {
        let digest = digest.or_else(|| self.tags.get(tag?).map(String::as_str))?;
        self.manifests.get(digest)
    }
}

fn index(images: &[(Manifest, &str)]) -> Manifest {
    let entries: Vec<Value> = images
        .iter()
        .map(|(image, architecture)| {
            json!({"mediaType": IMAGE, "digest": image.digest, "size": image.text.len(),
                "platform": {"architecture": architecture, "os": "linux"}})
        })
        .collect();
    manifest(INDEX, &json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}))
}

fn manifest(media_type: &'static str, document: &Value) -> Manifest {
    let text = document.to_string();
    Manifest { digest: digest(&text), media_type, text }
}

fn digest(text: &str) -> String {
    digest_of(text.as_bytes())
}

fn digest_of(bytes: &[u8]) -> String {
    format!("sha256:{}", HEXLOWER.encode(&Sha256::digest(bytes)))
}
