//! Owns ECR's registry, the way `docker push` and `docker pull` speak to it. Every request is in the
//! journal under the action that IAM would be asked for (Amazon ECR user guide, "IAM permissions for
//! pushing and pulling an image").

use data_encoding::BASE64;
use http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use serde_json::{Map, Value, json};

use super::store::{self, RegistryStore};
use crate::core::Core;
use crate::journal::JournalEntry;

/// What `GetAuthorizationToken` gives, decoded.
pub(super) const LOGIN: &str = "AWS:sandbox-token";

const DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// The registry's path; the credentials of tasks are below it as well.
pub(crate) fn is_for_it(path: &str) -> bool {
    path.starts_with("/v2/") && !path.starts_with("/v2/credentials/")
}

/// A status and what stands with it.
struct Answer {
    status: StatusCode,
    headers: Vec<(HeaderName, String)>,
    body: Vec<u8>,
}

impl Answer {
    fn of(status: StatusCode) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// In the distribution specification's words.
    fn error(status: StatusCode, code: &str, message: &str) -> Self {
        let body = json!({"errors": [{"code": code, "message": message}]}).to_string();
        Self { body: body.into_bytes(), ..Self::of(status) }
            .with(CONTENT_TYPE, "application/json".to_owned())
    }

    fn with(mut self, name: HeaderName, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}

pub(crate) fn answer(core: &Core, request: &Request<Vec<u8>>) -> Response<Vec<u8>> {
    let path = request.uri().path().trim_start_matches("/v2/").to_owned();
    let (operations, answered) = if signed_in(request) {
        let mut state = core.state();
        route(&mut state.registry, request, &path)
    } else {
        let refused = Answer::error(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "Not Authorized");
        let challenge = "Basic realm=\"https://sandbox/\",service=\"ecr.amazonaws.com\"".to_owned();
        (NONE, refused.with(WWW_AUTHENTICATE, challenge))
    };
    for operation in operations {
        let repository = repository_of(&path);
        core.journal.record(JournalEntry {
            at: core.clock.now().millis(),
            operation: (*operation).to_owned(),
            status: answered.status.as_u16(),
            error: None,
            access_key: None,
            parameters: Map::from_iter([("repositoryName".to_owned(), json!(repository))]),
        });
    }
    let body = if request.method() == Method::HEAD { Vec::new() } else { answered.body };
    let mut response = Response::new(body);
    *response.status_mut() = answered.status;
    for (name, value) in answered.headers {
        let value = HeaderValue::from_str(&value).expect("invariant: digests and paths are ASCII");
        response.headers_mut().insert(name, value);
    }
    response
}

fn signed_in(request: &Request<Vec<u8>>) -> bool {
    let given = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    given.and_then(|value| value.strip_prefix("Basic ")) == Some(&BASE64.encode(LOGIN.as_bytes()))
}

fn repository_of(path: &str) -> &str {
    let end = ["/blobs/", "/manifests/"].iter().find_map(|part| path.find(part));
    end.map_or("", |end| &path[..end])
}

/// What IAM is asked for.
type Actions = &'static [&'static str];
const NONE: Actions = &[];

