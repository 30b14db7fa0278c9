//! Owns what is fetched by GET: the task metadata and credentials endpoints, health and journal.

use http::{Request, Response, StatusCode};
use serde_json::json;

use crate::core::Core;
use crate::credentials;
use crate::registry;
use crate::task::{container_metadata, task_metadata};
use crate::wire::{json_answer, text_answer};

/// `None` when the path is none of the sandbox's: an API it does not have, such as S3.
pub(crate) fn answer(core: &Core, request: &Request<Vec<u8>>) -> Option<Response<Vec<u8>>> {
    let path = request.uri().path().trim_matches('/');
    let segments: Vec<&str> = path.split('/').collect();
    let found = match segments.as_slice() {
        ["_sandbox", "health"] => Some(json!({
            "status": "ok",
            "region": core.identity.region,
            "account": core.identity.account,
        })),
        ["_sandbox", "journal"] => Some(json!({"entries": core.journal.entries()})),
        ["v4", container] => container_metadata(core, container),
        ["v4", container, "task" | "taskWithTags"] => task_metadata(core, container),
        ["_sandbox", "blobs", digest] => return Some(registry::blob(core, digest)),
        ["v2", "credentials", id] => return Some(credentials::answer(core, id, request)),
        ["_sandbox" | "v4", ..] | ["v2", "credentials", ..] => None,
        _ => return None,
    };
    Some(match found {
        Some(document) => json_answer(StatusCode::OK, &document),
        None => text_answer(StatusCode::NOT_FOUND, format!("nothing at GET /{path}\n")),
    })
}
