//! Owns the push: what the registry has is not uploaded.

use super::assembly::Image;
use super::base::Part;
use super::platform::Platform;
use super::registry::Registry;
use crate::error::Error;
use bytes::Bytes;

/// What became of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Packed {
    /// `REPOSITORY@DIGEST`, or the folder.
    pub(crate) name: String,
    pub(crate) digest: String,
    pub(crate) platform: Platform,
    /// What is pulled, in bytes.
    pub(crate) size: u64,
    pub(crate) migrations: usize,
    pub(crate) fate: Fate,
}

/// Where an image went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fate {
    /// To its repository; `uploaded` bytes of layers and configuration were not there.
    Pushed { tag: String, uploaded: u64 },
    /// Nowhere: the tag names it already.
    There { tag: String },
    /// Into a folder.
    Written,
    /// Nowhere: it was only asked for.
    Shown,
}

/// Uploads what is missing, then the manifest under the tag. The same again uploads nothing.
pub(crate) async fn push(image: &Image, registry: &Registry, tag: &str) -> Result<Fate, Error> {
    let tag = tag.to_owned();
    match registry.digest_of(&tag).await? {
        Some(found) if found == image.digest() => return Ok(Fate::There { tag }),
        Some(_) | None => {}
    }
    let mut uploaded = 0;
    let configuration = Part::Packed(image.configuration.clone());
    for part in image.parts.iter().chain([&configuration]) {
        let descriptor = part.descriptor();
        let digest = descriptor.digest().to_string();
        if registry.has(&digest).await? {
            continue;
        }
        let bytes = bytes_of(part, image.base.as_ref()).await?;
        registry.upload(&digest, bytes).await?;
        uploaded += descriptor.size();
    }
    registry.tag(&tag, &image.manifest).await?;
    Ok(Fate::Pushed { tag, uploaded })
}

/// The bytes of a layer, out of the base image's registry where they are not here.
pub(super) async fn bytes_of(part: &Part, base: Option<&Registry>) -> Result<Bytes, Error> {
    match part {
        Part::Packed(blob) => Ok(blob.shared()),
        Part::OfBase(descriptor) => {
            let base = base.expect("invariant: parts of a base come with its registry");
            base.layer(descriptor).await
        }
    }
}
