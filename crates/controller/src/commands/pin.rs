//! Owns naming an image by its digest before it is registered: a tag can be moved while a deployment
//! runs, and then migration and API are not the same build.

use crate::aws::Aws;
use crate::error::Error;
use crate::image::{Address, Login, Purpose, Registry, Transport, credentials};
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
    pub(super) asked: Asked,
}

/// Whether anybody was asked for the digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// The registry is not one that is asked.
    Nobody,
    /// It gave none: the tag may name another image than when it was asked last.
    InVain,
}

/// Asks ECR for the digest of a tag. What ECR does not say is a warning, never a failure.
pub(super) async fn pin(aws: &Aws, image: &str) -> Pinned {
    let as_it_is = |doubt| Pinned { image: image.to_owned(), doubt };
    if is_pinned(image) {
        return as_it_is(None);
    }
    let doubt = |why: &str, hint| as_it_is(Some(Doubt::of(image, why, (hint, Asked::InVain))));
    let Some(named) = EcrImage::parse(image) else {
        let why = "only ECR is asked for digests";
        return as_it_is(Some(Doubt::of(image, why, (by_digest(), Asked::Nobody))));
    };
    match aws.find_image(&named).await {
        Ok(Some(found)) => Pinned { image: named.pinned(&found.digest), doubt: None },
        Ok(None) => doubt("ECR does not have it", "push it before the task is run".to_owned()),
        Err(error) => doubt(&error.to_string(), error.hint().unwrap_or_else(by_digest)),
    }
}

/// As `pin`; another registry is asked, too, with what `docker login` left in that folder: a service
/// that stands on a tag already would never get what the tag is now.
pub(super) async fn pin_anywhere((aws, docker): (&Aws, &Path), image: &str) -> Pinned {
    let pinned = pin(aws, image).await;
    let (name, tag) = Address::split(image);
    let (Some(Doubt { asked: Asked::Nobody, .. }), Ok(address)) =
        (&pinned.doubt, Address::parse(name, None, Transport::Safe))
    else {
        return pinned;
    };
    let by_digest_of = |digest: &str| Pinned { image: address.pinned(digest), doubt: None };
    let in_vain = |why: &str, hint: Option<&str>| {
        let hint = hint.map_or_else(by_digest, str::to_owned);
        let doubt = Doubt::of(image, why, (hint, Asked::InVain));
        Pinned { image: image.to_owned(), doubt: Some(doubt) }
    };
    match timeout(PATIENCE, digest((aws, docker), &address, tag)).await {
        Ok(Ok(Some(digest))) => by_digest_of(&digest),
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

impl Doubt {
    fn of(image: &str, why: &str, (hint, asked): (String, Asked)) -> Self {
        let text = format!("image {image} is registered by its tag, which can be moved: {why}");
        Self { text, hint: Some(hint), asked }
    }
}