/// The actions of IAM, and the answer.
fn route(store: &mut RegistryStore, request: &Request<Vec<u8>>, path: &str) -> (Actions, Answer) {
    if path.is_empty() {
        return (NONE, Answer::of(StatusCode::OK));
    }
    let repository = repository_of(path);
    if store.repository(repository).is_none() {
        let text = format!("The repository with name '{repository}' does not exist");
        return (NONE, Answer::error(StatusCode::NOT_FOUND, "NAME_UNKNOWN", &text));
    }
    let rest = &path[repository.len()..];
    let body = request.body();
    match (request.method(), rest.split('/').collect::<Vec<_>>().as_slice()) {
        (&Method::HEAD, ["", "blobs", digest]) => {
            (&["BatchCheckLayerAvailability"], blob(store, digest))
        }
        (&Method::GET, ["", "blobs", digest]) => (&["GetDownloadUrlForLayer"], blob(store, digest)),
        (&Method::GET | &Method::HEAD, ["", "manifests", reference]) => {
            (&["BatchGetImage"], manifest(store, repository, reference))
        }
        (&Method::POST, ["", "blobs", "uploads", ""]) => {
            let place = format!("/v2/{repository}/blobs/uploads/1");
            (&["InitiateLayerUpload"], Answer::of(StatusCode::ACCEPTED).with(LOCATION, place))
        }
        (&Method::PUT, ["", "blobs", "uploads", _]) => {
            (&["UploadLayerPart", "CompleteLayerUpload"], upload(store, request, repository))
        }
        (&Method::PUT, ["", "manifests", tag]) => {
            (&["PutImage"], put(store, (repository, tag), body))
        }
        _ => (NONE, Answer::error(StatusCode::NOT_FOUND, "UNSUPPORTED", "no such operation")),
    }
}

fn blob(store: &RegistryStore, digest: &str) -> Answer {
    match store.blob(digest) {
        Some(bytes) => Answer { body: bytes.to_vec(), ..Answer::of(StatusCode::OK) }
            .with(DIGEST, digest.to_owned()),
        None => Answer::error(StatusCode::NOT_FOUND, "BLOB_UNKNOWN", "blob unknown to registry"),
    }
}

fn manifest(store: &RegistryStore, repository: &str, reference: &str) -> Answer {
    let digest = reference.starts_with("sha256:").then_some(reference);
    let found = store.repository(repository).and_then(|found| found.find(Some(reference), digest));
    match found {
        Some(found) => {
            Answer { body: found.text.clone().into_bytes(), ..Answer::of(StatusCode::OK) }
                .with(DIGEST, found.digest.clone())
                .with(CONTENT_TYPE, found.media_type.to_owned())
        }
        None => {
            Answer::error(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN", "Requested image not found")
        }
    }
}

fn upload(store: &mut RegistryStore, request: &Request<Vec<u8>>, repository: &str) -> Answer {
    let query = request.uri().query().unwrap_or_default();
    let wanted = query.split('&').find_map(|pair| pair.strip_prefix("digest="));
    let wanted = wanted.map(|digest| digest.replace("%3A", ":")).unwrap_or_default();
    let digest = store.add_blob(request.body().clone());
    if digest != wanted {
        let text = "provided digest did not match uploaded content";
        return Answer::error(StatusCode::BAD_REQUEST, "DIGEST_INVALID", text);
    }
    Answer::of(StatusCode::CREATED).with(LOCATION, format!("/v2/{repository}/blobs/{digest}"))
}

/// ECR names no place (its answer has no `Location`). Tags never move, as in a repository of `setup-infra`.
fn put(store: &mut RegistryStore, (repository, tag): (&str, &str), body: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(body).into_owned();
    let document: Value = serde_json::from_str(&text).unwrap_or_default();
    let layers = document["layers"].as_array().cloned().unwrap_or_default();
    let named = layers.iter().chain([&document["config"]]);
    let missing = named.filter_map(|blob| blob["digest"].as_str()).any(|d| store.blob(d).is_none());
    if missing || layers.is_empty() {
        let text = "manifest references blobs that are not in the repository";
        return Answer::error(StatusCode::BAD_REQUEST, "MANIFEST_BLOB_UNKNOWN", text);
    }
    match store.put(repository, tag, text) {
        Ok(digest) => Answer::of(StatusCode::CREATED).with(DIGEST, digest),
        Err(store::Immutable) => Answer::error(
            StatusCode::BAD_REQUEST,
            "TAG_INVALID",
            &format!(
                "The image tag '{tag}' already exists in the '{repository}' repository and cannot be overwritten \
                 because the repository is immutable."
            ),
        ),
    }
}
