//! DynamoDB clients: one for an emulator on this machine, one for AWS.

use std::time::Duration;

use aws_config::{
    BehaviorVersion, Region, SdkConfig,
    environment::EnvironmentVariableRegionProvider,
    meta::region::RegionProviderChain,
    profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider},
    provider_config::ProviderConfig,
    retry::RetryConfig,
};
use aws_sdk_dynamodb::{
    Client,
    config::{Credentials, ProvideCredentials as _, timeout::TimeoutConfig},
    error::{ProvideErrorMetadata, SdkError},
};
use aws_smithy_http_client::{Builder, tls};
use aws_smithy_runtime_api::client::http::HttpClient;
use latchkey::{config::Environment, limits::Limits, store::StoreError};

use crate::{args::AwsArgs, loopback::is_loopback};

/// An emulator's region where `AWS_REGION` isn't set. Some emulators keep each region's tables apart, so every program that
/// talks to one has to name the same.
const EMULATOR_REGION: Region = Region::from_static("us-east-1");

/// The access key for an emulator, as the documents write it. It is no account's, so that a slip of the URL can't reach one.
pub const EMULATOR_KEY: &str = "local";

/// The region in which `latchkey dev` makes an emulator's tables: the environment's, as the functions read it, else us-east-1.
#[must_use]
pub fn emulator_region() -> Region {
    let environment = Environment::of_process();
    let set = environment.get("AWS_REGION").or_else(|| environment.get("AWS_DEFAULT_REGION"));
    set.map_or(EMULATOR_REGION, Region::new)
}

/// A client for the emulator at `endpoint`.
#[must_use]
pub fn emulator(endpoint: &str) -> Client {
    emulator_through(endpoint, EMULATOR_KEY, Builder::new().build_http())
}

/// The same, with this access key and through this HTTP client.
#[must_use]
pub fn emulator_through(endpoint: &str, access_key: &str, http: impl HttpClient + 'static) -> Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .endpoint_url(endpoint)
        .region(emulator_region())
        .credentials_provider(made_up(access_key))
        .http_client(http)
        .timeout_config(Limits::PRODUCTION.timeouts())
        .retry_config(RetryConfig::standard())
        .build();
    Client::from_conf(config)
}

fn made_up(access_key: &str) -> Credentials {
    Credentials::new(access_key, EMULATOR_KEY, None, None, "an emulator's")
}

/// Why no call is made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No region is given.
    #[error("no region is set; pass --region, or set AWS_REGION")]
    NoRegion,
    /// The profile isn't in the AWS configuration.
    #[error("there is no AWS profile {0:?}; `aws configure list-profiles` shows which there are")]
    NoProfile(String),
    /// The AWS configuration can't be read.
    #[error("the AWS configuration can't be read: {0}; mend it, or set AWS_CONFIG_FILE")]
    Configuration(String),
    /// No credentials are given, or they can't be had.
    #[error("there are no AWS credentials ({0}); pass --profile, or set AWS_PROFILE, or sign in")]
    NoCredentials(String),
    /// The region or the credentials contain a character that none has, such as a line break.
    #[error("the AWS {0} contains a line break, a space or another invalid character; correct it in the environment or the profile")]
    InvalidCharacter(&'static str),
}

/// A client as the AWS CLI would make it: flags first, then the environment, then the profile's files. It is known then that
/// there are a region and credentials.
///
/// # Errors
/// [`ClientError`] says which of them is missing.
pub async fn for_aws(args: &AwsArgs) -> Result<Client, ClientError> {
    let config = config_of(args).await?;
    signer_of(&config).await?;
    Ok(Client::new(&config))
}

/// What a request is signed with.
#[derive(Debug, Clone)]
pub struct Signer {
    pub credentials: Credentials,
    pub region: String,
}

