//! What a route requires of its caller beside a token: a scope, or a fresh authentication. Both layers stand behind
//! [`Authenticate`](super::Authenticate), and read the [`CurrentSession`] that it left.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use http::{Extensions, Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use crate::{
    clock::Clock,
    http::problem::{Problem, ProblemCode},
    model::CurrentSession,
    telling::log::{Event, Fields, log},
};

/// A rule about the caller.
pub trait Requirement: Clone + Send + Sync + 'static {
    /// Whether the caller may go on.
    ///
    /// # Errors
    /// The [`Problem`] to answer with.
    fn check(&self, session: &CurrentSession) -> Result<(), Problem>;
}

/// A layer that lets callers with a scope pass. Others get 403 `insufficient_scope` (RFC 6750 section 3.1).
#[derive(Debug, Clone, Copy)]
pub struct RequireScope(&'static str);

impl RequireScope {
    /// Requires this scope, or each of several with a space between two.
    #[must_use]
    pub const fn of(scope: &'static str) -> Self {
        Self(scope)
    }
}

impl Requirement for RequireScope {
    fn check(&self, session: &CurrentSession) -> Result<(), Problem> {
        let missing = self.0.split(' ').any(|scope| !session.attributes.has_scope(scope));
        if missing { Err(Problem::insufficient_scope(self.0)) } else { Ok(()) }
    }
}

/// A layer that lets callers pass who were authenticated a short while ago. Others get 401 `insufficient_user_authentication`
/// (RFC 9470): the app lets the user authenticate again, keeps its tokens, and repeats the request.
#[derive(Debug, Clone)]
pub struct RequireFresh {
    within: Duration,
    acr: Option<&'static str>,
    clock: Clock,
}

impl RequireFresh {
    /// Requires an authentication at most so long ago.
    #[must_use]
    pub const fn within(within: Duration, clock: Clock) -> Self {
        Self { within, acr: None, clock }
    }

    /// Requires an authentication of this class, too.
    #[must_use]
    pub fn by(self, acr: &'static str) -> Self {
        Self { acr: Some(acr), ..self }
    }
}

impl Requirement for RequireFresh {
    fn check(&self, session: &CurrentSession) -> Result<(), Problem> {
        let age = session.attributes.auth_time().map(|time| self.clock.now().timestamp() - time);
        let is_fresh = age.is_some_and(|age| u64::try_from(age.max(0)).is_ok_and(|age| age <= self.within.as_secs()));
        let is_of_class = self.acr.is_none_or(|acr| session.attributes.acr() == Some(acr));
        if is_fresh && is_of_class { Ok(()) } else { Err(Problem::insufficient_user_authentication(self.within, self.acr)) }
    }
}

impl<S> Layer<S> for RequireScope {
    type Service = Required<Self, S>;

    fn layer(&self, inner: S) -> Self::Service {
        Required { requirement: *self, inner }
    }
}

impl<S> Layer<S> for RequireFresh {
    type Service = Required<Self, S>;

    fn layer(&self, inner: S) -> Self::Service {
        Required { requirement: self.clone(), inner }
    }
}

/// A service behind a [`Requirement`].
#[derive(Debug, Clone)]
pub struct Required<Q, S> {
    requirement: Q,
    inner: S,
}

impl<Q, S, B, R> Service<Request<B>> for Required<Q, S>
where
    Q: Requirement,
    S: Service<Request<B>, Response = Response<R>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    R: From<String> + Send + 'static,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        match checked(&self.requirement, request.extensions()) {
            Ok(()) => Box::pin(self.inner.call(request)),
            Err(problem) => {
                let answer = problem.into_response();
                Box::pin(async move { Ok(answer) })
            }
        }
    }
}

