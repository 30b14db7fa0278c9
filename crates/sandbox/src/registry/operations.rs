//! Owns the API of ECR, as far as looking at an image needs it.

use std::time::Duration;

use data_encoding::BASE64;
use http::{Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::distribution::LOGIN;
use super::store::{RegistryStore, Repository};
use crate::core::Core;
use crate::wire::{ApiError, Fields, parse, text_answer};

/// Where a blob is fetched; with AWS it is a signed address of S3.
const NOWHERE: &str = "http://sandbox";

/// How long a login is good (Amazon ECR API, `GetAuthorizationToken`).
const VALID: Duration = Duration::from_hours(12);

pub(crate) fn answer(
    core: &Core,
    operation: &str,
    input: &Value,
) -> Option<Result<Value, ApiError>> {
    match operation {
        "BatchGetImage" => Some(batch_get_image(core, input)),
        "GetAuthorizationToken" => Some(Ok(authorization(core))),
        "GetDownloadUrlForLayer" => Some(get_download_url(core, input)),
        _ => None,
    }
}

/// The blob behind an address that was handed out.
pub(crate) fn blob(core: &Core, digest: &str) -> Response<Vec<u8>> {
    match core.state().registry.blob(digest) {
        Some(bytes) => text_answer(StatusCode::OK, String::from_utf8_lossy(bytes).into_owned()),
        None => text_answer(StatusCode::NOT_FOUND, "no such blob\n".to_owned()),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BatchGetImage {
    repository_name: String,
    image_ids: Vec<ImageId>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ImageId {
    image_tag: Option<String>,
    image_digest: Option<String>,
}

fn batch_get_image(core: &Core, input: &Value) -> Result<Value, ApiError> {
    let input: BatchGetImage = parse(input)?;
    let state = core.state();
    let repository = repository(core, &state.registry, &input.repository_name)?;
    let (mut images, mut failures) = (Vec::new(), Vec::new());
    for id in &input.image_ids {
        let (tag, digest) = (id.image_tag.as_deref(), id.image_digest.as_deref());
        match repository.find(tag, digest) {
            Some(found) => images.push(json!({
                "registryId": core.identity.account,
                "repositoryName": input.repository_name,
                "imageId": Value::from(Fields::default().set("imageDigest", found.digest.clone()).maybe("imageTag", tag)),
                "imageManifest": found.text,
                "imageManifestMediaType": found.media_type,
            })),
            None => failures.push(json!({
                "imageId": Value::from(Fields::default().maybe("imageDigest", digest).maybe("imageTag", tag)),
                "failureCode": "ImageNotFound",
                "failureReason": "Requested image not found",
            })),
        }
    }
    Ok(json!({"images": images, "failures": failures}))
}

fn authorization(core: &Core) -> Value {
    let endpoint = core.endpoint().unwrap_or(NOWHERE);
    let expires = core.clock.now().after(VALID).seconds();
    json!({"authorizationData": [{"authorizationToken": BASE64.encode(LOGIN.as_bytes()),
        "expiresAt": expires, "proxyEndpoint": endpoint}]})
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GetDownloadUrl {
    repository_name: String,
    layer_digest: String,
}

fn get_download_url(core: &Core, input: &Value) -> Result<Value, ApiError> {
    let input: GetDownloadUrl = parse(input)?;
    let state = core.state();
    repository(core, &state.registry, &input.repository_name)?;
    let digest = &input.layer_digest;
    if state.registry.blob(digest).is_none() {
        return Err(ApiError::client(
            "LayersNotFoundException",
            format!(
                "The layer with digest '{digest}' does not exist in the repository with name '{}' in the registry with \
                 id '{}'",
                input.repository_name, core.identity.account
            ),
        ));
    }
    let endpoint = core.endpoint().unwrap_or(NOWHERE);
    let url = format!("{endpoint}/_sandbox/blobs/{digest}?X-Amz-Signature=0");
    Ok(json!({"downloadUrl": url, "layerDigest": digest}))
}

fn repository<'store>(
    core: &Core,
    store: &'store RegistryStore,
    name: &str,
) -> Result<&'store Repository, ApiError> {
    store.repository(name).ok_or_else(|| {
        ApiError::client(
            "RepositoryNotFoundException",
            format!(
                "The repository with name '{name}' does not exist in the registry with id '{}'",
                core.identity.account
            ),
        )
    })
}
