//! Owns an image as a folder: the OCI image layout, which podman, buildah and skopeo read.

use super::assembly::Image;
use super::blob::Blob;
use super::push::bytes_of;
use crate::error::Error;
use serde_json::json;
use std::io;
use std::path::Path;

/// Writes the image; what is in the folder already and has another name stays.
pub(crate) async fn write(image: &Image, folder: &Path) -> Result<(), Error> {
    let mut blobs: Vec<(String, Vec<u8>)> = Vec::new();
    for blob in [&image.manifest, &image.configuration] {
        blobs.push((blob.digest().to_owned(), blob.bytes().to_vec()));
    }
    for part in &image.parts {
        let bytes = bytes_of(part, image.base.as_ref()).await?;
        blobs.push((part.descriptor().digest().to_string(), bytes.to_vec()));
    }
    save(&blobs, &image.manifest, folder).map_err(|cause| {
        Error::usage(format!("cannot write the image to {}", folder.display())).caused_by(cause)
    })
}

fn save(blobs: &[(String, Vec<u8>)], manifest: &Blob, folder: &Path) -> io::Result<()> {
    let place = folder.join("blobs/sha256");
    std::fs::create_dir_all(&place)?;
    for (digest, bytes) in blobs {
        std::fs::write(place.join(digest.trim_start_matches("sha256:")), bytes)?;
    }
    std::fs::write(folder.join("oci-layout"), json!({"imageLayoutVersion": "1.0.0"}).to_string())?;
    let index = json!({"schemaVersion": 2, "manifests": [manifest.descriptor()]});
    std::fs::write(folder.join("index.json"), index.to_string())
}
