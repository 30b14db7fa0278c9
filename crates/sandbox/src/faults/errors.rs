//! Owns the AWS errors behind faults, in the words of each service.

use http::StatusCode;

use super::RequestAnswer;
use crate::wire::{ApiError, Service};

impl RequestAnswer {
    /// The error to answer with, unless the fault is something else than an error.
    pub(crate) fn error(&self, service: Service) -> Option<ApiError> {
        match self {
            Self::Throttle => Some(ApiError::client(throttle(service), "Rate exceeded")),
            Self::ServerError { status } => Some(ApiError::new(
                StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
                "ServerException",
                "Service Unavailable. Please try again later.",
            )),
            Self::Error { kind, message, status } => Some(ApiError::new(
                StatusCode::from_u16(*status).unwrap_or(StatusCode::BAD_REQUEST),
                kind,
                message,
            )),
            Self::ExpiredToken => Some(expired(service)),
            Self::Missing
            | Self::RoleNotAssumable
            | Self::DisguisedThrottle
            | Self::Failures(_)
            | Self::FailuresAllTheSame(_)
            | Self::Foreign { .. }
            | Self::Page(_)
            | Self::Unanswered { .. }
            | Self::Slow { .. }
            | Self::RateLimit { .. }
            | Self::PublishedRates
            | Self::When { .. } => None,
        }
    }
}

/// aws-facts 7.
fn throttle(service: Service) -> &'static str {
    if service.is_query() { "Throttling" } else { "ThrottlingException" }
}

/// aws-facts 7. The front of STS and the other query services answers before its API does: `ExpiredToken` with 403.
fn expired(service: Service) -> ApiError {
    let (status, kind) = if service.is_query() {
        (StatusCode::FORBIDDEN, "ExpiredToken")
    } else {
        (StatusCode::BAD_REQUEST, "ExpiredTokenException")
    };
    ApiError::new(status, kind, "The security token included in the request is expired")
}
