//! `POST /refresh`: replaces a session by its successor, or answers a replay with the same pair again.

mod refusal;
mod replay_key;

use std::{convert::Infallible, sync::Arc};

use lambda_http::{Body, Request, Response, Service, service_fn, tower::ServiceBuilder};
use latchkey::{
    clock::Clock,
    config::RefreshConfig,
    entropy::Random,
    http::{
        middleware::{Authenticate, ByRefreshToken},
        pair::pair_response,
        problem::{Problem, ProblemCode},
        proof::{ByProof, Proved},
    },
    operations::{PresentedRefresh, Refreshed, refresh},
    store::Store,
    telling::log::{Fields, log},
};

use refusal::Refusal;
use replay_key::replay_key;

/// The service: the middleware parses the token and does the one read, the handler decides and writes.
pub fn service(
    store: Store,
    config: RefreshConfig,
    clock: Clock,
    random: Random,
) -> impl Service<Request, Response = Response<Body>, Error = Infallible, Future: Send> + Clone + Send + 'static {
    let imported = config.imported_tokens;
    // The form of a proof comes first: a bad one costs no call to the store.
    let proofs = ByProof { clock: clock.clone() };
    let handler = Arc::new(Handler { store: store.clone(), config, random });
    ServiceBuilder::new().layer(Authenticate::with(proofs)).layer(Authenticate::with(ByRefreshToken { store, clock, imported })).service(
        service_fn(move |request| {
            let handler = Arc::clone(&handler);
            async move { Ok(handler.answer(request).await) }
        }),
    )
}

#[derive(Debug)]
struct Handler {
    store: Store,
    config: RefreshConfig,
    random: Random,
}

impl Handler {
    async fn answer(&self, request: Request) -> Response<Body> {
        let (mut parts, _body) = request.into_parts();
        let Some(presented) = parts.extensions.remove::<PresentedRefresh>() else {
            return Problem::from(ProblemCode::Internal).into_response();
        };
        let possession = parts.extensions.remove::<Proved>().and_then(|proved| proved.0);
        let hash = presented.claim.hash.log_prefix();
        let fields = Fields {
            user_key: Some(presented.key.user_key.as_str()),
            login_id: Some(presented.key.login_id.as_str()),
            token_hash: Some(&hash),
            ..Fields::of(&parts.extensions)
        };
        let refreshed = match replay_key(&parts.headers) {
            Ok(replay_key) => {
                let request =
                    refresh(&self.store, &self.config, &presented, replay_key.as_ref(), possession.as_ref(), &self.random, fields);
                request.await.map_err(Refusal::from)
            }
            Err(bad_key) => Err(bad_key.into()),
        };
        match refreshed {
            Ok(Refreshed { event, pair, session, bound_to }) => {
                log(event, fields, None);
                pair_response(&pair, &session, bound_to.as_ref())
            }
            Err(refusal) => refusal.into_response(fields),
        }
    }
}
