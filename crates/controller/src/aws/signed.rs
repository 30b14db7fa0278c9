//! Owns one signed request to a service that has no SDK here. CloudFormation, IAM, EC2 and ECR are
//! asked for a dozen things together; their SDKs would cost minutes of build time.

use super::access::Aws;
use super::error::AwsError;
use super::renewal::Renewal;
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::service_config::ServiceConfigKey;
use std::fmt;
use std::time::{Duration, SystemTime};
use tokio::time::sleep;

/// How often a call is tried whose answer was no answer, a throttle or a 5xx. Every call made here
/// may be repeated: it reads, or carries a token or a name of its own.
const TRIES: u32 = 6;

const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// Where a service is and how it is called.
#[derive(Debug, Clone, Copy)]
pub(super) struct Service {
    /// As in `AWS_ENDPOINT_URL_<ID>` and in the profile's `services` section.
    pub(super) id: &'static str,
    pub(super) signing_name: &'static str,
    pub(super) host: Host,
    /// Of the JSON protocol's `X-Amz-Target`; empty for a form.
    pub(super) target: &'static str,
}

/// How the host's name is made.
#[derive(Debug, Clone, Copy)]
pub(super) enum Host {
    /// `<prefix>.<region>.<domain>`.
    Regional(&'static str),
    /// IAM: one for all Regions of a partition, signed for the Region given here.
    Iam,
}

/// What a service answered when it refused.
#[derive(Debug)]
pub(super) struct Refusal(ErrorMetadata);

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl std::error::Error for Refusal {}

impl ProvideErrorMetadata for Refusal {
    fn meta(&self) -> &ErrorMetadata {
        &self.0
    }
}

impl Refusal {
    /// A refusal by code and message.
    pub(super) fn new(code: &str, message: &str) -> Self {
        Self(ErrorMetadata::builder().code(code).message(message).build())
    }
}

impl Aws {
    /// Posts `body` until there is an answer that no repetition can change.
    pub(super) async fn post(
        &self,
        service: Service,
        operation: &'static str,
        body: &str,
    ) -> Result<String, AwsError> {
        let mut pause = FIRST_PAUSE;
        for _ in 1..TRIES {
            match self.post_once(service, operation, body).await {
                Err(error) if error.is_transient() => {
                    sleep(pause.mul_f64(0.5 + fastrand::f64())).await;
                    pause *= 2;
                }
                answer => return answer,
            }
        }
        self.post_once(service, operation, body).await
    }

    async fn post_once(
        &self,
        service: Service,
        operation: &'static str,
        body: &str,
    ) -> Result<String, AwsError> {
        let answer = self.send(service, operation, body).await;
        let answer = answer.map_err(|error| AwsError::of(operation, error));
        Renewal::heed(self.renewal.as_ref(), answer).await
    }

    async fn send(
        &self,
        service: Service,
        operation: &'static str,
        body: &str,
    ) -> Result<String, SdkError<Refusal, HttpResponse>> {
        let (endpoint, region) = self.place(service);
        let head = self
            .signed_head(service, operation, (&endpoint, &region, body))
            .await
            .map_err(SdkError::construction_failure)?;
        let mut call = Operation::builder()
            .service_name(service.id)
            .operation_name(operation)
            .endpoint_url(&endpoint)
            .no_auth()
            .no_retry()
            .timeout_config(
                self.config
                    .timeout_config()
                    .map_or_else(|| TimeoutConfig::builder().build(), Clone::clone),
            );
        if let Some(client) = self.config.http_client() {
            call = call.http_client(client);
        }
        if let Some(sleep) = self.config.sleep_impl() {
            call = call.sleep_impl(sleep);
        }
        let body = body.to_owned();
        let call = call
            .serializer(move |()| {
                let mut request = http::Request::post("/");
                for (name, value) in &head {
                    request = request.header(name, value);
                }
                Ok(HttpRequest::try_from(request.body(SdkBody::from(body.clone()))?)?)
            })
            .deserializer(move |answer: &HttpResponse| {
                let text = String::from_utf8_lossy(answer.body().bytes().unwrap_or_default());
                if answer.status().is_success() {
                    return Ok(text.into_owned());
                }
                Err(OrchestratorError::operation(refusal(&text, answer)))
            })
            .build();
        call.invoke(()).await
    }

