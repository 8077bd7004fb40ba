//! The DynamoDB client of the functions.

mod trust;

use aws_config::{
    BehaviorVersion, environment::EnvironmentVariableCredentialsProvider, environment::EnvironmentVariableRegionProvider,
    meta::region::ProvideRegion as _, retry::RetryConfig,
};
use aws_sdk_dynamodb::Client;
use aws_smithy_http_client::{Builder, tls};

use crate::{
    clock::{Clock, SetClock},
    config::{ConfigError, Environment},
    limits::Limits,
    telling::signals::StoreCalls,
};

/// A client with credentials and region from the environment, as Lambda sets them; no profile, no file and no instance
/// metadata are looked at. `AWS_ENDPOINT_URL_DYNAMODB` points it elsewhere, `AWS_CA_BUNDLE` names other roots to trust.
/// Its answers set `clock`.
///
/// # Errors
/// [`ConfigError`] if the bundle can't be read as certificates.
pub async fn client(environment: &Environment<'_>, limits: Limits, clock: &Clock) -> Result<Client, ConfigError> {
    // ring: aws-lc gathers CPU jitter at the first handshake, tens of milliseconds that a small Lambda pays tenfold.
    let provider = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
    let http = Builder::new().tls_provider(provider).tls_context(trust::tls_context(environment)?).build_https();
    // Not by aws_config's loader: it links every source of credentials there is, and megabytes are milliseconds.
    // The SDK's defaults as of one date: with `latest()`, an update could change time limits or retries without a change here.
    // A newer date deprecates this one, so clippy says when there is something to decide.
    let mut config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .http_client(SetClock::around(http, clock))
        .credentials_provider(EnvironmentVariableCredentialsProvider::new())
        .region(EnvironmentVariableRegionProvider::new().region().await)
        .timeout_config(limits.timeouts())
        .retry_config(RetryConfig::standard())
        .interceptor(StoreCalls);
    config.set_endpoint_url(environment.get("AWS_ENDPOINT_URL_DYNAMODB"));
    Ok(Client::from_conf(config.build()))
}
