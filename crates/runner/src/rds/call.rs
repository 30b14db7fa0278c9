//! Owns one signed request to RDS: a form goes out, XML comes back. Six actions are asked for; the SDK
//! of RDS would cost minutes of build time.

use crate::source::aws;
use aws_config::SdkConfig;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::service_config::ServiceConfigKey;
use engine::Error;
use engine::error::chain;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use roxmltree::Document;
use std::fmt;
use std::time::{Duration, SystemTime};
use tokio::time::sleep;

/// The code where nothing came back.
pub(super) const NO_ANSWER: &str = "no answer";

/// How often a request is tried whose answer was none, a throttle or a 5xx.
const TRIES: u32 = 5;

const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// What RFC 3986 leaves alone.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// RDS in one Region.
pub(super) struct Client {
    config: SdkConfig,
    region: String,
}

/// What RDS answered.
#[derive(Debug)]
pub(super) struct Answer(String);

/// Why it did not do it.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) code: String,
    pub(super) message: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Refusal {}

impl Refusal {
    fn is_transient(&self) -> bool {
        self.code == NO_ANSWER || self.code.starts_with("Throttling") || self.code.starts_with('5')
    }
}

impl Answer {
    /// The text of an element directly in the first `parent`; none where it is empty.
    pub(super) fn text(&self, parent: &str, name: &str) -> Option<String> {
        let document = Document::parse(&self.0).ok()?;
        let parent = document.descendants().find(|node| node.tag_name().name() == parent)?;
        let element = parent.children().find(|node| node.tag_name().name() == name)?;
        let text = element.text().unwrap_or_default().trim();
        (!text.is_empty()).then(|| text.to_owned())
    }
}

impl Client {
    pub(super) async fn new(region: &str) -> Result<Self, Error> {
        Ok(Self { config: aws::config(Some(region)).await, region: region.to_owned() })
    }

    /// Asks until there is an answer that no repetition can change. Every action made here may be
    /// repeated: it reads, or carries a name of its own.
    pub(super) async fn ask(
        &self,
        action: &'static str,
        parameters: &[(&str, &str)],
    ) -> Result<Answer, Refusal> {
        // RDS API reference, "API version".
        let mut form = format!("Action={action}&Version=2014-10-31");
        for (name, value) in parameters {
            form = format!("{form}&{name}={}", utf8_percent_encode(value, ENCODED));
        }
        let mut pause = FIRST_PAUSE;
        for _ in 1..TRIES {
            match self.ask_once(action, &form).await {
                Err(refusal) if refusal.is_transient() => {
                    sleep(pause.mul_f64(0.5 + fastrand::f64())).await;
                    pause *= 2;
                }
                answer => return answer,
            }
        }
        self.ask_once(action, &form).await
    }

    async fn ask_once(&self, action: &'static str, form: &str) -> Result<Answer, Refusal> {
        let endpoint = self.endpoint();
        let head = self.signed_head(&endpoint, form).await.map_err(|error| Refusal {
            code: "InvalidClientTokenId".to_owned(),
            message: format!("the request cannot be signed: {}", chain(error.as_ref())),
        })?;
        let timeouts = self
            .config
            .timeout_config()
            .map_or_else(|| TimeoutConfig::builder().build(), Clone::clone);
        let mut call = Operation::builder()
            .service_name("RDS")
            .operation_name(action)
            .endpoint_url(&endpoint)
            .no_auth()
            .no_retry()
            .timeout_config(timeouts);
        if let Some(client) = self.config.http_client() {
            call = call.http_client(client);
        }
        if let Some(sleep) = self.config.sleep_impl() {
            call = call.sleep_impl(sleep);
        }
        let body = form.to_owned();
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
                    return Ok(Answer(text.into_owned()));
                }
                Err(OrchestratorError::operation(refusal(&text, answer.status().as_u16())))
            })
            .build();
        call.invoke(()).await.map_err(|error| {
            if let SdkError::ServiceError(refused) = error {
                return refused.into_err();
            }
            Refusal { code: NO_ANSWER.to_owned(), message: chain(&error) }
        })
    }

    /// The headers of a request with their signature.
    async fn signed_head(
        &self,
        endpoint: &str,
        form: &str,
    ) -> Result<Vec<(String, String)>, BoxError> {
        let provider = self.config.credentials_provider().ok_or("there are no credentials")?;
        let identity = provider.provide_credentials().await?.into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("rds")
            .time(SystemTime::from(jiff::Timestamp::now()))
            .settings(SigningSettings::default())
            .build()?;
        let mut head = vec![
            ("content-length".to_owned(), form.len().to_string()),
            ("content-type".to_owned(), "application/x-www-form-urlencoded; charset=utf-8".into()),
        ];
        let (signature, _) = {
            let headers = head.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            let body = SignableBody::Bytes(form.as_bytes());
            let request = SignableRequest::new("POST", format!("{endpoint}/"), headers, body)?;
            sign(request, &parameters.into())?.into_parts()
        };
        let signature =
            signature.headers().map(|(name, value)| (name.to_owned(), value.to_owned()));
        head.extend(signature.collect::<Vec<_>>());
        Ok(head)
    }

    /// What is configured wins, the service's own first.
    fn endpoint(&self) -> String {
        let key = ServiceConfigKey::builder()
            .service_id("RDS")
            .env("AWS_ENDPOINT_URL")
            .profile("endpoint_url")
            .build()
            .expect("invariant: the key has all its parts");
        let own = self.config.service_config().and_then(|config| config.load_config(key));
        let given = own.or_else(|| self.config.endpoint_url().map(str::to_owned));
        let domain =
            if self.region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        given.map_or_else(
            || format!("https://rds.{}.{domain}", self.region),
            |url| url.trim_end_matches('/').to_owned(),
        )
    }
}

/// Code and message out of XML; the status where there is none.
fn refusal(text: &str, status: u16) -> Refusal {
    let document = Document::parse(text).ok();
    let find = |name| {
        let node = document.as_ref()?.descendants().find(|node| node.tag_name().name() == name)?;
        Some(node.text().unwrap_or_default().trim().to_owned())
    };
    let code = find("Code").filter(|code| !code.is_empty()).unwrap_or_else(|| status.to_string());
    Refusal { code, message: find("Message").unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_where_it_says_it() {
        let answer = Answer(
            "<R xmlns=\"http://x/\"><DBInstances><DBInstance><Members><Status>no</Status></Members>\
             <Status> available </Status><Empty/></DBInstance></DBInstances></R>"
                .to_owned(),
        );
        assert_eq!(answer.text("DBInstance", "Status").as_deref(), Some("available"));
        assert_eq!(answer.text("DBInstance", "Empty"), None);
        assert_eq!(answer.text("DBCluster", "Status"), None);
        assert_eq!(Answer("nonsense".to_owned()).text("DBInstance", "Status"), None);
    }

    #[test]
    fn a_refusal_has_a_code_whatever_came_back() {
        let xml = "<ErrorResponse><Error><Code>Throttling</Code><Message>Rate</Message></Error></ErrorResponse>";
        for (text, status, code, transient) in
            [(xml, 400, "Throttling", true), ("", 503, "503", true), ("<html/>", 403, "403", false)]
        {
            let refusal = refusal(text, status);
            assert_eq!((refusal.code.as_str(), refusal.is_transient()), (code, transient));
        }
    }
}
