//! The DynamoDB client of the functions.

mod trust;

use std::time::Duration;

use aws_config::{
    BehaviorVersion, environment::EnvironmentVariableCredentialsProvider, environment::EnvironmentVariableRegionProvider,
    retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_sdk_dynamodb::Client;
use aws_smithy_http_client::{Builder, tls};

use crate::config::{ConfigError, Environment};

/// How long one request may take, all its calls and re-reads together. Below the functions' own timeout, so that the
/// answer is ours: 503, with a word on when to come back.
pub const REQUEST_BUDGET: Duration = Duration::from_millis(3_500);

/// Every call ends: the SDK by itself has no read timeout.
#[must_use]
pub fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(Duration::from_secs(1))
        .operation_timeout(Duration::from_secs(3))
        .build()
}

/// A client with credentials and region from the environment, as Lambda sets them; no profile, no file and no instance
/// metadata are looked at. `AWS_ENDPOINT_URL_DYNAMODB` points it elsewhere, `AWS_CA_BUNDLE` names other roots to trust.
///
/// # Errors
/// [`ConfigError`] for a bundle that is none.
pub async fn client(environment: &Environment<'_>) -> Result<Client, ConfigError> {
    // ring: aws-lc gathers CPU jitter at the first handshake, tens of milliseconds that a small Lambda pays tenfold.
    let provider = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
    let http = Builder::new().tls_provider(provider).tls_context(trust::tls_context(environment)?).build_https();
    let config = aws_config::defaults(BehaviorVersion::latest())
        .profile_files(EnvConfigFiles::builder().with_contents(EnvConfigFileKind::Config, "").build())
        .http_client(http)
        .credentials_provider(EnvironmentVariableCredentialsProvider::new())
        .region(EnvironmentVariableRegionProvider::new())
        .timeout_config(timeouts())
        .retry_config(RetryConfig::standard())
        .load()
        .await;
    Ok(Client::new(&config))
}
