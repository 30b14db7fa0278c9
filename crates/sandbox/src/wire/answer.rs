//! Owns how an answer is written: JSON for awsJson1.1, XML for awsQuery.

use std::fmt::Write as _;

use http::{Response, StatusCode};
use serde::Serialize;
use serde_json::Value;

use super::{ApiError, Service};

const STS_NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";
const IAM_NAMESPACE: &str = "https://iam.amazonaws.com/doc/2010-05-08/";

/// What an operation answers when all went well.
#[derive(Debug)]
pub(crate) enum Body {
    Document(Value),
    /// Written already: JSON too large to be built first, or the inside of an XML answer.
    Written(String),
}

impl Body {
    pub(crate) fn write(document: &impl Serialize) -> Result<Self, ApiError> {
        serde_json::to_string(document).map(Self::Written).map_err(|error| {
            ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "ServerException", error.to_string())
        })
    }
}

impl From<Value> for Body {
    fn from(document: Value) -> Self {
        Self::Document(document)
    }
}

/// Writes what an operation answered in its service's protocol.
pub(crate) fn encode(
    service: Service,
    operation: &str,
    result: Result<Body, ApiError>,
    request_id: &str,
) -> Response<Vec<u8>> {
    let status = match &result {
        Ok(_) => StatusCode::OK,
        Err(error) => error.status,
    };
    let (content_type, body) = if service.is_query() {
        let namespace = if service == Service::Iam { IAM_NAMESPACE } else { STS_NAMESPACE };
        ("text/xml", xml((operation, namespace), &result, request_id))
    } else {
        let body = match result {
            Ok(Body::Document(value)) => value.to_string(),
            Ok(Body::Written(text)) => text,
            Err(error) => error.body().to_string(),
        };
        ("application/x-amz-json-1.1", body)
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

fn xml(
    (operation, namespace): (&str, &str),
    result: &Result<Body, ApiError>,
    request_id: &str,
) -> String {
    match result {
        Ok(body) => {
            let mut members = String::new();
            let document = match body {
                Body::Document(document) => document.as_object(),
                Body::Written(text) => {
                    members.push_str(text);
                    None
                }
            };
            for (name, value) in document.into_iter().flatten() {
                push_element(&mut members, name, value);
            }
            format!(
                "<{operation}Response xmlns=\"{namespace}\"><{operation}Result>{members}</{operation}Result>\
                 <ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>"
            )
        }
        Err(error) => format!(
            "<ErrorResponse xmlns=\"{namespace}\"><Error><Type>Sender</Type><Code>{}</Code>\
             <Message>{}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>",
            escape(&error.kind),
            escape(&error.message)
        ),
    }
}

/// Lists are elements of `member`s; an empty text is an absent one.
fn push_element(xml: &mut String, name: &str, value: &Value) {
    match value {
        Value::Null => {}
        Value::String(text) if text.is_empty() => {}
        Value::String(text) => {
            let _ = write!(xml, "<{name}>{}</{name}>", escape(text));
        }
        Value::Bool(_) | Value::Number(_) => {
            let _ = write!(xml, "<{name}>{value}</{name}>");
        }
        Value::Array(items) => {
            let _ = write!(xml, "<{name}>");
            for item in items {
                push_element(xml, "member", item);
            }
            let _ = write!(xml, "</{name}>");
        }
        Value::Object(members) => {
            let _ = write!(xml, "<{name}>");
            for (name, value) in members {
                push_element(xml, name, value);
            }
            let _ = write!(xml, "</{name}>");
        }
    }
}

pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