/// The same credentials and region, for requests that aren't DynamoDB's.
///
/// # Errors
/// As [`for_aws`].
pub async fn signer(args: &AwsArgs) -> Result<Signer, ClientError> {
    signer_of(&config_of(args).await?).await
}

async fn signer_of(config: &SdkConfig) -> Result<Signer, ClientError> {
    let region = config.region().ok_or(ClientError::NoRegion)?.to_string();
    let provider = config.credentials_provider().ok_or_else(|| ClientError::NoCredentials("none are configured".into()))?;
    let credentials = provider.provide_credentials().await.map_err(|error| ClientError::NoCredentials(innermost(&error)))?;
    let fit = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
    if !fit(&region) {
        return Err(ClientError::InvalidCharacter("region"));
    }
    if !fit(credentials.access_key_id()) {
        return Err(ClientError::InvalidCharacter("access key id"));
    }
    // An emulator may have been given any other text.
    if credentials.secret_access_key().contains(char::is_control) {
        return Err(ClientError::InvalidCharacter("secret access key"));
    }
    if !credentials.session_token().is_none_or(fit) {
        return Err(ClientError::InvalidCharacter("session token"));
    }
    Ok(Signer { credentials, region })
}

/// The same, with more patience than a request has: no request waits for an answer, and a page of a scan may have a megabyte.
///
/// # Errors
/// As [`for_aws`].
pub async fn patient(args: &AwsArgs) -> Result<Client, ClientError> {
    Ok(with_patience(&for_aws(args).await?))
}

/// The same client with more time for each call. An emulator that has just started may take seconds for the first.
pub(crate) fn with_patience(client: &Client) -> Client {
    let seconds = Duration::from_secs;
    let patience =
        TimeoutConfig::builder().connect_timeout(seconds(3)).operation_attempt_timeout(seconds(10)).operation_timeout(seconds(30)).build();
    Client::from_conf(client.config().to_builder().timeout_config(patience).build())
}

/// Whether an emulator is meant: an endpoint on this machine is one's.
#[must_use]
pub fn is_emulated(args: &AwsArgs) -> bool {
    args.endpoint_url.as_deref().is_some_and(is_loopback)
}

async fn config_of(args: &AwsArgs) -> Result<SdkConfig, ClientError> {
    let environment = Environment::of_process();
    let http = Builder::new().tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring)).build_https();
    let mut loader =
        aws_config::defaults(BehaviorVersion::v2026_01_12()).http_client(http.clone()).timeout_config(Limits::PRODUCTION.timeouts());
    if let Some(endpoint) = &args.endpoint_url {
        loader = loader.endpoint_url(endpoint);
    }
    if let Some(profile) = args.profile.clone().or_else(|| environment.get("AWS_PROFILE")) {
        check_profile(&profile).await?;
        loader = loader.profile_name(profile);
    }

    let emulated = is_emulated(args);
    if let Some(region) = &args.region {
        loader = loader.region(Region::new(region.clone()));
    } else if emulated {
        loader = loader.region(region_at_emulator(args.profile.as_deref()));
    }
    if let Some(profile) = &args.profile {
        // The loader alone would put keys of the environment before the flag.
        let http = ProviderConfig::without_region().with_http_client(http);
        loader = loader.credentials_provider(ProfileFileCredentialsProvider::builder().configure(&http).profile_name(profile).build());
    } else if emulated && ["AWS_ACCESS_KEY_ID", "AWS_PROFILE"].iter().all(|variable| environment.get(variable).is_none()) {
        loader = loader.credentials_provider(made_up(EMULATOR_KEY));
    }
    Ok(loader.load().await)
}

/// As [`emulator_region`], with the region of a profile that a flag names before the last resort.
fn region_at_emulator(profile: Option<&str>) -> RegionProviderChain {
    let environment = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new());
    let chain = match profile {
        Some(profile) => environment.or_else(ProfileFileRegionProvider::builder().profile_name(profile).build()),
        None => environment,
    };
    chain.or_else(EMULATOR_REGION)
}

