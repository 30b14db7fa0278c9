//! Owns how an answer is written: JSON for awsJson1.1, XML for awsQuery.

use std::fmt::Write as _;

use http::{Response, StatusCode};
use serde_json::Value;

use super::{ApiError, Service};

const STS_NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// Writes what an operation answered in its service's protocol.
pub(crate) fn encode(
    service: Service,
    operation: &str,
    result: &Result<Value, ApiError>,
    request_id: &str,
) -> Response<Vec<u8>> {
    let status = match result {
        Ok(_) => StatusCode::OK,
        Err(error) => error.status,
    };
    let (content_type, body) = match service {
        Service::Sts => ("text/xml", xml(operation, result, request_id)),
        Service::Ecs | Service::Logs | Service::SecretsManager | Service::Unknown => {
            let body = match result {
                Ok(value) => value.to_string(),
                Err(error) => error.body().to_string(),
            };
            ("application/x-amz-json-1.1", body)
        }
    };
    let mut response = answer(status, content_type, body);
    if let Ok(value) = http::HeaderValue::from_str(request_id) {
        response.headers_mut().insert("x-amzn-requestid", value);
    }
    response
}

/// A plain JSON document, for the endpoints that are no AWS API.
pub(crate) fn json_answer(status: StatusCode, value: &Value) -> Response<Vec<u8>> {
    answer(status, "application/json", value.to_string())
}

pub(crate) fn text_answer(status: StatusCode, text: String) -> Response<Vec<u8>> {
    answer(status, "text/plain; charset=utf-8", text)
}

fn answer(status: StatusCode, content_type: &'static str, body: String) -> Response<Vec<u8>> {
    let mut response = Response::new(body.into_bytes());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static(content_type));
    response
}

fn xml(operation: &str, result: &Result<Value, ApiError>, request_id: &str) -> String {
    match result {
        Ok(value) => {
            let mut members = String::new();
            for (name, value) in value.as_object().into_iter().flatten() {
                let text = value.as_str().unwrap_or_default();
                let _ = write!(members, "<{name}>{}</{name}>", escape(text));
            }
            format!(
                "<{operation}Response xmlns=\"{STS_NAMESPACE}\"><{operation}Result>{members}</{operation}Result>\
                 <ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>"
            )
        }
        Err(error) => format!(
            "<ErrorResponse xmlns=\"{STS_NAMESPACE}\"><Error><Type>Sender</Type><Code>{}</Code>\
             <Message>{}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>",
            escape(&error.kind),
            escape(&error.message)
        ),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
