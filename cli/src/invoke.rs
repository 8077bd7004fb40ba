//! Invokes a function as Lambda does: it takes an event and returns an answer or a function error.
//!
//! Two ways: the handlers linked into this program, or `cargo lambda watch`, which speaks Lambda's `Invoke`
//! (<https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>) as far as its trigger router does: 200 and the
//! answer; 500 and Lambda's error document; 404 for a binary that the project doesn't have. AWS itself says a function
//! error by `X-Amz-Function-Error` beside a 200, and `cargo lambda watch` answers a failed start with 200 and the error
//! document; both are understood.

use std::{any::Any, collections::BTreeMap, pin::Pin, sync::Arc, time::Duration};

use serde::Deserialize;
use serde_json::Value;
use tokio::time::timeout;

use crate::observed::run_of;

/// The future of a function's answer.
pub type FunctionFuture = Pin<Box<dyn Future<Output = Result<Value, FunctionError>> + Send>>;

/// A function linked into this program.
pub type LinkedFunction = Arc<dyn Fn(Value) -> FunctionFuture + Send + Sync>;

/// Where functions run, keyed by the name of their binary.
pub enum Invoker {
    /// In this process.
    Linked(BTreeMap<String, LinkedFunction>),
    /// Under `cargo lambda watch`.
    Remote(RemoteInvoker),
}

/// Why an invocation has no answer. The texts are for the local log.
#[derive(Debug, thiserror::Error)]
pub enum FunctionError {
    /// The function reported an error, or panicked.
    #[error("{error_type}: {message}")]
    Failed {
        /// `errorType` of Lambda's error document.
        error_type: String,
        /// `errorMessage` of it. A REST authorizer answers 401 by the exact message `Unauthorized`.
        message: String,
    },
    /// It ran into its timeout.
    #[error("Sandbox.Timedout: Task timed out after {:.2} seconds", .0.as_secs_f64())]
    TimedOut(Duration),
    /// There is no such function.
    #[error("there is no function {0}")]
    Unknown(String),
    /// `cargo lambda watch` can't be reached, or its answer isn't one of `Invoke`.
    #[error("the functions' endpoint can't be reached")]
    Unreachable(#[source] reqwest::Error),
    /// The endpoint's URL can't be one of a function.
    #[error("{0} is not an http:// URL that functions could live under")]
    Endpoint(String),
}

impl FunctionError {
    /// An error that the function reports.
    pub fn failed(error_type: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Failed { error_type: error_type.into(), message: message.into() }
    }
}

impl Invoker {
    /// Invokes `function` with `event` and waits for its answer, `limit` at most.
    ///
    /// # Errors
    /// [`FunctionError`]. A panic of a linked function counts as its failure.
    pub async fn invoke(&self, function: &str, event: Value, limit: Duration) -> Result<Value, FunctionError> {
        match self {
            Self::Linked(functions) => {
                let linked = Arc::clone(functions.get(function).ok_or_else(|| FunctionError::Unknown(function.to_owned()))?);
                run_linked(run_of(function, async move { linked(event).await }), limit).await
            }
            Self::Remote(remote) => run_of(function, remote.invoke(function, &event, limit)).await,
        }
    }
}

async fn run_linked(
    run: impl Future<Output = Result<Value, FunctionError>> + Send + 'static,
    limit: Duration,
) -> Result<Value, FunctionError> {
    // In a separate task, so that a panic ends the task and not the gateway's connection.
    let mut task = tokio::spawn(run);
    match timeout(limit, &mut task).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(join)) => Err(match join.try_into_panic() {
            Ok(panic) => FunctionError::failed("Panic", panic_message(&*panic)),
            Err(_cancelled) => FunctionError::failed("Runtime.ExitError", "the gateway is stopping"),
        }),
        Err(_elapsed) => {
            // Lambda stops the sandbox at the timeout, so the function must not write anything afterwards.
            task.abort();
            Err(FunctionError::TimedOut(limit))
        }
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message").to_owned()
}

/// Invokes functions over HTTP.
#[derive(Debug, Clone)]
pub struct RemoteInvoker {
    client: reqwest::Client,
    endpoint: String,
    build_patience: Duration,
}

/// `cargo lambda watch` builds a function when its first event arrives and lets the caller wait meanwhile: that time is
/// the compiler's, not the function's.
const BUILD_PATIENCE: Duration = Duration::from_secs(300);

impl RemoteInvoker {
    /// Functions live at `endpoint` (`http://127.0.0.1:9000`, what `cargo lambda watch` listens on by default).
    ///
    /// # Errors
    /// [`FunctionError::Endpoint`] for anything but a plain `http://` URL, [`FunctionError::Unreachable`] when the HTTP
    /// client can't be built.
    pub fn new(endpoint: &str) -> Result<Self, FunctionError> {
        let url = reqwest::Url::parse(endpoint).ok().filter(|url| url.scheme() == "http" && url.has_host());
        let url = url.ok_or_else(|| FunctionError::Endpoint(endpoint.to_owned()))?;
        // The environment's proxy must not be used between two programs on one laptop.
        let client = reqwest::Client::builder().no_proxy().build().map_err(FunctionError::Unreachable)?;
        Ok(Self { client, endpoint: url.as_str().trim_end_matches('/').to_owned(), build_patience: BUILD_PATIENCE })
    }

    /// Waits `patience` for a function beyond its own timeout (300 s unless set).
    #[must_use]
    pub fn with_build_patience(self, patience: Duration) -> Self {
        Self { build_patience: patience, ..self }
    }

    async fn invoke(&self, function: &str, event: &Value, limit: Duration) -> Result<Value, FunctionError> {
        let limit = limit.saturating_add(self.build_patience);
        let url = format!("{}/2015-03-31/functions/{function}/invocations", self.endpoint);
        let call = async {
            let response = self.client.post(url).json(event).send().await?;
            let (status, failed) = (response.status(), response.headers().contains_key("x-amz-function-error"));
            Ok((status, failed, response.bytes().await?))
        };
        let (status, failed, body) = match timeout(limit, call).await {
            Ok(answer) => answer.map_err(FunctionError::Unreachable)?,
            Err(_elapsed) => return Err(FunctionError::TimedOut(limit)),
        };
        if status == reqwest::StatusCode::NOT_FOUND {
            return Err(FunctionError::Unknown(function.to_owned()));
        }
        match serde_json::from_slice::<Value>(&body) {
            Ok(answer) if status.is_success() && !failed && !is_error_document(&answer) => Ok(answer),
            Ok(document) => Err(reported(status, &document)),
            Err(_) => Err(FunctionError::failed("InvalidResponse", format!("{status} and a body that is not JSON"))),
        }
    }
}

/// Lambda's error document (<https://docs.aws.amazon.com/lambda/latest/dg/rust-handler.html>, "errors").
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ErrorDocument {
    error_type: String,
    error_message: String,
}

fn is_error_document(answer: &Value) -> bool {
    answer.get("statusCode").is_none() && ErrorDocument::deserialize(answer).is_ok()
}

fn reported(status: reqwest::StatusCode, document: &Value) -> FunctionError {
    match ErrorDocument::deserialize(document) {
        Ok(error) => FunctionError::failed(error.error_type, error.error_message),
        // Without the body: it may be a function's answer with its tokens.
        Err(_) => FunctionError::failed("InvalidResponse", format!("{status} without Lambda's error document")),
    }
}

#[cfg(test)]
mod tests;