/// The loader goes on without a profile that it doesn't find, and ends in "no credentials".
async fn check_profile(name: &str) -> Result<(), ClientError> {
    let (files, variables, places) = Default::default();
    let profiles = aws_config::profile::load(&files, &variables, &places, None).await;
    let profiles = profiles.map_err(|error| ClientError::Configuration(innermost(&error)))?;
    profiles.get_profile(name).map(|_| ()).ok_or_else(|| ClientError::NoProfile(name.to_owned()))
}

/// What to check after an error of the store.
pub(crate) fn advice(error: &StoreError) -> &'static str {
    const CREDENTIALS: [&str; 6] = [
        "AccessDeniedException",
        "ExpiredTokenException",
        "IncompleteSignatureException",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "UnrecognizedClientException",
    ];
    const THROTTLED: [&str; 3] = ["ThrottlingException", "ProvisionedThroughputExceededException", "RequestLimitExceeded"];
    match error {
        StoreError::Unavailable { code, .. } => match code.as_str() {
            "timeout" => "check the network, --endpoint-url and --region",
            "connection failed: TLS" => "check whether --endpoint-url is an https:// address with a certificate that this machine trusts",
            code if code.starts_with("connection failed") => "check the network, --endpoint-url and --region",
            code if code.contains("credentials") => "check --profile, AWS_PROFILE or the keys in the environment",
            code if THROTTLED.iter().any(|throttled| code.starts_with(throttled)) => {
                "try again later: the table or the account is at its limit"
            }
            "unreadable response" => "check whether a DynamoDB answers at --endpoint-url",
            code if code.starts_with("HTTP ") => "try again, and check whether a DynamoDB answers at --endpoint-url",
            code if CREDENTIALS.contains(&code) => "these credentials aren't accepted there; check --profile or AWS_ACCESS_KEY_ID",
            _ => "check --region, --profile, --endpoint-url and the names of the tables",
        },
        StoreError::Rejected { .. } => "check --region, --profile, --endpoint-url and the names of the tables",
        StoreError::Item(_) => "`latchkey doctor --all` shows the item",
    }
}

/// Why DynamoDB didn't do it, in a line.
pub(crate) fn reason<E>(error: &SdkError<E>) -> String
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match (error.code(), error.message(), error.raw_response()) {
        (Some(code), Some(message), _) => format!("{code}: {message}"),
        (Some(code), None, _) => code.to_owned(),
        (None, _, Some(_)) if is_unreadable(error) => "the answer can't be read".to_owned(),
        (None, _, Some(answer)) => format!("HTTP {}", answer.status()),
        (None, _, None) => innermost(error),
    }
}

/// Whether DynamoDB said yes, in a form that isn't DynamoDB's.
pub(crate) fn is_unreadable<E>(error: &SdkError<E>) -> bool {
    error.raw_response().is_some_and(|answer| answer.status().is_success())
}

/// What it came down to: the errors above it say no more than that a request failed.
pub(crate) fn innermost(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each kind of failure has its own next step.
    #[test]
    fn advice_fits_the_failure() {
        let unavailable = |code: &str| advice(&StoreError::Unavailable { operation: "Query", code: code.into() });
        assert!(unavailable("connection failed").contains("network") && unavailable("timeout").contains("network"));
        assert!(unavailable("connection failed: DNS").contains("network") && unavailable("connection failed: TLS").contains("certificate"));
        assert!(unavailable("no credentials").contains("--profile"));
        assert!(unavailable("ThrottlingException, TableReadKeyRangeThroughputExceeded of sessions").contains("try again later"));
        assert!(unavailable("HTTP 500").contains("whether a DynamoDB answers"));
        assert!(unavailable("UnrecognizedClientException").contains("credentials"));
        assert!(unavailable("ResourceNotFoundException").contains("names of the tables"));
    }
}