/// Without a session the layers are in the wrong order: it is a fault, and never a pass.
fn checked(requirement: &impl Requirement, extensions: &Extensions) -> Result<(), Problem> {
    match extensions.get::<CurrentSession>() {
        Some(session) => requirement.check(session),
        None => {
            log(Event::ContextMissing, Fields::of(extensions), None);
            Err(ProblemCode::Internal.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use chrono::{DateTime, Utc};

    use super::*;
    use crate::{
        decision::states::Chain,
        model::{Attributes, Authentication},
    };

    const NOW: i64 = 1_800_000_000;

    /// The inner service answers 200 and an empty body.
    #[derive(Clone)]
    struct Inner;

    impl Service<Request<()>> for Inner {
        type Response = Response<String>;
        type Error = Infallible;
        type Future = std::future::Ready<Result<Response<String>, Infallible>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Request<()>) -> Self::Future {
            std::future::ready(Ok(Response::default()))
        }
    }

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(NOW, 0).unwrap()
    }

    async fn asked(
        layer: impl Layer<Inner, Service: Service<Request<()>, Response = Response<String>, Error = Infallible>>,
        attributes: Option<Attributes>,
    ) -> Response<String> {
        let mut request = Request::new(());
        if let Some(attributes) = attributes {
            request.extensions_mut().insert(CurrentSession::of(&Chain::of(0).session(0), attributes));
        }
        let Ok(answer) = layer.layer(Inner).call(request).await;
        answer
    }

    fn scoped(scope: &str) -> Option<Attributes> {
        Some(Attributes::default().with_scope(Some(scope)).unwrap())
    }

    fn authenticated(seconds_ago: i64, acr: Option<&str>) -> Option<Attributes> {
        let auth = Authentication { time: NOW - seconds_ago, amr: Vec::new(), acr: acr.map(str::to_owned) };
        Some(Attributes::default().with_auth(&auth, now()).unwrap())
    }

    #[tokio::test]
    async fn a_caller_without_the_scope_is_refused() {
        let layer = RequireScope::of("orders:write orders:read");
        assert_eq!(asked(layer, scoped("orders:read x orders:write")).await.status(), 200);
        for other in [Some(Attributes::default()), scoped("orders:read"), scoped("orders:writer orders:read")] {
            let refused = asked(layer, other).await;
            assert_eq!(refused.status(), 403);
            let challenge = r#"Bearer error="insufficient_scope", scope="orders:write orders:read""#;
            assert_eq!(refused.headers()["www-authenticate"], challenge);
            assert!(refused.body().contains(r#""code":"insufficient_scope""#), "{}", refused.body());
        }
    }

    #[tokio::test]
    async fn a_caller_whose_authentication_is_old_is_sent_to_authenticate_again() {
        let layer = RequireFresh::within(Duration::from_secs(300), Clock::from_fn(now));
        for fresh in [0, 300, -60] {
            assert_eq!(asked(layer.clone(), authenticated(fresh, None)).await.status(), 200, "{fresh}");
        }
        for old in [authenticated(301, None), Some(Attributes::default())] {
            let refused = asked(layer.clone(), old).await;
            assert_eq!(refused.status(), 401);
            let challenge = r#"Bearer error="insufficient_user_authentication", max_age="300""#;
            assert_eq!(refused.headers()["www-authenticate"], challenge);
            assert!(refused.body().contains(r#""code":"insufficient_user_authentication""#), "{}", refused.body());
        }
        let layer = layer.by("urn:example:mfa");
        assert_eq!(asked(layer.clone(), authenticated(0, Some("urn:example:mfa"))).await.status(), 200);
        let refused = asked(layer, authenticated(0, Some("urn:example:password"))).await;
        let challenge = r#"Bearer error="insufficient_user_authentication", max_age="300", acr_values="urn:example:mfa""#;
        assert_eq!((refused.status().as_u16(), refused.headers()["www-authenticate"].to_str().unwrap()), (401, challenge));
    }

    #[tokio::test]
    async fn a_request_that_was_not_authenticated_does_not_pass() {
        assert_eq!(asked(RequireScope::of("a"), None).await.status(), 500);
        assert_eq!(asked(RequireFresh::within(Duration::MAX, Clock::from_fn(now)), None).await.status(), 500);
    }
}
