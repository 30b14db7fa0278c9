//! Owns naming an image by its digest before it is registered: a tag can be moved while a deployment
//! runs, and then migration and API are not the same build.

use crate::aws::Aws;
use crate::error::Error;
use crate::image::{Address, Login, Purpose, Registry, credentials};
use crate::task_definition::{EcrImage, is_pinned};
use std::path::Path;
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

/// Asks ECR for the digest of a tag. What ECR does not say is a warning, never a failure.
pub(super) async fn pin(aws: &Aws, image: &str) -> Pinned {
    if is_pinned(image) {
        return Pinned { image: image.to_owned(), doubt: None };
    }
    let Some(named) = EcrImage::parse(image) else {
        return Pinned::by_tag(image, "only ECR is asked for digests", by_digest());
    };
    match aws.find_image(&named).await {
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

/// As `pin`; another registry is asked, too, with what `docker login` left in that folder: a service
/// that stands on a tag already would never get what the tag is now.
pub(super) async fn pin_anywhere((aws, docker): (&Aws, &Path), image: &str) -> Pinned {
    if is_pinned(image) || EcrImage::parse(image).is_some() {
        return pin(aws, image).await;
    }
    let (name, tag) = Address::split(image);
    let in_vain = |why: &str, hint: Option<&str>| {
        Pinned::by_tag(image, why, hint.map_or_else(by_digest, str::to_owned))
    };
    let address = match Address::pulled(name) {
        Ok(address) => address,
        Err(error) => return in_vain(&error.to_string(), None),
    };
    match timeout(PATIENCE, digest((aws, docker), &address, tag)).await {
        // By the name that was given: of two names for one image a definition would differ.
        Ok(Ok(Some(digest))) => Pinned { image: format!("{name}@{digest}"), doubt: None },
        Ok(Ok(None)) => in_vain("the registry does not have it", None),
        Ok(Err(error)) => in_vain(&error.to_string(), error.hint()),
        Err(_) => in_vain("the registry did not answer in 20 s", None),
    }
}

async fn digest(
    (aws, docker): (&Aws, &Path),
    address: &Address,
    tag: &str,
) -> Result<Option<String>, Error> {
    let login = credentials(address, &Login::Anonymous, (Some(aws), docker)).await?;
    let registry = Registry::open(address.clone(), &login, Purpose::Pull).await?;
    registry.digest_of(tag).await
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
