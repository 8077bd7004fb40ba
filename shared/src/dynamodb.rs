//! Our client of DynamoDB: it signs the store's requests, sends them, and sends them again.
//!
//! The SDK writes each request and reads each answer. Its orchestrator, which would do the rest of the work for any service
//! and any configuration, isn't used: without it an authorize takes half the instructions (bench/counts.txt).

mod classify;
mod credentials;
mod of_client;
mod operation;
mod sign;
#[cfg(test)]
mod tests;
mod unheard;

pub use credentials::Signers;
pub use operation::{Ask, Operation};
pub use unheard::Unheard;

use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use aws_config::{retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_dynamodb::error::SdkError;
use aws_smithy_runtime_api::client::{
    http::{HttpConnector as _, SharedHttpConnector},
    interceptors::context::{Error, Input, Output},
    orchestrator::{HttpRequest, HttpResponse, OrchestratorError},
    result::ConnectorError,
    ser_de::SerializeRequest as _,
};
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream, config_bag::ConfigBag};
use tokio::{
    sync::OnceCell,
    time::{Instant, error::Elapsed},
};

use crate::{
    clock::{Clock, SetClock},
    entropy::Random,
    limits::Limits,
    telling::signals,
};
use classify::{Failed, Quota};
use operation::Parts;

/// Numbers the calls of this process. All attempts of a call have its number, so that they can be told from other calls.
static CALLS: AtomicU64 = AtomicU64::new(0);

/// The error of a call, before its operation is known.
type Erased = SdkError<Error, HttpResponse>;
type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Find = dyn Fn() -> Boxed<Result<Way, Erased>> + Send + Sync;

/// A client: its connections, its credentials and its quota of retries. Clones share them.
#[derive(Clone)]
pub struct DynamoDb(Arc<State>);

struct State {
    way: OnceCell<Way>,
    /// `None` if the way was known from the start.
    find: Option<Box<Find>>,
    timeouts: TimeoutConfig,
    retry: RetryConfig,
    quota: Quota,
    random: Random,
}

/// Where requests go, and who signs them.
pub struct Way {
    connector: SharedHttpConnector,
    endpoint: http::Uri,
    signers: Signers,
    clock: Clock,
}

impl Way {
    /// Requests to `endpoint`, a URL without a query, through `connector`. They are signed by the time of `clock`, which their
    /// answers set.
    pub fn new(connector: SharedHttpConnector, endpoint: http::Uri, signers: Signers, clock: &Clock) -> Self {
        let connector = SharedHttpConnector::new(SetClock::around(connector, clock));
        Self { connector, endpoint, signers, clock: clock.clone() }
    }
}

impl DynamoDb {
    /// A function's client: one way, known from the start, and three attempts of a call.
    pub fn new(way: Way, limits: Limits) -> Self {
        // Written out here and in of_client.rs: where both passed `find` to one function, the compiler kept the SDK's orchestrator, a
        // quarter of the binary, in functions that never have a client of the SDK.
        Self(Arc::new(State {
            way: OnceCell::new_with(Some(way)),
            find: None,
            timeouts: limits.timeouts(),
            retry: RetryConfig::standard(),
            quota: Quota::default(),
            random: Random::system(),
        }))
    }

    async fn way(&self) -> Result<&Way, Erased> {
        match &self.0.find {
            None => self.0.way.get().ok_or_else(|| SdkError::construction_failure("no way to DynamoDB")),
            Some(find) => self.0.way.get_or_try_init(find).await,
        }
    }

    /// One call, with all its attempts, within its time.
    async fn call(&self, parts: &Parts, input: Input, unheard: Option<&Unheard>) -> Result<Output, Erased> {
        let measured = signals::StoreCall::begin();
        let mut attempt = 1;
        let answer = self.attempts(parts, input, unheard, &mut attempt).await;
        measured.end(attempt - 1);
        answer
    }

