//! The three ways to be known by a token.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use http::request::Parts;

use super::{Authenticator, RequestId};
use crate::{
    clock::Clock,
    decision::authorize,
    http::{
        bearer::{Presented, presented},
        problem::{Problem, ProblemCode},
        refuse::store_problem,
    },
    ids::{Generation, LoginId, LoginKey},
    model::{LoginState, Session},
    store::{EndProof, Located, NotLocated, Store, StoreError},
    telling::{
        Refused,
        log::{Event, Fields, log},
    },
    token::{AnyToken, Claim, ImportedTokens, Kind, MalformedToken, PresentedToken, Refresh},
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
    /// Whether imported tokens are accepted.
    pub imported: ImportedTokens,
}

impl Authenticator for ByAccessToken {
    type Found = CurrentSession;

    async fn authenticate(&self, request: &Parts) -> Result<CurrentSession, Problem> {
        let now = self.clock.now();
        let token = token_of(request, Event::AccessDenied, |text| PresentedToken::parse(text, self.imported))?;
        let claim = token.claim();
        let key = located(self.store.locate(&token).await, Event::AccessDenied, &claim, request)?;
        let state = self.store.read_login(&key).await.map_err(|error| store_problem(&error, fields(request)))?;
        match authorize(&state, &claim, now) {
            Ok(session) => Ok(session.into()),
            Err(refusal) => {
                let fields = Fields { login_id: Some(key.login_id.as_str()), ..fields(request) };
                Err(refuse_token(Event::AccessDenied(refusal.into()), &refusal.to_string(), &claim, fields))
            }
        }
    }
}

/// What a refresh request presents, with what the table said when it arrived.
#[derive(Debug, Clone)]
pub struct PresentedRefresh {
    /// The token.
    pub token: Arc<PresentedToken<Refresh>>,
    /// Where its login is kept.
    pub key: LoginKey,
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
    /// Whether imported tokens are accepted.
    pub imported: ImportedTokens,
}

impl Authenticator for ByRefreshToken {
    type Found = PresentedRefresh;

    async fn authenticate(&self, request: &Parts) -> Result<PresentedRefresh, Problem> {
        let now = self.clock.now();
        let token = token_of(request, Event::RefreshRefused, |text| PresentedToken::parse(text, self.imported))?;
        let key = located(self.store.locate(&token).await, Event::RefreshRefused, &token.claim(), request)?;
        let state = self.store.read_login(&key).await.map_err(|error| store_problem(&error, fields(request)))?;
        Ok(PresentedRefresh { token: Arc::new(token), key, state, now })
    }
}

/// The login that a request presents a token of, of either kind, expired or not, and what entitles to end it. Where the
/// token leads nowhere there is nothing to end.
#[derive(Debug, Clone)]
pub struct PresentedLogin(pub Result<(LoginKey, EndProof), NotLocated>);

/// Parses a token of either kind, and leaves a [`PresentedLogin`]. No read: ending is guarded by its own condition. Only an
/// imported token has to be looked up.
#[derive(Debug, Clone)]
pub struct ByEitherToken {
    /// Where sessions are.
    pub store: Store,
    /// Whether imported tokens are accepted.
    pub imported: ImportedTokens,
}

impl Authenticator for ByEitherToken {
    type Found = PresentedLogin;

    async fn authenticate(&self, request: &Parts) -> Result<PresentedLogin, Problem> {
        let token = token_of(request, |_| Event::LogoutOfNothing, |text| AnyToken::parse(text, self.imported))?;
        match self.store.locate_any(&token).await {
            Ok((Located::At(key), proof)) => Ok(PresentedLogin(Ok((key, proof)))),
            Ok((Located::Nowhere(why), _)) => Ok(PresentedLogin(Err(why))),
            Err(error) => Err(store_problem(&error, fields(request))),
        }
    }
}

/// Where the token's login is kept, or the refusal of one that leads nowhere.
fn located<K: Kind>(
    located: Result<Located, StoreError>,
    refused: impl FnOnce(Refused) -> Event,
    claim: &Claim<K>,
    request: &Parts,
) -> Result<LoginKey, Problem> {
    match located.map_err(|error| store_problem(&error, fields(request)))? {
        Located::At(key) => Ok(key),
        Located::Nowhere(why) => Err(refuse_token(why.event(refused(Refused::Unknown)), &why.to_string(), claim, fields(request))),
    }
}

/// Logs why the token is refused, and gives the one answer.
fn refuse_token<K: Kind>(event: Event, reason: &str, claim: &Claim<K>, fields: Fields<'_>) -> Problem {
    log(event, Fields { token_hash: Some(&claim.hash.log_prefix()), reason: Some(reason), ..fields }, None);
    ProblemCode::InvalidToken.into()
}

/// The one token that the request presents. Costs no store call where it is malformed.
fn token_of<T>(
    request: &Parts,
    refused: impl FnOnce(Refused) -> Event,
    parse: impl FnOnce(&str) -> Result<T, MalformedToken>,
) -> Result<T, Problem> {
    let refuse = |code: ProblemCode, why: Refused, reason: &str| {
        log(refused(why), Fields { reason: Some(reason), ..fields(request) }, None);
        Problem::from(code)
    };
    match presented(&request.headers) {
        Presented::Nothing => Err(refuse(ProblemCode::MissingToken, Refused::Absent, "nothing presented")),
        Presented::Unusable => Err(refuse(ProblemCode::InvalidToken, Refused::Malformed, "not one token")),
        Presented::Token(text) => {
            parse(text).map_err(|malformed| refuse(ProblemCode::InvalidToken, malformed.into(), &malformed.to_string()))
        }
    }
}

fn fields(request: &Parts) -> Fields<'_> {
    Fields { request_id: request.extensions.get::<RequestId>().map(|id| id.0.as_str()), ..Fields::default() }
}
