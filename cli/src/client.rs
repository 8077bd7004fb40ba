//! DynamoDB clients: one for an emulator on this machine, one for AWS.

use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig};
use aws_sdk_dynamodb::{
    Client,
    config::{Credentials, ProvideCredentials as _, timeout::TimeoutConfig},
    error::{ProvideErrorMetadata, SdkError},
};
use aws_smithy_http_client::{Builder, tls};
use aws_smithy_runtime_api::client::http::HttpClient;
use latchkey::{limits::Limits, telling::signals::StoreCalls};

use crate::args::AwsArgs;

/// A client for the emulator at `endpoint`. Its credentials are no account's, so that a slip of the URL can't reach one.
#[must_use]
pub fn emulator(endpoint: &str) -> Client {
    emulator_through(endpoint, Builder::new().build_http())
}

/// The same, through this HTTP client.
#[must_use]
pub fn emulator_through(endpoint: &str, http: impl HttpClient + 'static) -> Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .endpoint_url(endpoint)
        .region(Region::new("local"))
        .credentials_provider(Credentials::new("latchkey", "emulator", None, None, "latchkey dev"))
        .http_client(http)
        .timeout_config(Limits::PRODUCTION.timeouts())
        .retry_config(RetryConfig::standard())
        .interceptor(StoreCalls)
        .build();
    Client::from_conf(config)
}

/// Why AWS isn't to be asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody said where.
    #[error("no region is set; pass --region, or set AWS_REGION")]
    NoRegion,
    /// Nobody said as whom.
    #[error("there are no AWS credentials ({0}); pass --profile, or set AWS_PROFILE, or sign in")]
    NoCredentials(String),
}

/// A client as the AWS CLI would make it: flags first, then the environment, then the profile's files.
pub async fn for_aws(args: &AwsArgs) -> Client {
    match emulated(args) {
        Some(client) => client,
        None => Client::new(&config_of(args).await),
    }
}

/// The same, once it is known that there are a region and credentials, and with more patience than a request has.
///
/// # Errors
/// [`ClientError`] says which of them is missing.
pub async fn checked(args: &AwsArgs) -> Result<Client, ClientError> {
    let patient = |client: &Client| Client::from_conf(client.config().to_builder().timeout_config(patience()).build());
    if let Some(client) = emulated(args) {
        return Ok(patient(&client));
    }
    let config = config_of(args).await;
    if config.region().is_none() {
        return Err(ClientError::NoRegion);
    }
    let Some(provider) = config.credentials_provider() else { return Err(ClientError::NoCredentials("none are configured".into())) };
    provider.provide_credentials().await.map_err(|error| ClientError::NoCredentials(error.to_string()))?;
    Ok(patient(&Client::new(&config)))
}

/// Nobody waits for an answer meanwhile, and a page of a scan may have a megabyte.
fn patience() -> TimeoutConfig {
    let seconds = Duration::from_secs;
    TimeoutConfig::builder().connect_timeout(seconds(3)).operation_attempt_timeout(seconds(10)).operation_timeout(seconds(30)).build()
}

/// Whether an emulator is meant: an endpoint on this machine is one's.
#[must_use]
pub fn is_emulated(args: &AwsArgs) -> bool {
    args.endpoint_url.as_deref().is_some_and(is_loopback)
}

fn emulated(args: &AwsArgs) -> Option<Client> {
    args.endpoint_url.as_deref().filter(|endpoint| is_loopback(endpoint)).map(emulator)
}

/// Why DynamoDB didn't do it, in a line.
pub(crate) fn reason<E, R>(error: &SdkError<E, R>) -> String
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        (None, _) => innermost(error),
    }
}

/// What it came down to: the errors above it say no more than that a request failed.
pub(crate) fn innermost(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

async fn config_of(args: &AwsArgs) -> SdkConfig {
    let http = Builder::new().tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring)).build_https();
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12()).http_client(http).timeout_config(Limits::PRODUCTION.timeouts());
    if let Some(profile) = &args.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(region) = &args.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(endpoint) = &args.endpoint_url {
        loader = loader.endpoint_url(endpoint);
    }
    loader.load().await
}

pub(crate) fn is_loopback(endpoint: &str) -> bool {
    let host = reqwest::Url::parse(endpoint).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.is_some_and(|host| {
        let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
        host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_loopback() {
        for here in ["http://127.0.0.1:8000", "http://localhost:8000/", "http://[::1]:8000"] {
            assert!(is_loopback(here), "{here}");
        }
        for elsewhere in ["https://dynamodb.eu-central-1.amazonaws.com", "http://127.0.0.1.example.com", "localhost:8000", ""] {
            assert!(!is_loopback(elsewhere), "{elsewhere}");
        }
    }
}
