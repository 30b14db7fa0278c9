//! Owns new credentials for a job in GitHub Actions: its OIDC endpoint gives an identity token,
//! and STS a session of the role that trusts it.

use super::account::{Account, of_arn};
use crate::settings::GithubIdentity;
use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::error::DisplayErrorContext;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use std::time::{Duration, SystemTime};

/// The audience that AWS's own action asks for, and so the one in a role's trust policy.
const AUDIENCE: &str = "sts.amazonaws.com";

const SESSION: &str = "ecs-migrate";

const TIMEOUT: Duration = Duration::from_secs(5);

/// Asks for sessions of one role.
#[derive(Debug)]
pub(super) struct GithubRole {
    identity: GithubIdentity,
    account: Account,
    config: SdkConfig,
    sts: aws_sdk_sts::Client,
}

impl GithubRole {
    /// A role that is asked for through the HTTP client of `config`.
    pub(super) fn new(identity: GithubIdentity, account: Account, config: &SdkConfig) -> Self {
        Self { identity, account, config: config.clone(), sts: aws_sdk_sts::Client::new(config) }
    }

    /// A new session, of the account that was worked in. Its errors name no token and no address.
    pub(super) async fn credentials(&self) -> Result<Credentials, CredentialsError> {
        self.account.hold(of_arn(&self.identity.role))?;
        let token = self.token().await?;
        let answer = self
            .sts
            .assume_role_with_web_identity()
            .role_arn(&self.identity.role)
            .role_session_name(SESSION)
            .web_identity_token(token)
            .send()
            .await
            .map_err(|error| {
                CredentialsError::provider_error(format!(
                    "credentials of role {} from GitHub's OIDC endpoint: {}",
                    self.identity.role,
                    DisplayErrorContext(error)
                ))
            })?;
        if let Some(user) = answer.assumed_role_user() {
            self.account.hold(of_arn(user.arn()))?;
        }
        let session = answer
            .credentials()
            .ok_or_else(|| CredentialsError::provider_error("STS answered without credentials"))?;
        Ok(Credentials::new(
            session.access_key_id(),
            session.secret_access_key(),
            Some(session.session_token().to_owned()),
            SystemTime::try_from(*session.expiration()).ok(),
            "GithubOidc",
        ))
    }

    async fn token(&self) -> Result<String, CredentialsError> {
        let (endpoint, path) = address(&self.identity.request_url)?;
        let bearer = format!("Bearer {}", self.identity.request_token);
        let mut operation = Operation::builder()
            .service_name("github")
            .operation_name("IdToken")
            .endpoint_url(&endpoint)
            .no_auth()
            .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(TIMEOUT).build())
            .standard_retry(&RetryConfig::standard());
        if let Some(client) = self.config.http_client() {
            operation = operation.http_client(client);
        }
        if let Some(sleep) = self.config.sleep_impl() {
            operation = operation.sleep_impl(sleep);
        }
        let operation = operation
            .serializer(move |()| {
                let request = http::Request::builder()
                    .uri(&path)
                    .header(http::header::AUTHORIZATION, &bearer)
                    .body(SdkBody::empty())?;
                Ok(HttpRequest::try_from(request)?)
            })
            .deserializer(|answer| token_in(answer).map_err(OrchestratorError::operation))
            .build();
        match operation.invoke(()).await {
            Ok(token) => Ok(token),
            Err(SdkError::ServiceError(context)) => Err(context.into_err()),
            Err(error) => Err(CredentialsError::provider_error(format!(
                "GitHub's OIDC endpoint: {}",
                DisplayErrorContext(error)
            ))),
        }
    }
}

/// Scheme and host, and the rest with the audience: GitHub's address has a query of its own.
fn address(request_url: &str) -> Result<(String, String), CredentialsError> {
    let invalid =
        || CredentialsError::invalid_configuration("ACTIONS_ID_TOKEN_REQUEST_URL is no URL");
    let url: http::Uri = request_url.parse().map_err(|_| invalid())?;
    let (Some(scheme), Some(host)) = (url.scheme_str(), url.authority()) else {
        return Err(invalid());
    };
    let separator = if url.query().is_some() { '&' } else { '?' };
    let path = url.path_and_query().map_or("/", |path| path.as_str());
    Ok((format!("{scheme}://{host}"), format!("{path}{separator}audience={AUDIENCE}")))
}

fn token_in(answer: &HttpResponse) -> Result<String, CredentialsError> {
    let body = answer.body().bytes().unwrap_or_default();
    let value: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let token = value.as_ref().and_then(|value| value["value"].as_str());
    match token {
        Some(token) if answer.status().is_success() => Ok(token.to_owned()),
        Some(_) | None => Err(CredentialsError::provider_error(format!(
            "GitHub's OIDC endpoint answered with status {} and no token",
            answer.status().as_u16()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_audience_joins_the_query_that_is_there() {
        for (url, endpoint, path) in [
            (
                "https://token.example:8443/a/b?api-version=2.0",
                "https://token.example:8443",
                "/a/b?api-version=2.0&audience=sts.amazonaws.com",
            ),
            ("http://token.example", "http://token.example", "/?audience=sts.amazonaws.com"),
        ] {
            assert_eq!(address(url).unwrap(), (endpoint.to_owned(), path.to_owned()));
        }
        assert!(address("nonsense with spaces").is_err());
        assert!(address("/only/a/path").is_err());
    }
}
