//! Owns a blob: bytes that are named by their digest.

use bytes::Bytes;
use data_encoding::HEXLOWER;
use oci_spec::image::{Descriptor, Digest, MediaType};
use sha2::{Digest as _, Sha256};
use std::str::FromStr as _;

/// Bytes with their digest and type.
#[derive(Debug, Clone)]
pub(crate) struct Blob {
    media_type: MediaType,
    digest: String,
    bytes: Bytes,
}

impl Blob {
    pub(crate) fn new(media_type: MediaType, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self { media_type, digest: digest(&bytes), bytes }
    }

    /// `sha256:…`.
    pub(crate) fn digest(&self) -> &str {
        &self.digest
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The same bytes; nothing is copied.
    pub(crate) fn shared(&self) -> Bytes {
        self.bytes.clone()
    }

    /// How a manifest names it.
    pub(crate) fn descriptor(&self) -> Descriptor {
        let digest = Digest::from_str(&self.digest).expect("invariant: we made the digest");
        Descriptor::new(self.media_type.clone(), self.bytes.len() as u64, digest)
    }
}

/// `sha256:…` of these bytes.
pub(crate) fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", HEXLOWER.encode(&Sha256::digest(bytes)))
}
