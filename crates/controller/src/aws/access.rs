//! Owns the one place where AWS clients are built.

use super::account::{Account, SameAccount};
use super::github_role::GithubRole;
use super::renewal::Renewal;
use crate::error::Error;
use crate::settings::Access;
use aws_config::identity::IdentityCache;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use std::time::Duration;

/// The SDK has no limit of its own for an attempt or an operation, so a silent connection would
/// hold a watch for ever.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
const OPERATION_TIMEOUT: Duration = Duration::from_mins(1);

/// A look at a task is small, and a hanging one delays the verdict.
const LOOK_TIMEOUT: Duration = Duration::from_secs(5);

/// How AWS is reached.
#[derive(Debug, Clone)]
pub enum AwsAccess {
    /// The SDK's own chain: environment, profile, web identity, container, instance.
    Chain,
    /// A configuration made elsewhere: a test's, with an HTTP client in memory.
    Given(Box<SdkConfig>),
}

/// Clients of one account and Region.
#[derive(Debug, Clone)]
pub(crate) struct Aws {
    pub(super) config: SdkConfig,
    pub(super) ecs: aws_sdk_ecs::Client,
    /// For loops that try again by themselves, at a pace of their own.
    pub(super) single: aws_sdk_ecs::Client,
    pub(super) renewal: Option<Renewal>,
    pub(super) account: Account,
    region: String,
}

impl Aws {
    /// The Region.
    pub(crate) fn region(&self) -> &str {
        &self.region
    }

    /// The same account in another Region, for what is signed here.
    pub(super) fn in_region(&self, region: &str) -> Self {
        Self { region: region.to_owned(), ..self.clone() }
    }
}

/// Builds the clients. Nothing is sent to ECS yet; without a Region nothing can be.
pub(crate) async fn connect(access: AwsAccess, overrides: &Access) -> Result<Aws, Error> {
    let loaded = match access {
        AwsAccess::Given(config) => *config,
        AwsAccess::Chain => {
            let mut loader = aws_config::defaults(BehaviorVersion::latest());
            if let Some(profile) = &overrides.profile {
                loader = loader.profile_name(profile);
            }
            if let Some(region) = &overrides.region {
                loader = loader.region(Region::new(region.clone()));
            }
            loader.load().await
        }
    };
    let mut builder = loaded.into_builder().timeout_config(
        TimeoutConfig::builder()
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .operation_timeout(OPERATION_TIMEOUT)
            .build(),
    );
    if let Some(region) = &overrides.region {
        builder = builder.region(Region::new(region.clone()));
    }
    let mut config = builder.build();
    let Some(region) = config.region().map(ToString::to_string) else {
        return Err(Error::usage("no AWS Region is set")
            .hinted("set --region, AWS_REGION, or `region` in ecs-migrate.toml"));
    };
    let account = Account::default();
    let chain = config.credentials_provider().map(|chain| {
        let chain = SameAccount::new(chain, account.clone(), config.clone());
        SharedCredentialsProvider::new(chain)
    });
    if let Some(chain) = &chain {
        config = config.into_builder().credentials_provider(chain.clone()).build();
    }
    let renewal = overrides.github.as_ref().zip(chain).map(|(identity, chain)| {
        Renewal::new(chain, GithubRole::new(identity.clone(), account.clone(), &config))
    });
    if let Some(renewal) = &renewal {
        config = config
            .into_builder()
            .credentials_provider(SharedCredentialsProvider::new(renewal.clone()))
            .identity_cache(IdentityCache::no_cache())
            .build();
    }
    let ecs = aws_sdk_ecs::config::Builder::from(&config).interceptor(account.clone()).build();
    let ecs = aws_sdk_ecs::Client::from_conf(ecs);
    let single = single(&config, &account);
    Ok(Aws { config, ecs, single, renewal, account, region })
}

/// A client that asks once.
fn single(config: &SdkConfig, account: &Account) -> aws_sdk_ecs::Client {
    let config = aws_sdk_ecs::config::Builder::from(config)
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::builder().operation_timeout(LOOK_TIMEOUT).build())
        .interceptor(account.clone())
        .build();
    aws_sdk_ecs::Client::from_conf(config)
}
