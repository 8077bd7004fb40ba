//! DynamoDB clients: one for an emulator on this machine, one for AWS.

use aws_config::{BehaviorVersion, Region, retry::RetryConfig};
use aws_sdk_dynamodb::{Client, config::Credentials};
use aws_smithy_http_client::{Builder, tls};
use aws_smithy_runtime_api::client::http::HttpClient;
use latchkey::{aws::timeouts, signals::StoreCalls};

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
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(endpoint)
        .region(Region::new("local"))
        .credentials_provider(Credentials::new("latchkey", "emulator", None, None, "latchkey dev"))
        .http_client(http)
        .timeout_config(timeouts())
        .retry_config(RetryConfig::standard())
        .interceptor(StoreCalls)
        .build();
    Client::from_conf(config)
}

/// A client as the AWS CLI would make it: flags first, then the environment, then the profile's files.
pub async fn for_aws(args: &AwsArgs) -> Client {
    if let Some(endpoint) = args.endpoint_url.as_deref().filter(|endpoint| is_loopback(endpoint)) {
        return emulator(endpoint);
    }
    let http = Builder::new().tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring)).build_https();
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http).timeout_config(timeouts());
    if let Some(profile) = &args.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(region) = &args.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(endpoint) = &args.endpoint_url {
        loader = loader.endpoint_url(endpoint);
    }
    Client::new(&loader.load().await)
}

fn is_loopback(endpoint: &str) -> bool {
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
