//! Owns which account this invocation works in. AWS's own answers say it; credentials that come
//! later, from wherever, must be the same account's: another one may have a cluster, a family and a
//! service of the same names.

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{
    ProvideCredentials, Result as Provided, SharedCredentialsProvider, future,
};
use aws_sdk_sts::error::DisplayErrorContext;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::AfterDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use std::sync::{Arc, OnceLock};
use tokio::sync::Mutex;

/// The account, once it is known.
#[derive(Debug, Clone, Default)]
pub(super) struct Account(Arc<OnceLock<String>>);

impl Account {
    /// Keeps what was learnt first.
    pub(super) fn note(&self, account: &str) {
        if !account.is_empty() {
            let _known = self.0.set(account.to_owned());
        }
    }

    /// Refuses credentials of another account. While nothing is known, nothing was done either.
    pub(super) fn hold(&self, account: &str) -> Result<(), CredentialsError> {
        match self.0.get() {
            Some(known) if known != account => {
                Err(CredentialsError::invalid_configuration(format!(
                    "the new credentials are of account {account}, but this began in account {known}; \
                     they are not used"
                )))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// Reads the account out of ECS's answers: a cluster has no policy of its own, so all that ECS answers
/// with is the caller's account's.
impl Intercept for Account {
    fn name(&self) -> &'static str {
        "NoteAccount"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if self.0.get().is_none() && context.output_or_error().is_ok() {
            let body = context.response().body().bytes().unwrap_or_default();
            if let Some(account) = in_answer(&String::from_utf8_lossy(body)) {
                self.note(account);
            }
        }
        Ok(())
    }
}

/// The account of the first ARN of ECS's own.
fn in_answer(body: &str) -> Option<&str> {
    body.split('"').filter(|text| text.starts_with("arn:")).find_map(|arn| {
        let mut parts = arn.split(':').skip(2);
        let of_ecs = parts.next() == Some("ecs");
        parts.nth(1).filter(|account| of_ecs && is_account(account))
    })
}

/// The account in any ARN, empty if there is none.
pub(super) fn of_arn(arn: &str) -> &str {
    arn.split(':').nth(4).filter(|account| is_account(account)).unwrap_or_default()
}

fn is_account(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|digit| digit.is_ascii_digit())
}

/// The SDK's own chain, which renews by itself: a profile, a process, a container.
#[derive(Debug)]
pub(super) struct SameAccount {
    chain: SharedCredentialsProvider,
    account: Account,
    config: SdkConfig,
    /// The key that was held against the account last.
    key: Mutex<Option<String>>,
}

impl SameAccount {
    /// `config` is how STS is reached.
    pub(super) fn new(
        chain: SharedCredentialsProvider,
        account: Account,
        config: SdkConfig,
    ) -> Self {
        Self { chain, account, config, key: Mutex::default() }
    }

    async fn credentials(&self) -> Provided {
        let found = self.chain.provide_credentials().await?;
        let mut key = self.key.lock().await;
        match (key.as_deref(), found.account_id()) {
            (Some(same), _) if same == found.access_key_id() => {}
            (None, Some(account)) => self.account.note(account.as_str()),
            (None, None) => {}
            (Some(_), Some(account)) => self.meet(account.as_str())?,
            (Some(_), None) => self.meet(&self.ask(&found).await?)?,
        }
        *key = Some(found.access_key_id().to_owned());
        Ok(found)
    }

    /// Of the first credentials nobody may have answered yet: then these are the ones.
    fn meet(&self, account: &str) -> Result<(), CredentialsError> {
        self.account.hold(account)?;
        self.account.note(account);
        Ok(())
    }

    /// Whose the credentials are.
    async fn ask(&self, credentials: &Credentials) -> Result<String, CredentialsError> {
        let provider = SharedCredentialsProvider::new(credentials.clone());
        let config = self.config.clone().into_builder().credentials_provider(provider).build();
        let answer = aws_sdk_sts::Client::new(&config).get_caller_identity().send().await;
        let answer = answer.map_err(|error| {
            CredentialsError::provider_error(format!(
                "whose the new credentials are is not known: {}",
                DisplayErrorContext(error)
            ))
        })?;
        Ok(answer.account().unwrap_or_default().to_owned())
    }
}

impl ProvideCredentials for SameAccount {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.credentials())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_is_read_out_of_ecss_own_names() {
        for (body, expected) in [
            (
                r#"{"tasks":[{"taskArn":"arn:aws:ecs:eu-west-1:111122223333:task/a/1"}]}"#,
                Some("111122223333"),
            ),
            (r#"{"clusterArn":"arn:aws-us-gov:ecs:x:1:cluster/a"}"#, Some("1")),
            // Roles and images may be others'.
            (r#"{"a":"arn:aws:iam::999988887777:role/x","b":"arn:aws:ecs:r:1:task/x"}"#, Some("1")),
            (r#"{"a":"arn:aws:iam::999988887777:role/x"}"#, None),
            (r#"{"a":"arn:aws:ecs:r:not-one:task/x"}"#, None),
            ("{}", None),
        ] {
            assert_eq!(in_answer(body), expected, "{body}");
        }
        assert_eq!(of_arn("arn:aws:iam::999988887777:role/x"), "999988887777");
        assert_eq!(of_arn("deploy"), "");
    }

    #[test]
    fn what_was_learnt_first_counts() {
        let account = Account::default();
        assert!(account.hold("2").is_ok());
        account.note("");
        account.note("1");
        account.note("2");
        assert!(account.hold("1").is_ok());
        assert!(account.hold("2").is_err());
    }
}
