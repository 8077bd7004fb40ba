//! Whose token has this hash? For people who look into an incident; a hash is no credential.

use chrono::{DateTime, Utc};

use crate::{
    decision::{Standing, access_standing, refresh_standing},
    ids::LoginKey,
    model::LoginState,
    store::{Store, StoreError},
    token::{Access, Kind, Refresh, TokenHash},
};

/// A login that a hash belongs to.
#[derive(Debug)]
pub struct Holder {
    /// Where the login is kept.
    pub key: LoginKey,
    /// `access_token` or `refresh_token`.
    pub kind: &'static str,
    /// What the token is good for.
    pub standing: Standing,
    state: LoginState,
}

impl Holder {
    /// The user's id, as the login's items have it. `None` if only the index still has the login.
    #[must_use]
    pub fn user_id(&self) -> Option<&str> {
        let login = self.state.login.as_ref().map(|login| login.user_id.as_str());
        login.or_else(|| self.state.sessions.first().map(|session| session.user_id.as_str()))
    }

    /// Where the login stands. `None` if it has ended.
    #[must_use]
    pub fn generation(&self) -> Option<u32> {
        self.state.login.as_ref().map(|login| login.generation.number())
    }
}

/// The logins whose access or refresh token has this hash. `None` if `hash` isn't 43 characters of base64url.
///
/// # Errors
/// [`StoreError`]. An outage is never an empty list.
pub async fn find_holders(store: &Store, hash: &str, now: DateTime<Utc>) -> Result<Option<Vec<Holder>>, StoreError> {
    let (Some(access), Some(refresh)) = (TokenHash::parse(hash), TokenHash::parse(hash)) else { return Ok(None) };
    let (by_access, by_refresh) = tokio::try_join!(
        holders::<Access>(store, &access, |state| access_standing(state, &access, now)),
        holders::<Refresh>(store, &refresh, |state| refresh_standing(state, &refresh, now)),
    )?;
    Ok(Some(by_access.into_iter().chain(by_refresh).collect()))
}

/// An index lags behind the table, so each login that it finds is read strongly.
async fn holders<K: Kind>(
    store: &Store,
    hash: &TokenHash<K>,
    standing: impl Fn(&LoginState) -> Standing,
) -> Result<Vec<Holder>, StoreError> {
    let mut holders = Vec::new();
    for key in store.logins_under(hash).await? {
        let state = store.read_login(&key).await?;
        holders.push(Holder { key, kind: K::NAME, standing: standing(&state), state });
    }
    Ok(holders)
}
