//! `POST /login`: a password becomes a login with its first session. `PUT /me/password`: a user replaces their password, and goes on with a new login.

mod change;
mod refusal;
mod request;

use std::{convert::Infallible, sync::Arc};

use chrono::{DateTime, Utc};
use http::Method;
use lambda_http::{
    Body, Request, Response, Service,
    request::RequestContext,
    service_fn,
    tower::{ServiceBuilder, ServiceExt as _},
};
use latchkey::{
    clock::Clock,
    config::{Binding, LoginConfig},
    dpop::{BadProof, Thumbprint},
    entropy::Random,
    http::{gateway_context::ByGatewayContext, middleware::Authenticate, pair::pair_response, proof::read_proof},
    limits::Limits,
    operations::{LoginAttempt, NotLoggedIn, PasswordLogin, issue::IssuedLogin},
    password::Hashing,
    store::{Accounts, Attempts},
    telling::log::{Event, Fields, log},
    throttle::Subjects,
};

use refusal::Refusal;

/// The service.
pub fn service(
    accounts: Accounts,
    attempts: Attempts,
    config: LoginConfig,
    hashing: Hashing,
    clock: Clock,
    random: Random,
) -> impl Service<Request, Response = Response<Body>, Error = Infallible, Future: Send> + Clone + Send + 'static {
    let binding = config.binding;
    let handler = Arc::new(Handler { login: PasswordLogin::new(accounts, attempts, config, hashing, random), binding, clock });
    let change = {
        let handler = Arc::clone(&handler);
        ServiceBuilder::new().layer(Authenticate::with(ByGatewayContext)).service_fn(move |request| {
            let handler = Arc::clone(&handler);
            async move { Ok(change::answer(&handler, request).await) }
        })
    };
    service_fn(move |request: Request| {
        let (handler, change) = (Arc::clone(&handler), change.clone());
        async move { if is_change(&request) { change.oneshot(request).await } else { Ok(handler.answer(request).await) } }
    })
}

/// Routes by the gateway's resource, which no base path or stage changes. Whatever isn't a change of a password is a login.
fn is_change(request: &Request) -> bool {
    match request.extensions().get::<RequestContext>() {
        Some(RequestContext::ApiGatewayV1(context)) => {
            (request.method(), context.resource_path.as_deref()) == (&Method::PUT, Some("/me/password"))
        }
        _ => false,
    }
}

#[derive(Debug)]
struct Handler {
    login: PasswordLogin,
    binding: Binding,
    clock: Clock,
}

impl Handler {
    /// The key that a request proves. Where the setting is off, the header is ignored as by any service that knows none.
    fn proved(&self, request: &Request, now: DateTime<Utc>) -> Result<Option<Thumbprint>, BadProof> {
        if self.binding == Binding::Off {
            return Ok(None);
        }
        let proof = read_proof(request.method(), request.headers(), request.extensions(), now)?;
        Ok(proof.map(|proof| proof.key))
    }

    async fn answer(&self, request: Request) -> Response<Body> {
        let (now, arrival) = (self.clock.now(), self.clock.arrival());
        let fields = Fields::of(request.extensions());
        let attempt = match request::read(&request) {
            Ok(attempt) => attempt,
            Err(malformed) => return Refusal::from(malformed).into_response(fields),
        };
        let attempt = match self.proved(&request, now) {
            Ok(None) if self.binding == Binding::Required => return Refusal::from(BadProof::Missing).into_response(fields),
            Ok(bound_to) => LoginAttempt { bound_to, ..attempt },
            Err(bad) => return Refusal::from(bad).into_response(fields),
        };
        let subjects = self.login.subjects(&attempt, now);
        let (account, network) = (Subjects::account_pseudonym(&attempt.username), subjects.network_pseudonym());
        let refused = Fields { account: Some(&account), network: Some(&network), ..fields };
        match self.login.log_in(attempt, &subjects, now, fields).await {
            Ok(IssuedLogin { new, pair }) => {
                log(Event::LoginSucceeded, Fields { login_id: Some(new.login.key.login_id.as_str()), ..fields }, None);
                pair_response(&pair, &new.session, new.login.bound_to.as_ref())
            }
            Err(refusal) => {
                // Every 401 at the same time: a foreign hash takes longer than no user.
                if matches!(refusal, NotLoggedIn::Credentials) && self.login.takes_foreign_hashes() {
                    arrival.at_least(Limits::REFUSED_LOGIN).await;
                }
                Refusal::from(refusal).into_response(refused)
            }
        }
    }
}
