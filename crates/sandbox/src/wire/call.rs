//! Owns finding out which operation a request asks for: awsJson1.1 and awsQuery, never CBOR.

use http::StatusCode;
use serde_json::{Map, Value};

use super::ApiError;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    Ecs,
    Ecr,
    Iam,
    Logs,
    SecretsManager,
    Sts,
    CloudFormation,
    Ec2,
    Rds,
    Unknown,
}

impl Service {
    /// Every service that answers.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 9] = [
        Self::Ecs,
        Self::Logs,
        Self::SecretsManager,
        Self::Sts,
        Self::CloudFormation,
        Self::Iam,
        Self::Ec2,
        Self::Ecr,
        Self::Rds,
    ];

    /// Whether it speaks in forms and XML.
    pub(crate) const fn is_query(self) -> bool {
        matches!(self, Self::Sts | Self::CloudFormation | Self::Iam | Self::Ec2 | Self::Rds)
    }
}

/// One API call: what is asked of whom, with what.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) service: Service,
    pub(crate) operation: String,
    pub(crate) input: Value,
    /// Who signed it, if anybody did; the signature itself is not looked at.
    pub(crate) access_key: Option<String>,
}

/// A request that is no call; `operation` is what is known of what it wanted.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) operation: String,
    pub(crate) error: ApiError,
}

pub(crate) fn read_call(request: &http::Request<Vec<u8>>) -> Result<Call, Refused> {
    if let Some(protocol) = header(request, "smithy-protocol") {
        // aws-facts 8.1: no SDK does this for these services yet; the day one does must be noticed.
        return Err(Refused {
            operation: request.uri().path().to_owned(),
            error: ApiError::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "UnsupportedProtocolException",
                format!(
                    "ecs-migrate-sandbox does not speak {protocol}, only awsJson1.1 and awsQuery"
                ),
            ),
        });
    }
    if let Some(target) = header(request, "x-amz-target") {
        return json_call(target, request.body(), access_key(request));
    }
    query_call(request.body(), access_key(request)).ok_or_else(|| {
        let name = format!("{} {}", request.method(), request.uri().path());
        Refused { error: ApiError::unknown_operation(&name), operation: name }
    })
}

fn header<'request>(
    request: &'request http::Request<Vec<u8>>,
    name: &str,
) -> Option<&'request str> {
    request.headers().get(name)?.to_str().ok()
}

/// `Authorization: AWS4-HMAC-SHA256 Credential=ACCESS_KEY/DATE/REGION/SERVICE/aws4_request, …`.
fn access_key(request: &http::Request<Vec<u8>>) -> Option<String> {
    let (_, scope) = header(request, "authorization")?.split_once("Credential=")?;
    scope.split('/').next().map(str::to_owned)
}

fn json_call(target: &str, body: &[u8], access_key: Option<String>) -> Result<Call, Refused> {
    let (prefix, operation) = target.split_once('.').unwrap_or(("", target));
    let service = match prefix {
        "AmazonEC2ContainerServiceV20141113" => Service::Ecs,
        "AmazonEC2ContainerRegistry_V20150921" => Service::Ecr,
        "Logs_20140328" => Service::Logs,
        "secretsmanager" => Service::SecretsManager,
        _ => Service::Unknown,
    };
    let operation = if service == Service::Unknown { target } else { operation }.to_owned();
    let input =
        if body.is_empty() { Ok(Value::Object(Map::new())) } else { serde_json::from_slice(body) };
    match input {
        Ok(input) => Ok(Call { service, operation, input, access_key }),
        Err(error) => Err(Refused {
            operation,
            error: ApiError::client("SerializationException", error.to_string()),
        }),
    }
}

/// A form: its members become texts by name, such as `Tags.member.1.Key`.
fn query_call(body: &[u8], access_key: Option<String>) -> Option<Call> {
    let form = std::str::from_utf8(body).ok()?;
    let mut members: Map<String, Value> = form
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (decode(name), Value::String(decode(value))))
        .collect();
    let Some(Value::String(operation)) = members.remove("Action") else { return None };
    let service = match members.remove("Version").as_ref().and_then(Value::as_str) {
        Some("2011-06-15") => Service::Sts,
        Some("2010-05-15") => Service::CloudFormation,
        Some("2010-05-08") => Service::Iam,
        Some("2016-11-15") => Service::Ec2,
        Some("2014-10-31") => Service::Rds,
        _ => Service::Unknown,
    };
    Some(Call { service, operation, input: Value::Object(members), access_key })
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = tail
            .get(..2)
            .and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        let (byte, after) = match (first, hex) {
            (b'%', Some(byte)) => (byte, &tail[2..]),
            (b'+', _) => (b' ', tail),
            (byte, _) => (*byte, tail),
        };
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(headers: &[(&str, &str)], body: &str) -> http::Request<Vec<u8>> {
        let mut builder = http::Request::post("/");
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        builder.body(body.as_bytes().to_vec()).expect("valid request")
    }

    #[test]
    fn finds_the_operation() {
        let table = [
            ("AmazonEC2ContainerServiceV20141113.RunTask", Service::Ecs, "RunTask"),
            ("Logs_20140328.GetLogEvents", Service::Logs, "GetLogEvents"),
            ("secretsmanager.GetSecretValue", Service::SecretsManager, "GetSecretValue"),
            ("DynamoDB_20120810.PutItem", Service::Unknown, "DynamoDB_20120810.PutItem"),
        ];
        for (target, service, operation) in table {
            let call = read_call(&request(&[("X-Amz-Target", target)], "{}")).expect(target);
            assert_eq!((call.service, call.operation.as_str()), (service, operation));
        }
        let call = read_call(&request(&[], "Action=GetCallerIdentity&Version=2011-06-15"));
        assert_eq!(call.expect("query").service, Service::Sts);
        let form = "Action=GetRole&Version=2010-05-08&RoleName=a%2Fb+c";
        let call = read_call(&request(&[], form)).expect("query");
        assert_eq!((call.service, &call.input["RoleName"]), (Service::Iam, &Value::from("a/b c")));
    }

    #[test]
    fn finds_out_who_calls() {
        let authorization = "AWS4-HMAC-SHA256 Credential=AKIDOLD/20261121/eu-west-1/ecs/aws4_request, \
                             SignedHeaders=host, Signature=0";
        let target = ("x-amz-target", "AmazonEC2ContainerServiceV20141113.RunTask");
        let signed = request(&[target, ("Authorization", authorization)], "{}");
        assert_eq!(read_call(&signed).expect("a call").access_key.as_deref(), Some("AKIDOLD"));
        assert_eq!(read_call(&request(&[target], "{}")).expect("a call").access_key, None);
    }

    #[test]
    fn refuses_cbor_and_broken_json() {
        let cbor = read_call(&request(&[("smithy-protocol", "rpc-v2-cbor")], ""));
        assert_eq!(cbor.expect_err("cbor").error.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        let broken = read_call(&request(&[("x-amz-target", "Logs_20140328.GetLogEvents")], "{"));
        assert_eq!(broken.expect_err("broken").error.kind, "SerializationException");
    }
}
