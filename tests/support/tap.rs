//! Between the SDK and DynamoDB, at the HTTP connector: counts calls, holds them, refuses them.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aws_smithy_http_client::Builder;
use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector},
    orchestrator::HttpRequest,
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use tokio::sync::oneshot;

/// How DynamoDB is reached at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// As it is.
    Open,
    /// Nobody listens.
    Refused,
    /// Somebody listens and never answers.
    Silent,
}

/// The tap of one service.
#[derive(Debug, Clone)]
pub struct Tap {
    inner: SharedHttpClient,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    line: Line,
    calls: Vec<String>,
    holds: VecDeque<Hold>,
}

#[derive(Debug)]
struct Hold {
    operation: &'static str,
    reached: oneshot::Sender<()>,
    release: oneshot::Receiver<()>,
}

/// A call that stands still on its way to DynamoDB.
#[derive(Debug)]
pub struct Held {
    reached: oneshot::Receiver<()>,
    release: oneshot::Sender<()>,
}

impl Held {
    /// Waits until the call is made.
    ///
    /// # Panics
    /// When it isn't made.
    pub async fn reached(&mut self) {
        assert!((&mut self.reached).await.is_ok(), "the service stopped before the call");
    }

    /// Lets it go on.
    pub fn release(self) {
        // Nobody waits any more where the service gave up.
        let _ = self.release.send(());
    }
}

impl Default for Tap {
    fn default() -> Self {
        let state = State { line: Line::Open, calls: Vec::new(), holds: VecDeque::new() };
        Self { inner: Builder::new().build_http(), state: Arc::new(Mutex::new(state)) }
    }
}

impl Tap {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The operations called since this was last asked, in their order.
    #[must_use]
    pub fn take_calls(&self) -> Vec<String> {
        std::mem::take(&mut self.state().calls)
    }

    /// Sets how DynamoDB is reached.
    pub fn set_line(&self, line: Line) {
        self.state().line = line;
    }

    /// Holds the next call of `operation`.
    #[must_use]
    pub fn hold(&self, operation: &'static str) -> Held {
        let (reached, was_reached) = oneshot::channel();
        let (released, release) = oneshot::channel();
        self.state().holds.push_back(Hold { operation, reached, release });
        Held { reached: was_reached, release: released }
    }

    fn enter(&self, request: &HttpRequest) -> (Line, Option<Hold>) {
        let operation = request.headers().get("x-amz-target").and_then(|target| target.split('.').nth(1)).unwrap_or("-").to_owned();
        let mut state = self.state();
        let place = state.holds.iter().position(|hold| hold.operation == operation);
        let hold = place.and_then(|place| state.holds.remove(place));
        state.calls.push(operation);
        (state.line, hold)
    }
}

impl HttpClient for Tap {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(TapConnector { tap: self.clone(), inner })
    }
}

#[derive(Debug)]
struct TapConnector {
    tap: Tap,
    inner: SharedHttpConnector,
}

impl HttpConnector for TapConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (line, hold) = self.tap.enter(&request);
        let inner = self.inner.clone();
        HttpConnectorFuture::new(async move {
            if let Some(hold) = hold {
                let _ = hold.reached.send(());
                let _ = hold.release.await;
            }
            match line {
                Line::Open => inner.call(request).await,
                Line::Refused => Err(ConnectorError::io("connection refused".into())),
                Line::Silent => {
                    tokio::time::sleep(Duration::from_secs(3600)).await;
                    Err(ConnectorError::timeout("silent".into()))
                }
            }
        })
    }
}
