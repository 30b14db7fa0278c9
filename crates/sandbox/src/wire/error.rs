//! Owns what an AWS error is: a type, a message, an HTTP status.

use http::StatusCode;
use serde_json::{Value, json};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) kind: String,
    pub(crate) message: String,
    /// `ConflictException` only: the ARNs of the tasks that hold the client token.
    pub(crate) resource_ids: Vec<String>,
}

impl ApiError {
    /// An error of the caller: HTTP 400.
    pub(crate) fn client(kind: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, kind, message)
    }

    pub(crate) fn new(status: StatusCode, kind: &str, message: impl Into<String>) -> Self {
        Self { status, kind: kind.to_owned(), message: message.into(), resource_ids: Vec::new() }
    }

    pub(crate) fn invalid_parameter(message: impl Into<String>) -> Self {
        Self::client("InvalidParameterException", message)
    }

    pub(crate) fn client_exception(message: impl Into<String>) -> Self {
        Self::client("ClientException", message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::client("ResourceNotFoundException", message)
    }

    /// What an operation the sandbox does not know answers: loud, so that nobody takes it for AWS.
    pub(crate) fn unknown_operation(name: &str) -> Self {
        Self::client(
            "UnknownOperationException",
            format!("ecs-migrate-sandbox does not implement {name}"),
        )
    }

    pub(crate) fn body(&self) -> Value {
        if self.resource_ids.is_empty() {
            json!({"__type": self.kind, "message": self.message})
        } else {
            json!({"__type": self.kind, "message": self.message, "resourceIds": self.resource_ids})
        }
    }
}
