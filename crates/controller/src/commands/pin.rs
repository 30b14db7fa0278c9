//! Owns naming an image by its digest before it is registered: a tag can be moved while a deployment
//! runs, and then migration and API are not the same build.

use crate::aws::Aws;
use crate::error::Error;
use crate::image::{Address, Login, Purpose, Registry, credentials};
use crate::settings::docker;
use crate::surroundings::Registries;
use crate::task_definition::{EcrImage, is_pinned};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::timeout;

/// How long a registry outside of AWS is asked for a digest.
const PATIENCE: Duration = Duration::from_secs(20);

/// An image as it is registered, and why it is not by its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pinned {
    pub(super) image: String,
    pub(super) doubt: Option<Doubt>,
}

/// A warning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Doubt {
    pub(super) text: String,
    pub(super) hint: Option<String>,
}

/// Who is asked what a tag is now: the one reading of it for migration, service and proof.
#[derive(Debug, Clone)]
pub(super) struct Tags {
    /// Where `docker login` left what opens other registries.
    docker: PathBuf,
    registries: Registries,
}

impl Tags {
    /// From the environment of the process.
    pub(super) fn new(process: &BTreeMap<String, String>, registries: Registries) -> Self {
        Self { docker: docker(process), registries }
    }

    /// Asks the registry for the digest of a tag: a definition that stands on a tag would never get what
    /// the tag is now. What a registry does not say is a warning, never a failure.
    pub(super) async fn pin(&self, aws: &Aws, image: &str) -> Pinned {
        if is_pinned(image) {
            return Pinned { image: image.to_owned(), doubt: None };
        }
        match (EcrImage::parse(image), self.registries) {
            (Some(named), _) => in_ecr(aws, image, &named).await,
            (None, Registries::Any) => self.elsewhere(aws, image).await,
            (None, Registries::Ecr) => {
                Pinned::by_tag(image, "only ECR is asked for digests", by_digest())
            }
        }
    }

    async fn elsewhere(&self, aws: &Aws, image: &str) -> Pinned {
        let (name, tag) = Address::split(image);
        let in_vain = |why: &str, hint: Option<&str>| {
            Pinned::by_tag(image, why, hint.map_or_else(by_digest, str::to_owned))
        };
        let address = match Address::pulled(name) {
            Ok(address) => address,
            Err(error) => return in_vain(&error.to_string(), None),
        };
        match timeout(PATIENCE, self.digest(aws, &address, tag)).await {
            // By the name that was given: of two names for one image a definition would differ.
            Ok(Ok(Some(digest))) => Pinned { image: format!("{name}@{digest}"), doubt: None },
            Ok(Ok(None)) => in_vain("the registry does not have it", None),
            Ok(Err(error)) => in_vain(&error.to_string(), error.hint()),
            Err(_) => in_vain("the registry did not answer in 20 s", None),
        }
    }

    async fn digest(
        &self,
        aws: &Aws,
        address: &Address,
        tag: &str,
    ) -> Result<Option<String>, Error> {
        let login = credentials(address, &Login::Anonymous, (Some(aws), &self.docker)).await?;
        let registry = Registry::open(address.clone(), &login, Purpose::Pull).await?;
        registry.digest_of(tag).await
    }
}

async fn in_ecr(aws: &Aws, image: &str, named: &EcrImage) -> Pinned {
    match aws.find_image(named).await {
        Ok(Some(found)) => Pinned { image: named.pinned(&found.digest), doubt: None },
        Ok(None) => {
            let hint = "push it before the task is run".to_owned();
            Pinned::by_tag(image, "ECR does not have it", hint)
        }
        Err(error) => {
            Pinned::by_tag(image, &error.to_string(), error.hint().unwrap_or_else(by_digest))
        }
    }
}

fn by_digest() -> String {
    "name it as repository@sha256:…".to_owned()
}

impl Pinned {
    /// The tag may name another image than when it was looked at last.
    fn by_tag(image: &str, why: &str, hint: String) -> Self {
        let text = format!("image {image} is registered by its tag, which can be moved: {why}");
        Self { image: image.to_owned(), doubt: Some(Doubt { text, hint: Some(hint) }) }
    }
}
