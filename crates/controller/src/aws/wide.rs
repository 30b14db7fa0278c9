//! Owns exit codes that do not fit where the SDK puts them: a container on Windows ends with an
//! NTSTATUS such as 3221225786, which is no 32-bit integer with a sign, and the SDK then reads nothing
//! of the answer at all. It is given the same answer again, with those numbers made to fit.

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use serde_json::Value;

/// Answers every request with one body, without sending it.
#[derive(Debug, Clone)]
pub(super) struct Replay(String);

/// The client that gives an unreadable answer again, if exit codes are what is unreadable in it.
pub(super) fn readable<E>(error: &SdkError<E, HttpResponse>) -> Option<Replay> {
    let (SdkError::ResponseError(_) | SdkError::ServiceError(_)) = error else { return None };
    let raw = error.raw_response().filter(|raw| raw.status().is_success())?;
    let mut body: Value = serde_json::from_slice(raw.body().bytes()?).ok()?;
    narrow(&mut body).then(|| Replay(body.to_string()))
}

/// Makes exit codes fit; whether one did not.
fn narrow(value: &mut Value) -> bool {
    match value {
        Value::Object(fields) => {
            let mut any = false;
            for (name, field) in fields {
                if name == "exitCode"
                    && let Some(code) = field.as_i64().filter(|code| i32::try_from(*code).is_err())
                {
                    *field = Value::from(signed(code));
                    any = true;
                } else {
                    any |= narrow(field);
                }
            }
            any
        }
        Value::Array(items) => {
            let mut any = false;
            for item in items {
                any |= narrow(item);
            }
            any
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// The same 32 bits with a sign, as Windows itself shows them; never 0.
fn signed(code: i64) -> i32 {
    u32::try_from(code).map_or(i32::MAX, u32::cast_signed)
}

impl HttpClient for Replay {
    fn http_connector(
        &self,
        _settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Replay {
    fn call(&self, _request: HttpRequest) -> HttpConnectorFuture {
        let answer = http::Response::new(SdkBody::from(self.0.clone()));
        let answer = HttpResponse::try_from(answer);
        HttpConnectorFuture::ready(
            answer.map_err(|error| ConnectorError::other(error.into(), None)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_exit_codes_that_do_not_fit_are_changed_and_none_becomes_zero() {
        let mut body = json!({"tasks": [{"containers": [
            {"exitCode": 3_221_225_786_u32}, {"exitCode": 4_294_967_296_u64}, {"exitCode": 0}
        ]}]});
        assert!(narrow(&mut body));
        let containers = &body["tasks"][0]["containers"];
        assert_eq!(containers[0]["exitCode"], -1_073_741_510);
        assert_eq!(containers[1]["exitCode"], i32::MAX);
        assert_eq!(containers[2]["exitCode"], 0);
        assert!(!narrow(&mut body), "once is enough");
    }
}
