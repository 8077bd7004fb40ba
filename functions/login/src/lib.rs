//! `POST /login`: a password becomes a login with its first session.

mod refusal;
mod request;

use std::{convert::Infallible, sync::Arc};

use lambda_http::{Body, Request, Response, Service, service_fn};
use latchkey::{
    clock::Clock,
    config::LoginConfig,
    entropy::Random,
    http::pair::pair_response,
    operations::{PasswordLogin, issue::IssuedLogin},
    store::{Accounts, Attempts},
    telling::log::{Event, Fields, log},
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
    let handler = Arc::new(Handler { login: PasswordLogin::new(accounts, attempts, config, random), clock });
    service_fn(move |request| {
        let handler = Arc::clone(&handler);
        async move { Ok(handler.answer(request).await) }
    })
}

#[derive(Debug)]
struct Handler {
    login: PasswordLogin,
    clock: Clock,
}

impl Handler {
    async fn answer(&self, request: Request) -> Response<Body> {
        let now = self.clock.now();
        let fields = Fields::of(request.extensions());
        let login = match request::read(&request) {
            Ok(attempt) => self.login.log_in(attempt, now, fields).await.map_err(Refusal::from),
            Err(malformed) => Err(malformed.into()),
        };
        match login {
            Ok(IssuedLogin { new, pair }) => {
                log(Event::LoginSucceeded, Fields { login_id: Some(new.login.key.login_id.as_str()), ..fields }, None);
                pair_response(&pair, &new.session)
            }
            Err(refusal) => refusal.into_response(fields),
        }
    }
}
