//! The DynamoDB client of the functions.

use std::time::Duration;

use aws_config::{
    BehaviorVersion, environment::EnvironmentVariableCredentialsProvider, environment::EnvironmentVariableRegionProvider,
    retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_sdk_dynamodb::Client;
use aws_smithy_http_client::{Builder, tls};

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

/// A client with credentials and region from the environment, as Lambda sets them. `AWS_ENDPOINT_URL_DYNAMODB` points
/// it elsewhere.
pub async fn client() -> Client {
    // ring: aws-lc gathers CPU jitter at the first handshake, tens of milliseconds that a small Lambda pays tenfold.
    let http = Builder::new().tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring)).build_https();
    let config = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .credentials_provider(EnvironmentVariableCredentialsProvider::new())
        .region(EnvironmentVariableRegionProvider::new())
        .timeout_config(timeouts())
        .retry_config(RetryConfig::standard())
        .load()
        .await;
    Client::new(&config)
}
