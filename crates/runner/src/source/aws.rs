//! Owns how the runner talks to AWS: time limits, Region, and whom to trust in an image without
//! files.

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use std::time::Duration;

/// The SDK's own chain of settings, with this Region if there is one.
pub(crate) async fn config(region: Option<&str>) -> SdkConfig {
    // The SDK has no time limit of its own for an answer.
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(Duration::from_secs(10))
        .operation_timeout(Duration::from_secs(45))
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).timeout_config(timeouts);
    if let Some(region) = region {
        loader = loader.region(Region::new(region.to_owned()));
    }
    // The SDK's own client trusts what the system trusts, and panics where that is nothing.
    if engine::roots::system().is_empty() {
        let trust = TrustStore::empty().with_pem_certificate(engine::roots::AMAZON);
        let context = TlsContext::builder().with_trust_store(trust).build();
        let context = context.expect("invariant: the embedded certificates are PEM");
        let provider = Provider::Rustls(CryptoMode::AwsLc);
        let client = Builder::new().tls_provider(provider).tls_context(context).build_https();
        loader = loader.http_client(client);
    }
    loader.load().await
}

/// The Region, which an empty variable does not name.
pub(crate) fn region(config: &SdkConfig) -> Option<&str> {
    config.region().map(AsRef::as_ref).filter(|region| !region.is_empty())
}
