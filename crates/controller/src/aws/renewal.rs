//! Owns credentials that outlive their session. A job's session lasts an hour unless told otherwise,
//! a data migration may last longer.

use super::error::{AwsError, Class};
use super::github_role::GithubRole;
use aws_credential_types::Credentials;
use aws_credential_types::provider::{
    ProvideCredentials, Result as Provided, SharedCredentialsProvider, future,
};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::Mutex;

/// Credentials that end sooner are not used any more.
const SPARE: Duration = Duration::from_mins(5);

/// Without a known end they are asked for again after this.
const UNKNOWN_END: Duration = Duration::from_mins(5);

/// Several calls fail at once when a session ends; only the first of them is news.
const NEWS: Duration = Duration::from_secs(30);

/// The SDK's own credentials, and after their end those of a role.
#[derive(Debug, Clone)]
pub(super) struct Renewal(Arc<Source>);

#[derive(Debug)]
struct Source {
    chain: SharedCredentialsProvider,
    role: GithubRole,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    credentials: Option<(Credentials, SystemTime)>,
    /// Whether the chain's credentials are over.
    over: bool,
}

impl Renewal {
    /// Starts with the chain.
    pub(super) fn new(chain: SharedCredentialsProvider, role: GithubRole) -> Self {
        Self(Arc::new(Source { chain, role, held: Mutex::default() }))
    }

    /// AWS called the credentials expired; the next call gets others.
    async fn expired(&self) {
        let mut held = self.0.held.lock().await;
        let age =
            held.credentials.as_ref().and_then(|(_, since)| now().duration_since(*since).ok());
        if !held.over || age.is_none_or(|age| age > NEWS) {
            held.over = true;
            held.credentials = None;
        }
    }

    /// Where the outcome is that the credentials are over, others are used from here on, and the
    /// same call may be tried again.
    pub(super) async fn heed<T>(
        renewal: Option<&Self>,
        outcome: Result<T, AwsError>,
    ) -> Result<T, AwsError> {
        match (renewal, outcome) {
            (Some(renewal), Err(error)) if error.class == Class::CredentialsExpired => {
                renewal.expired().await;
                Err(AwsError { class: Class::CredentialsRenewed, ..error })
            }
            (_, outcome) => outcome,
        }
    }

    async fn credentials(&self) -> Provided {
        let mut held = self.0.held.lock().await;
        if let Some((credentials, since)) = &held.credentials
            && lasts(credentials, *since)
        {
            return Ok(credentials.clone());
        }
        let credentials = if held.over {
            self.0.role.credentials().await?
        } else {
            self.0.chain.provide_credentials().await?
        };
        held.credentials = Some((credentials.clone(), now()));
        Ok(credentials)
    }
}

fn now() -> SystemTime {
    SystemTime::from(jiff::Timestamp::now())
}

fn lasts(credentials: &Credentials, since: SystemTime) -> bool {
    let end = credentials.expiry().map_or(since + UNKNOWN_END, |end| end - SPARE);
    now() < end
}

impl ProvideCredentials for Renewal {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.credentials())
    }
}
