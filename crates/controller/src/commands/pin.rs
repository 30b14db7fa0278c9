//! Owns naming an image by its digest before it is registered: a tag can be moved while a deployment
//! runs, and then migration and API are not the same build.

use crate::aws::Aws;
use crate::task_definition::{EcrImage, is_pinned};

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
    let as_it_is = |doubt| Pinned { image: image.to_owned(), doubt };
    if is_pinned(image) {
        return as_it_is(None);
    }
    let doubt = |why: String, hint| {
        let text = format!("image {image} is registered by its tag, which can be moved: {why}");
        as_it_is(Some(Doubt { text, hint }))
    };
    let by_digest = || Some("name it as repository@sha256:…".to_owned());
    let Some(named) = EcrImage::parse(image) else {
        return doubt("only ECR is asked for digests".to_owned(), by_digest());
    };
    match aws.find_image(&named).await {
        Ok(Some(found)) => Pinned { image: named.pinned(&found.digest), doubt: None },
        Ok(None) => doubt(
            "ECR does not have it".to_owned(),
            Some("push it before the task is run".to_owned()),
        ),
        Err(error) => doubt(error.to_string(), error.hint().or_else(by_digest)),
    }
}
