//! The three ways to be known by a token.

use http::request::Parts;

use super::Authenticator;
use crate::{
    clock::Clock,
    http::{bearer::presented, problem::Problem, refuse::denied_problem},
    model::CurrentSession,
    operations::{OnFirstUse, PresentedLogin, PresentedRefresh, authorize},
    store::Store,
    telling::log::Fields,
    token::ImportedTokens,
};

/// Authorizes an access token against the table, and leaves a [`CurrentSession`]. For services without a gateway.
#[derive(Debug, Clone)]
pub struct ByAccessToken {
    /// Where sessions are.
    pub store: Store,
    /// What time it is.
    pub clock: Clock,
    /// Whether imported tokens are accepted.
    pub imported: ImportedTokens,
    /// What becomes of the first use of a session.
    pub first_use: OnFirstUse,
}

impl Authenticator for ByAccessToken {
    type Found = CurrentSession;

    async fn authenticate(&self, request: &Parts) -> Result<CurrentSession, Problem> {
        let fields = Fields::of(&request.extensions);
        let presented = presented(&request.headers);
        let authorized = authorize(&self.store, presented, self.imported, &self.first_use, &self.clock, fields);
        authorized.await.map_err(|denied| denied_problem(&denied, fields))
    }
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
        let fields = Fields::of(&request.extensions);
        let presented = presented(&request.headers);
        let read = PresentedRefresh::read(&self.store, presented, self.imported, &self.clock, fields);
        read.await.map_err(|denied| denied_problem(&denied, fields))
    }
}

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
        let fields = Fields::of(&request.extensions);
        let located = PresentedLogin::locate(&self.store, presented(&request.headers), self.imported, fields);
        located.await.map_err(|denied| denied_problem(&denied, fields))
    }
}
