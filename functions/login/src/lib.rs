//! `POST /login`: a password becomes a login with its first session.

mod refusal;
mod request;

use std::{convert::Infallible, sync::Arc};

use chrono::{DateTime, Utc};
use lambda_http::{Body, Request, Response, Service, service_fn};
use latchkey::{
    clock::Clock,
    config::{Binding, LoginConfig},
    dpop::{BadProof, Thumbprint},
    entropy::Random,
    http::{
        pair::pair_response,
        proof::{RouteProofs, refused_proof},
    },
    limits::Limits,
    operations::{LoginAttempt, NotLoggedIn, PasswordLogin, issue::IssuedLogin},
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
    clock: Clock,
    random: Random,
) -> impl Service<Request, Response = Response<Body>, Error = Infallible, Future: Send> + Clone + Send + 'static {
    let (binding, proofs) = (config.binding, RouteProofs::of("/login", &config.dpop_urls));
    let handler = Arc::new(Handler { login: PasswordLogin::new(accounts, attempts, config, random), binding, proofs, clock });
    service_fn(move |request| {
        let handler = Arc::clone(&handler);
        async move { Ok(handler.answer(request).await) }
    })
}

#[derive(Debug)]
struct Handler {
    login: PasswordLogin,
    binding: Binding,
    proofs: RouteProofs,
    clock: Clock,
}

impl Handler {
    /// The key that the login is to be bound to. Where the setting is off, the header is ignored as by any service that knows none.
    fn binding(&self, request: &Request, now: DateTime<Utc>) -> Result<Option<Thumbprint>, BadProof> {
        let read = || self.proofs.read(request.method(), request.headers(), request.extensions(), now);
        match self.binding {
            Binding::Off => Ok(None),
            Binding::Optional => read().map(|proof| proof.map(|proof| proof.key)),
            Binding::Required => read()?.map(|proof| Some(proof.key)).ok_or(BadProof::Missing),
        }
    }

    async fn answer(&self, request: Request) -> Response<Body> {
        let (now, arrival) = (self.clock.now(), self.clock.arrival());
        let fields = Fields::of(request.extensions());
        let attempt = match request::read(&request) {
            Ok(attempt) => attempt,
            Err(malformed) => return Refusal::from(malformed).into_response(fields),
        };
        let attempt = match self.binding(&request, now) {
            Ok(bound_to) => LoginAttempt { bound_to, ..attempt },
            Err(bad) => return refused_proof(bad, fields).into_response(),
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