    /// The headers of a request with their signature.
    async fn signed_head(
        &self,
        service: Service,
        operation: &str,
        (endpoint, region, body): (&str, &str, &str),
    ) -> Result<Vec<(String, String)>, BoxError> {
        let mut head = vec![("content-length".to_owned(), body.len().to_string())];
        if service.target.is_empty() {
            let form = "application/x-www-form-urlencoded; charset=utf-8";
            head.push(("content-type".to_owned(), form.to_owned()));
        } else {
            head.push(("content-type".to_owned(), "application/x-amz-json-1.1".to_owned()));
            head.push(("x-amz-target".to_owned(), format!("{}.{operation}", service.target)));
        }
        let identity = self.credentials().await?.into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name(service.signing_name)
            .time(SystemTime::from(jiff::Timestamp::now()))
            .settings(SigningSettings::default())
            .build()?;
        let (signature, _) = {
            let headers = head.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            let body = SignableBody::Bytes(body.as_bytes());
            let request = SignableRequest::new("POST", format!("{endpoint}/"), headers, body)?;
            sign(request, &parameters.into())?.into_parts()
        };
        let signature =
            signature.headers().map(|(name, value)| (name.to_owned(), value.to_owned()));
        head.extend(signature.collect::<Vec<_>>());
        Ok(head)
    }

    async fn credentials(&self) -> Result<Credentials, BoxError> {
        let provider = self.config.credentials_provider().ok_or("there are no credentials")?;
        Ok(provider.provide_credentials().await?)
    }

    /// Endpoint and signing Region; what is configured wins, the service's own first.
    fn place(&self, service: Service) -> (String, String) {
        let (default, region) = default_place(service.host, self.region());
        let key = ServiceConfigKey::builder()
            .service_id(service.id)
            .env("AWS_ENDPOINT_URL")
            .profile("endpoint_url")
            .build()
            .expect("invariant: the key has all its parts");
        let own = self.config.service_config().and_then(|config| config.load_config(key));
        let given = own.or_else(|| self.config.endpoint_url().map(str::to_owned));
        let endpoint = given.map_or(default, |url| url.trim_end_matches('/').to_owned());
        (endpoint, region)
    }
}

/// AWS's own endpoints (AWS General Reference, "Service endpoints").
fn default_place(host: Host, region: &str) -> (String, String) {
    let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    match host {
        Host::Regional(prefix) => {
            (format!("https://{prefix}.{region}.{domain}"), region.to_owned())
        }
        Host::Iam if region.starts_with("cn-") => {
            ("https://iam.cn-north-1.amazonaws.com.cn".to_owned(), "cn-north-1".to_owned())
        }
        Host::Iam if region.starts_with("us-gov-") => {
            ("https://iam.us-gov.amazonaws.com".to_owned(), "us-gov-west-1".to_owned())
        }
        Host::Iam => ("https://iam.amazonaws.com".to_owned(), "us-east-1".to_owned()),
    }
}

/// Code and message, out of XML or JSON.
fn refusal(text: &str, answer: &HttpResponse) -> Refusal {
    let status = answer.status().as_u16().to_string();
    if let Ok(document) = roxmltree::Document::parse(text) {
        let find = |name| {
            let node = document.descendants().find(|node| node.has_tag_name(name));
            node.and_then(|node| node.text()).unwrap_or_default().trim()
        };
        let code = Some(find("Code")).filter(|code| !code.is_empty()).unwrap_or(&status);
        return Refusal::new(code, find("Message"));
    }
    let body: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let kind = body["__type"].as_str().unwrap_or(&status);
    let code = kind.rsplit_once('#').map_or(kind, |(_, code)| code);
    let message = body["message"].as_str().or_else(|| body["Message"].as_str());
    Refusal::new(code, message.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iam_has_one_endpoint_a_partition() {
        for (host, region, endpoint, signed) in [
            (
                Host::Regional("api.ecr"),
                "eu-west-1",
                "https://api.ecr.eu-west-1.amazonaws.com",
                "eu-west-1",
            ),
            (
                Host::Regional("ec2"),
                "cn-north-1",
                "https://ec2.cn-north-1.amazonaws.com.cn",
                "cn-north-1",
            ),
            (Host::Iam, "eu-west-1", "https://iam.amazonaws.com", "us-east-1"),
            (Host::Iam, "us-gov-east-1", "https://iam.us-gov.amazonaws.com", "us-gov-west-1"),
        ] {
            assert_eq!(default_place(host, region), (endpoint.to_owned(), signed.to_owned()));
        }
    }

    #[test]
    fn a_refusal_is_read_from_xml_and_from_json() {
        let answer = HttpResponse::try_from(
            http::Response::builder().status(400).body(SdkBody::empty()).unwrap(),
        )
        .unwrap();
        for (text, code, message) in [
            (
                "<ErrorResponse xmlns=\"http://x/\"><Error><Code>Throttling</Code><Message>Rate &amp; so</Message></Error></ErrorResponse>",
                "Throttling",
                "Rate & so",
            ),
            (
                "{\"__type\":\"com.x#RepositoryNotFoundException\",\"message\":\"m\"}",
                "RepositoryNotFoundException",
                "m",
            ),
            ("nonsense", "400", ""),
        ] {
            let refusal = refusal(text, &answer);
            assert_eq!((refusal.code(), refusal.message()), (Some(code), Some(message)));
        }
    }
}
