//! Authentication as tower middleware: it finds out who is asking and leaves that in the request's extensions.
//!
//! Works over any HTTP service whose body can be made from a string: lambda_http's and axum's among them.
//!
//! It has no deadline of its own: give the client [`Limits::timeouts`](crate::limits::Limits::timeouts), as [`aws::dynamodb`](crate::aws::dynamodb)
//! does, or put a timeout layer around it.
//!
//! ```
//! # use latchkey::{clock::Clock, entropy::Random, http::middleware::{Authenticate, ByAccessToken}, limits::Limits, model::CurrentSession, operations::OnFirstUse, store::Store, token::ImportedTokens};
//! # use std::time::Duration;
//! # fn example(client: aws_sdk_dynamodb::Client) {
//! let store = Store::new(client, "latchkey-sessions");
//! let first_use = OnFirstUse::mark(Duration::from_secs(30), Limits::PRODUCTION, Random::system());
//! let layer = Authenticate::with(ByAccessToken { store, clock: Clock::system(), imported: ImportedTokens::Refused, first_use });
//! // axum: Router::new().route("/hello", get(hello)).layer(layer)
//! // async fn hello(Extension(session): Extension<CurrentSession>) -> String { session.user_id }
//! # }
//! ```

mod authenticators;
mod require;

pub use authenticators::{ByAccessToken, ByEitherToken, ByRefreshToken};
pub use require::{RequireFresh, RequireScope, Required, Requirement};

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response, header, request::Parts};
use tower_layer::Layer;
use tower_service::Service;

use crate::{
    http::problem::Problem,
    telling::log::{Event, Fields, log},
};

/// Finds out from a request's head who is asking.
pub trait Authenticator: Send + Sync + 'static {
    /// What it leaves in the request's extensions.
    type Found: Clone + Send + Sync + 'static;

    /// Looks at the request.
    ///
    /// # Errors
    /// The [`Problem`] to answer with; it has been logged.
    fn authenticate(&self, request: &Parts) -> impl Future<Output = Result<Self::Found, Problem>> + Send;
}

/// The layer.
#[derive(Debug)]
pub struct Authenticate<A>(Arc<A>);

impl<A: Authenticator> Authenticate<A> {
    /// A layer that asks `authenticator`.
    pub fn with(authenticator: A) -> Self {
        Self(Arc::new(authenticator))
    }
}

impl<A> Clone for Authenticate<A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<A, S> Layer<S> for Authenticate<A> {
    type Service = Authenticated<A, S>;

    fn layer(&self, inner: S) -> Self::Service {
        Authenticated { authenticator: Arc::clone(&self.0), inner }
    }
}

/// A service behind [`Authenticate`].
#[derive(Debug)]
pub struct Authenticated<A, S> {
    authenticator: Arc<A>,
    inner: S,
}

impl<A, S: Clone> Clone for Authenticated<A, S> {
    fn clone(&self) -> Self {
        Self { authenticator: Arc::clone(&self.authenticator), inner: self.inner.clone() }
    }
}

impl<A, S, B, R> Service<Request<B>> for Authenticated<A, S>
where
    A: Authenticator,
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
    R: From<String>,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The clone stays behind; the one that was polled ready goes along.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let authenticator = Arc::clone(&self.authenticator);
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            if let Err(problem) = one_authorization(&parts) {
                return Ok(problem.into_response());
            }
            match authenticator.authenticate(&parts).await {
                Ok(found) => {
                    parts.extensions.insert(found);
                    inner.call(Request::from_parts(parts, body)).await
                }
                Err(problem) => Ok(problem.into_response()),
            }
        })
    }
}

/// Refuses two `Authorization` headers, equal or not: the gateway may have judged one, and this service the other. It is the
/// 400 of RFC 6750 section 3.1 ("malformed"), because a 401 would tell an app that its login is over.
fn one_authorization(request: &Parts) -> Result<(), Problem> {
    const DETAIL: &str = "`Authorization` is sent once";
    if request.headers.get_all(header::AUTHORIZATION).iter().nth(1).is_none() {
        return Ok(());
    }
    log(Event::RequestMalformed, Fields { reason: Some(DETAIL), ..Fields::of(&request.extensions) }, None);
    Err(Problem::invalid_request(DETAIL))
}

#[cfg(test)]
mod tests;
