//! `POST /refresh`: replaces a session by its successor, or answers a replay with the same pair again.

mod refusal;

use std::convert::Infallible;

use chrono::{DateTime, Utc};
use http::HeaderMap;
use lambda_http::{Body, Request, Response, Service, service_fn, tower::ServiceBuilder};
use latchkey::{
    backoff::Backoff,
    clock::Clock,
    config::RefreshConfig,
    decision::{RefreshDecision, RefreshRequest, decide_refresh},
    entropy::system_rng,
    http::{
        middleware::{Authenticate, ByRefreshToken, PresentedRefresh},
        pair::pair_response,
        problem::{Problem, ProblemCode},
    },
    ids::LoginKey,
    model::{LoginState, ReplayKeyHash, Session},
    operations::issue::{IssuedSession, issue_successor, reissue},
    store::{Commit, EndProof, Rotation, Store},
    telling::log::{Event, Fields, log},
    token::{Claim, PresentedToken, Refresh, TokenPair},
};

use refusal::Refusal;

/// The service: the middleware parses the token and does the one read, the handler decides and writes.
pub fn service(
    store: Store,
    config: RefreshConfig,
    clock: Clock,
) -> impl Service<Request, Response = Response<Body>, Error = Infallible, Future: Send> + Clone + Send + 'static {
    let imported = config.imported_tokens;
    let handler = Handler { store: store.clone(), config };
    ServiceBuilder::new().layer(Authenticate::with(ByRefreshToken { store, clock, imported })).service(service_fn(move |request| {
        let handler = handler.clone();
        async move { Ok(handler.answer(request).await) }
    }))
}

#[derive(Debug, Clone)]
struct Handler {
    store: Store,
    config: RefreshConfig,
}

/// What stays the same through every re-read of one request.
#[derive(Clone, Copy)]
struct Presented<'a> {
    token: &'a PresentedToken<Refresh>,
    claim: &'a Claim<Refresh>,
    key: &'a LoginKey,
    now: DateTime<Utc>,
}

/// How a refresh succeeded.
struct Refreshed {
    event: Event,
    pair: TokenPair,
    session: Session,
}

impl Handler {
    async fn answer(&self, request: Request) -> Response<Body> {
        let (mut parts, _body) = request.into_parts();
        let Some(PresentedRefresh { token, claim, key, state, now }) = parts.extensions.remove() else {
            return Problem::from(ProblemCode::Internal).into_response();
        };
        let hash = claim.hash.log_prefix();
        let fields = Fields {
            user_key: Some(key.user_key.as_str()),
            login_id: Some(key.login_id.as_str()),
            token_hash: Some(&hash),
            ..Fields::of(&parts.extensions)
        };
        let refreshed = match replay_key(&parts.headers) {
            Ok(replay_key) => self.refresh(Presented { token: &token, claim: &claim, key: &key, now }, state, replay_key, fields).await,
            Err(refusal) => Err(refusal),
        };
        match refreshed {
            Ok(Refreshed { event, pair, session }) => {
                log(event, fields, None);
                pair_response(&pair, &session)
            }
            Err(refusal) => refusal.into_response(fields),
        }
    }

    /// Decides, writes and reads again until it is settled. The front's deadline bounds it.
    async fn refresh(
        &self,
        presented: Presented<'_>,
        mut state: LoginState,
        replay_key: Option<ReplayKeyHash>,
        fields: Fields<'_>,
    ) -> Result<Refreshed, Refusal> {
        let Presented { token, claim, key, now } = presented;
        let mut issued: Option<IssuedSession> = None;
        let mut backoff = Backoff::new();
        loop {
            let minted = issued.as_ref().map(|issued| &issued.session.refresh_token_hash);
            match decide_refresh(&state, RefreshRequest { claim, replay_key: replay_key.as_ref(), minted, now }) {
                RefreshDecision::Rotate { login } => {
                    let fresh = match issued.take() {
                        Some(issued) => issued,
                        None => {
                            let RefreshConfig { lifetimes, replay_window, .. } = self.config;
                            issue_successor(login, token, replay_key.clone(), lifetimes, replay_window, now, &mut system_rng())?
                        }
                    };
                    let rotation =
                        Rotation { login, presented: &claim.hash, successor: &fresh.session, first_proofs: fresh.first_proofs.as_ref() };
                    if self.store.rotate(rotation).await? == Commit::Done {
                        return Ok(Refreshed { event: Event::RefreshRotated, pair: fresh.pair, session: fresh.session });
                    }
                    issued = Some(fresh);
                }
                RefreshDecision::Success { .. } => {
                    let IssuedSession { pair, session, .. } = issued.ok_or(Refusal::Inconsistent)?;
                    return Ok(Refreshed { event: Event::RefreshRotated, pair, session });
                }
                RefreshDecision::Replay { session, predecessor } => {
                    let pair = reissue(session, predecessor, token)?;
                    return Ok(Refreshed { event: Event::RefreshReplayed, pair, session: session.clone() });
                }
                RefreshDecision::Torn => {}
                RefreshDecision::Superseded { keys_differ } => return Err(Refusal::Superseded { keys_differ }),
                RefreshDecision::Reuse { login } => {
                    self.end(&login.key, claim, fields).await?;
                    return Err(Refusal::Reused);
                }
                RefreshDecision::Refuse(refusal) => return Err(Refusal::Refused(refusal)),
            }
            backoff.wait().await;
            state = self.store.read_login(key).await?;
        }
    }

    /// Ends the login of a reused token. Acknowledged by a 401, so it has to be settled before.
    async fn end(&self, key: &LoginKey, claim: &Claim<Refresh>, fields: Fields<'_>) -> Result<(), Refusal> {
        let ended = self.store.end_login(key, &EndProof::of_refresh(claim)).await?;
        if let Err(error) = self.store.sweep(key, ended).await {
            log(Event::CleanupFailed, fields, Some(&error));
        }
        Ok(())
    }
}

/// The `Idempotency-Key`: 1 to 128 visible ASCII characters, once or not at all.
fn replay_key(headers: &HeaderMap) -> Result<Option<ReplayKeyHash>, Refusal> {
    let mut values = headers.get_all("idempotency-key").iter();
    let Some(value) = values.next() else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| (1..=128).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()));
    match (key, values.next()) {
        (Some(key), None) => Ok(Some(ReplayKeyHash::of(key))),
        _ => Err(Refusal::BadKey),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn key_of(values: &[&[u8]]) -> Result<bool, ()> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("idempotency-key", HeaderValue::from_bytes(value).unwrap());
        }
        replay_key(&headers).map(|key| key.is_some()).map_err(|_| ())
    }

    /// R8: a key outside these bounds is a 400.
    #[test]
    fn a_key_is_1_to_128_visible_ascii_characters() {
        assert_eq!(key_of(&[]), Ok(false));
        assert_eq!(key_of(&[b"a"]), Ok(true));
        assert_eq!(key_of(&[&[b'~'; 128]]), Ok(true));
        for wrong in [&[b'~'; 129][..], b"", b"with space", "é".as_bytes(), b"tab\there"] {
            assert_eq!(key_of(&[wrong]), Err(()));
        }
        assert_eq!(key_of(&[b"a", b"a"]), Err(()), "two headers are not one key");
    }
}