    async fn attempts(&self, parts: &Parts, input: Input, unheard: Option<&Unheard>, attempt: &mut u32) -> Result<Output, Erased> {
        let call_ends = End::after(self.0.timeouts.operation_timeout());
        let way = call_ends.bound(self.way()).await.map_err(SdkError::timeout_error)??;
        let mut config = ConfigBag::base();
        config.push_shared_layer(parts.config.clone());
        let request = parts.serializer.serialize_input(input, &mut config).map_err(SdkError::construction_failure)?;
        let call = CALLS.fetch_add(1, Ordering::Relaxed);
        let mut cost = None;
        loop {
            let again = request.try_clone().ok_or_else(|| SdkError::construction_failure("a body that can't be sent twice"))?;
            // One timer for both ends: each timer wakes the event loop.
            let ends = End::after(self.0.timeouts.operation_attempt_timeout()).or_earlier(call_ends);
            let tried = ends.bound(self.attempt(way, parts, &config, again, call, *attempt)).await;
            let failed = match tried {
                Ok(Ok(output)) => {
                    self.0.quota.succeeded(cost);
                    return Ok(output);
                }
                Ok(Err(failed)) => failed,
                Err(elapsed) if ends == call_ends => {
                    if let Some(unheard) = unheard {
                        unheard.note();
                    }
                    return Err(SdkError::timeout_error(elapsed));
                }
                Err(elapsed) => Failed { error: OrchestratorError::timeout(elapsed.into()), response: None, skew_moved: false },
            };
            signals::store_throttled(&failed.error);
            if let Some(unheard) = unheard {
                unheard.after(failed.response.as_ref());
            }
            let (error, again) = failed.judged(parts);
            let Some(again) = again.filter(|_| *attempt < self.0.retry.max_attempts()) else { return Err(error) };
            cost = self.0.quota.take(&again);
            if cost.is_none() {
                return Err(error);
            }
            let pause = tokio::time::sleep(again.pause(&self.0.retry, *attempt, &self.0.random));
            call_ends.bound(pause).await.map_err(SdkError::timeout_error)?;
            *attempt += 1;
        }
    }

    async fn attempt(
        &self,
        way: &Way,
        parts: &Parts,
        config: &ConfigBag,
        mut request: HttpRequest,
        call: u64,
        attempt: u32,
    ) -> Result<Output, Failed> {
        let skew = way.clock.skew();
        let now = way.clock.now();
        let signer = way.signers.at(now).await.map_err(|error| Failed::unsent(ConnectorError::other(error.into(), None)))?;
        let unsent = |error| Failed::unsent(ConnectorError::user(error));
        request.set_uri(way.endpoint.clone()).map_err(|error| unsent(error.into()))?;
        sign::sign(&mut request, &signer, now).map_err(|error| unsent(error.into()))?;
        let headers = request.headers_mut();
        headers.insert("user-agent", concat!("latchkey/", env!("CARGO_PKG_VERSION")));
        headers.insert("amz-sdk-invocation-id", call.to_string());
        headers.insert("amz-sdk-request", format!("attempt={attempt}; max={}", self.0.retry.max_attempts()));

        let mut response = way.connector.call(request).await.map_err(Failed::unsent)?;
        if let Err(error) = load(&mut response).await {
            return Err(Failed { error: OrchestratorError::response(error), response: Some(response), skew_moved: false });
        }
        match parts.read(&response, config) {
            Ok(output) => Ok(output),
            Err(error) => {
                let skew_moved = (way.clock.skew() - skew).abs() > classify::SKEW;
                Err(Failed { error, response: Some(response), skew_moved })
            }
        }
    }
}

/// When something has to be over; `None` if it may take any time.
#[derive(Clone, Copy, PartialEq, Eq)]
struct End(Option<Instant>);

impl End {
    fn after(limit: Option<Duration>) -> Self {
        Self(limit.map(|limit| Instant::now() + limit))
    }

    fn or_earlier(self, other: Self) -> Self {
        Self(self.0.into_iter().chain(other.0).min())
    }

    async fn bound<F: Future>(self, future: F) -> Result<F::Output, Elapsed> {
        match self.0 {
            Some(end) => tokio::time::timeout_at(end, future).await,
            None => Ok(future.await),
        }
    }
}

/// Reads the whole body, unless it is read already.
async fn load(response: &mut HttpResponse) -> Result<(), aws_sdk_dynamodb::error::BoxError> {
    if response.body().bytes().is_none() {
        let body = std::mem::replace(response.body_mut(), SdkBody::taken());
        let bytes = ByteStream::new(body).collect().await?.into_bytes();
        *response.body_mut() = SdkBody::from(bytes);
    }
    Ok(())
}

impl fmt::Debug for DynamoDb {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("DynamoDb")
    }
}
