//! Owns the credentials endpoint of a task with a task role.

use http::{Request, Response, StatusCode, header};
use serde_json::json;

use crate::core::Core;
use crate::wire::json_answer;

/// After any clock's idea of now, so that no SDK finds them expired.
const EXPIRATION: &str = "2099-01-01T00:00:00Z";

/// What a task's processes need to fetch its role's credentials.
#[derive(Clone, Debug)]
pub(crate) struct TaskCredentials {
    pub(crate) id: String,
    /// Sent as the `Authorization` header by whoever has `AWS_CONTAINER_AUTHORIZATION_TOKEN`.
    pub(crate) token: String,
    pub(crate) role_arn: String,
}

pub(crate) fn answer(core: &Core, id: &str, request: &Request<Vec<u8>>) -> Response<Vec<u8>> {
    let credentials = core
        .state()
        .tasks
        .values()
        .find_map(|task| task.credentials.clone().filter(|credentials| credentials.id == id));
    let Some(credentials) = credentials else {
        return refusal(
            StatusCode::NOT_FOUND,
            "InvalidIdInRequest",
            "CredentialsV2Request: No Credential ID in the request",
        );
    };
    let token = request.headers().get(header::AUTHORIZATION);
    if token.is_none_or(|token| token.as_bytes() != credentials.token.as_bytes()) {
        return refusal(
            StatusCode::FORBIDDEN,
            "AccessDenied",
            "the Authorization header is not this task's AWS_CONTAINER_AUTHORIZATION_TOKEN",
        );
    }
    json_answer(
        StatusCode::OK,
        &json!({
            "RoleArn": credentials.role_arn,
            "AccessKeyId": "ASIASANDBOXTASKROLE1",
            "SecretAccessKey": format!("sandbox-secret-{id}"),
            "Token": format!("sandbox-session-{id}"),
            "Expiration": EXPIRATION,
        }),
    )
}

fn refusal(status: StatusCode, code: &str, message: &str) -> Response<Vec<u8>> {
    json_answer(
        status,
        &json!({"code": code, "message": message, "HTTPErrorCode": status.as_u16()}),
    )
}
