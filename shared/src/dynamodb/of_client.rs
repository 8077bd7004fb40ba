//! Our client over one of the SDK's, for the command and for tests: with its endpoint, its credentials and its connections.
//!
//! The SDK's client doesn't show all of them. So it is asked to make one request, which goes no further than this file.

use std::sync::{Arc, Mutex, PoisonError};

use aws_config::retry::RetryConfig;
use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, SharedCredentialsProvider, error::CredentialsError, future},
};
use aws_sdk_dynamodb::{Client, config::SharedHttpClient, error::SdkError};
use aws_smithy_runtime_api::client::{
    auth::AuthSchemeId,
    http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
    identity::{ResolveCachedIdentity as _, SharedIdentityResolver},
    interceptors::context::Error,
    orchestrator::HttpRequest,
    result::ConnectorError,
    runtime_components::{GetIdentityResolver as _, RuntimeComponents},
};
use aws_smithy_types::{config_bag::ConfigBag, timeout::TimeoutConfig};
use tokio::sync::OnceCell;

use super::{DynamoDb, Erased, Quota, Signers, State, Way};
use crate::{clock::Clock, entropy::Random};

impl From<Client> for DynamoDb {
    /// The way is found by the first call.
    fn from(client: Client) -> Self {
        let timeouts = client.config().timeout_config().cloned().unwrap_or_else(TimeoutConfig::disabled);
        let retry = client.config().retry_config().cloned().unwrap_or_else(RetryConfig::standard);
        let find = move || -> super::Boxed<Result<Way, Erased>> { Box::pin(way_of(client.clone())) };
        Self(Arc::new(State {
            way: OnceCell::new(),
            find: Some(Box::new(find)),
            timeouts,
            retry,
            quota: Quota::default(),
            random: Random::system(),
        }))
    }
}

async fn way_of(client: Client) -> Result<Way, Erased> {
    let region = client.config().region().map(ToString::to_string).unwrap_or_default();
    let caught = Arc::<Mutex<Option<Caught>>>::default();
    let mut config = client.config().to_builder().retry_config(RetryConfig::disabled());
    if let Some(inner) = client.config().http_client() {
        config = config.http_client(Catch { inner, caught: Arc::clone(&caught) });
    }
    let asked = Client::from_conf(config.build()).list_tables().send().await;
    let caught = caught.lock().unwrap_or_else(PoisonError::into_inner).take();
    match (caught, asked) {
        (Some(Caught { connector, components, endpoint }), _) => {
            let endpoint = endpoint.parse().map_err(SdkError::construction_failure)?;
            let resolver = components.identity_resolver(AuthSchemeId::from("sigv4"));
            let resolver = resolver.ok_or_else(|| SdkError::construction_failure("a client without credentials"))?;
            let provider = SharedCredentialsProvider::new(OfClient { resolver, components });
            Ok(Way::new(connector, endpoint, Signers::new(provider, region), &Clock::system().set_by_dynamodb()))
        }
        (None, Err(error)) => Err(error.map_service_error(Error::erase)),
        (None, Ok(_)) => Err(SdkError::construction_failure("a client that makes no requests")),
    }
}

/// An HTTP client that keeps the first request instead of sending it.
#[derive(Debug)]
struct Catch {
    inner: SharedHttpClient,
    caught: Arc<Mutex<Option<Caught>>>,
}

#[derive(Debug)]
struct Caught {
    connector: SharedHttpConnector,
    components: RuntimeComponents,
    endpoint: String,
}

impl HttpClient for Catch {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let connector = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(CatchOne { connector, components: components.clone(), caught: Arc::clone(&self.caught) })
    }
}

#[derive(Debug)]
struct CatchOne {
    connector: SharedHttpConnector,
    components: RuntimeComponents,
    caught: Arc<Mutex<Option<Caught>>>,
}

impl HttpConnector for CatchOne {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (connector, components) = (self.connector.clone(), self.components.clone());
        let caught = Caught { connector, components, endpoint: request.uri().to_owned() };
        *self.caught.lock().unwrap_or_else(PoisonError::into_inner) = Some(caught);
        HttpConnectorFuture::ready(Err(ConnectorError::user("kept".into())))
    }
}

/// The credentials of a client, by way of its cache.
#[derive(Debug)]
struct OfClient {
    resolver: SharedIdentityResolver,
    components: RuntimeComponents,
}

impl ProvideCredentials for OfClient {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let config = ConfigBag::base();
            let cache = self.components.identity_cache();
            match cache.resolve_cached_identity(self.resolver.clone(), &self.components, &config).await {
                Ok(identity) => identity.data::<Credentials>().cloned().ok_or_else(|| CredentialsError::unhandled("no AWS credentials")),
                Err(error) => Err(match error.downcast::<CredentialsError>() {
                    Ok(error) => *error,
                    Err(error) => CredentialsError::unhandled(error),
                }),
            }
        })
    }
}
