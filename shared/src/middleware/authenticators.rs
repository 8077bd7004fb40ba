//! The three ways to be known by a token.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use http::request::Parts;

use super::{Authenticator, RequestId};
use crate::{
    bearer::{Presented, presented},
    clock::Clock,
    decision::authorize,
    ids::{Generation, LoginId},
    log::{Event, Fields, log},
    problem::{Problem, ProblemCode},
    refuse::store_problem,
    session::{LoginState, Session},
    store::Store,
    token::{AccessToken, AnyToken, MalformedToken, RefreshToken},
};

/// Who is asking, for handlers behind an access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentSession {
    /// The user.
    pub user_id: String,
    /// The login.
    pub login_id: LoginId,
    /// Which session of it.
    pub generation: Generation,
    /// When the access token ends.
    pub access_token_expires_at: DateTime<Utc>,
    /// When the refresh token beside it ends.
    pub refresh_token_expires_at: DateTime<Utc>,
}

impl From<&Session> for CurrentSession {
    fn from(session: &Session) -> Self {
        Self {
            user_id: session.user_id.clone(),
            login_id: session.key.login_id.clone(),
            generation: session.generation,
            access_token_expires_at: session.access_token_expires_at,
            refresh_token_expires_at: session.refresh_token_expires_at,
        }
    }
}

/// Authorizes an access token against the table, and leaves a [`CurrentSession`]. For services without a gateway.
#[derive(Debug, Clone)]
pub struct ByAccessToken {
    /// Where sessions are.
    pub store: Store,
    /// What time it is.
    pub clock: Clock,
}

impl Authenticator for ByAccessToken {
    type Found = CurrentSession;

    async fn authenticate(&self, request: &Parts) -> Result<CurrentSession, Problem> {
        let now = self.clock.now();
        let token = token_of(request, Event::AccessDenied, AccessToken::parse)?;
        let state = self.store.read_login(token.key()).await.map_err(|error| store_problem(&error, fields(request)))?;
        match authorize(&state, &token, now) {
            Ok(session) => Ok(session.into()),
            Err(refusal) => {
                let hash = token.hash().log_prefix();
                let reason = refusal.to_string();
                let fields = Fields {
                    login_id: Some(token.key().login_id.as_str()),
                    token_hash: Some(&hash),
                    reason: Some(&reason),
                    ..fields(request)
                };
                log(Event::AccessDenied, fields, None);
                Err(ProblemCode::InvalidToken.into())
            }
        }
    }
}

/// What a refresh request presents, with what the table said when it arrived.
#[derive(Debug, Clone)]
pub struct PresentedRefresh {
    /// The token.
    pub token: Arc<RefreshToken>,
    /// The first read.
    pub state: LoginState,
    /// When the request arrived.
    pub now: DateTime<Utc>,
}

/// Parses a refresh token, does the one read, and leaves a [`PresentedRefresh`] for the handler to decide.
#[derive(Debug, Clone)]
pub struct ByRefreshToken {
    /// Where sessions are.
    pub store: Store,
    /// What time it is.
    pub clock: Clock,
}

impl Authenticator for ByRefreshToken {
    type Found = PresentedRefresh;

    async fn authenticate(&self, request: &Parts) -> Result<PresentedRefresh, Problem> {
        let now = self.clock.now();
        let token = token_of(request, Event::RefreshRefused, RefreshToken::parse)?;
        let state = self.store.read_login(token.key()).await.map_err(|error| store_problem(&error, fields(request)))?;
        Ok(PresentedRefresh { token: Arc::new(token), state, now })
    }
}

/// The login that a request presents a token of, of either kind, expired or not.
#[derive(Debug, Clone)]
pub struct PresentedLogin(pub Arc<AnyToken>);

/// Parses a token of either kind, and leaves a [`PresentedLogin`]. No read: ending is guarded by its own condition.
#[derive(Debug, Clone, Copy)]
pub struct ByEitherToken;

impl Authenticator for ByEitherToken {
    type Found = PresentedLogin;

    async fn authenticate(&self, request: &Parts) -> Result<PresentedLogin, Problem> {
        token_of(request, Event::LogoutOfNothing, AnyToken::parse).map(|token| PresentedLogin(Arc::new(token)))
    }
}

/// The one token that the request presents. Costs no store call where it is malformed.
fn token_of<T>(request: &Parts, refused: Event, parse: impl FnOnce(&str) -> Result<T, MalformedToken>) -> Result<T, Problem> {
    let refuse = |code: ProblemCode, reason: &str| {
        log(refused, Fields { reason: Some(reason), ..fields(request) }, None);
        Problem::from(code)
    };
    match presented(&request.headers) {
        Presented::Nothing => Err(refuse(ProblemCode::MissingToken, "nothing presented")),
        Presented::Unusable => Err(refuse(ProblemCode::InvalidToken, "not one token")),
        Presented::Token(text) => parse(text).map_err(|malformed| refuse(ProblemCode::InvalidToken, &malformed.to_string())),
    }
}

fn fields(request: &Parts) -> Fields<'_> {
    Fields { request_id: request.extensions.get::<RequestId>().map(|id| id.0.as_str()), ..Fields::default() }
}
