//! Owns IAM authentication: instead of a password a token, which is a request to `rds-db` signed in
//! advance. It is good for one sign-in within 15 minutes, so every connection gets its own.
//!
//! AWS, "Connecting to your DB instance using IAM authentication"; botocore's
//! `generate_db_auth_token` makes the same text, a test compares.

use super::aws;
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use engine::error::chain;
use engine::login::{Login, Logins, Pending};
use engine::{ConnectionSettings, Error, Kind, Secret};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::fmt;
use std::time::{Duration, SystemTime};

/// AWS allows no more.
const VALID_FOR: Duration = Duration::from_mins(15);

/// What a signed query encodes: everything but what RFC 3986 calls unreserved.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Signs a token for each connection.
pub(super) struct Tokens {
    to: Destination,
    credentials: SharedCredentialsProvider,
}

/// What a token is for.
#[derive(Debug, Clone)]
struct Destination {
    host: String,
    port: u16,
    user: String,
    region: String,
}

impl Tokens {
    /// For this database; the Region is in the name of an RDS host, or must be set.
    pub(super) async fn new(settings: &ConnectionSettings) -> Result<Self, Error> {
        let named = settings.host_kind();
        let config = aws::config(named.region()).await;
        let region = aws::region(&config).ok_or_else(|| {
            Error::new(
                Kind::Configuration,
                format!(
                    "IAM authentication needs an AWS Region, and `{}` names none",
                    settings.host
                ),
            )
            .hint("connect by the endpoint that RDS shows, or set AWS_REGION")
        })?;
        let credentials = config.credentials_provider().ok_or_else(|| no_credentials("none"))?;
        let to = Destination {
            host: settings.host.clone(),
            port: settings.port,
            user: settings.user.clone(),
            region: region.to_owned(),
        };
        Ok(Self { to, credentials })
    }
}

impl Logins for Tokens {
    fn login(&self, _refused: Option<&Login>) -> Pending<'_> {
        Box::pin(async {
            let credentials = self
                .credentials
                .provide_credentials()
                .await
                .map_err(|error| no_credentials(&chain(&error)))?;
            #[expect(clippy::disallowed_methods, reason = "the signature carries the wall clock")]
            let now = SystemTime::now();
            let password = Some(Secret::new(token(&self.to, &credentials, now)?));
            Ok(Login { user: self.to.user.clone(), password })
        })
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to.fmt(f)
    }
}

fn no_credentials(cause: &str) -> Error {
    // The rest of the SDK's text is a list, one line for each place where it looked.
    let cause = cause.lines().next().unwrap_or_default();
    Error::new(Kind::AccessDenied, format!("no AWS credentials to sign in with: {cause}"))
        .hint("give the task a task role that allows rds-db:connect")
}

/// The token: a presigned URL without its scheme.
fn token(to: &Destination, credentials: &Credentials, now: SystemTime) -> Result<String, Error> {
    let impossible = |cause: String| {
        Error::new(Kind::Configuration, format!("cannot sign in with IAM: {cause}"))
            .hint("check host, port and role")
    };
    let mut settings = SigningSettings::default();
    settings.expires_in = Some(VALID_FOR);
    settings.signature_location = SignatureLocation::QueryParams;
    let identity = credentials.clone().into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(&to.region)
        .name("rds-db")
        .time(now)
        .settings(settings)
        .build()
        .map_err(|error| impossible(chain(&error)))?;
    let query =
        |name: &str, value: &str| format!("{name}={}", utf8_percent_encode(value, UNRESERVED));
    let mut url = format!(
        "https://{}:{}/?{}&{}",
        to.host,
        to.port,
        query("Action", "connect"),
        query("DBUser", &to.user)
    );
    let request = SignableRequest::new("GET", &url, std::iter::empty(), SignableBody::Bytes(&[]))
        .map_err(|error| impossible(chain(&error)))?;
    let (instructions, _signature) =
        sign(request, &parameters.into()).map_err(|error| impossible(chain(&error)))?.into_parts();
    for (name, value) in instructions.params() {
        url = format!("{url}&{}", query(name, value));
    }
    Ok(url.trim_start_matches("https://").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recorded from botocore 1.43.11, `generate_db_auth_token(host, port, user, Region=…)` with
    /// `botocore.auth.get_current_datetime` patched to the time below.
    #[test]
    fn botocore_makes_the_same_tokens() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_230_514);
        let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        for (port, user, session, wanted) in [
            (
                5432,
                "migrator",
                None,
                "db.c1.eu-west-1.rds.amazonaws.com:5432/?Action=connect&DBUser=migrator&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20261121%2Feu-west-1%2Frds-db%2Faws4_request&X-Amz-Date=20261121T030834Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature=8c34bf57a0fd9742cce7cf1fba21a14441c628082a64a09eefb718e93a058114",
            ),
            (
                6432,
                "o'brien ~+/@x",
                Some("FwoGZXIvYXdzEXAMPLE//////////wEaDPz+/=="),
                "db.c1.eu-west-1.rds.amazonaws.com:6432/?Action=connect&DBUser=o%27brien%20~%2B%2F%40x&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20261121%2Feu-west-1%2Frds-db%2Faws4_request&X-Amz-Date=20261121T030834Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Security-Token=FwoGZXIvYXdzEXAMPLE%2F%2F%2F%2F%2F%2F%2F%2F%2F%2FwEaDPz%2B%2F%3D%3D&X-Amz-Signature=657222b8fd4594ab2905f154a25dbdf5ccb0e3cf51e9c5aa79648430025768fe",
            ),
        ] {
            let credentials =
                Credentials::new("AKIDEXAMPLE", secret, session.map(str::to_owned), None, "test");
            let to = Destination {
                host: "db.c1.eu-west-1.rds.amazonaws.com".to_owned(),
                port,
                user: user.to_owned(),
                region: "eu-west-1".to_owned(),
            };
            assert_eq!(sorted(&token(&to, &credentials, now).unwrap()), sorted(wanted), "{user}");
        }
    }

    /// The order of parameters means nothing: the server sorts them before it signs.
    fn sorted(token: &str) -> Vec<&str> {
        let (address, query) = token.split_once('?').unwrap();
        let mut parameters: Vec<&str> = query.split('&').collect();
        parameters.sort_unstable();
        parameters.insert(0, address);
        parameters
    }
}
