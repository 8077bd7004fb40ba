//! Where the login of a presented token is kept.

use std::collections::BTreeSet;

use super::{
    EndProof, Store, StoreError,
    error::failure,
    items::{Reader, text},
};
use crate::{
    dynamodb::Ask as _,
    ids::{LoginId, LoginKey, UserKey},
    token::{AnyToken, Kind, PresentedToken, TokenHash},
};

/// The result of a lookup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Located {
    /// The login's key. Whether the login exists, a read decides.
    At(LoginKey),
    /// There is no such login.
    Nowhere(NotLocated),
}

/// Why a token has no login. For the log; the client gets the same answer for all reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotLocated {
    /// Its hash is in no index.
    #[error("unknown")]
    Unknown,
    /// The token matches two logins, so it is refused.
    #[error("leads to two logins")]
    Ambiguous,
}

impl Store {
    /// The login that a presented token names. An imported token names none, so the index finds it.
    ///
    /// # Errors
    /// [`StoreError`]. An outage is never [`Located::Nowhere`].
    pub async fn locate<K: Kind>(&self, token: &PresentedToken<K>) -> Result<Located, StoreError> {
        match token {
            PresentedToken::Own(token) => Ok(Located::At(token.key().clone())),
            PresentedToken::Imported(token) => self.find(&token.hash::<K>()).await,
        }
    }

    /// The same for a token of either kind, with its proof. An imported token is of the kind whose index has it.
    ///
    /// # Errors
    /// [`StoreError`]. An outage is never [`Located::Nowhere`].
    pub async fn locate_any(&self, token: &AnyToken) -> Result<(Located, EndProof), StoreError> {
        match token {
            AnyToken::Access(token) => Ok((Located::At(token.key().clone()), EndProof::of_access(&token.claim()))),
            AnyToken::Refresh(token) => Ok((Located::At(token.key().clone()), EndProof::of_refresh(&token.claim()))),
            AnyToken::Imported(token) => {
                let (access, refresh) = (token.hash(), token.hash());
                let (by_access, by_refresh) = tokio::join!(self.find(&access), self.find(&refresh));
                match (by_access?, by_refresh?) {
                    (found, Located::Nowhere(NotLocated::Unknown)) => Ok((found, EndProof::ImportedAccess(access))),
                    (_, found) => Ok((found, EndProof::ImportedRefresh(refresh))),
                }
            }
        }
    }

    /// The one login with this hash in the index of a kind.
    ///
    /// # Errors
    /// [`StoreError`]. An outage is never [`Located::Nowhere`].
    pub async fn find<K: Kind>(&self, hash: &TokenHash<K>) -> Result<Located, StoreError> {
        let mut logins = self.logins_under(hash).await?;
        match (logins.pop_first(), logins.is_empty()) {
            (None, _) => Ok(Located::Nowhere(NotLocated::Unknown)),
            (Some(key), true) => Ok(Located::At(key)),
            (Some(_), false) => Ok(Located::Nowhere(NotLocated::Ambiguous)),
        }
    }

    /// The logins with this hash in the index of a kind. An index lags behind the table, can show deleted items, and lets two items
    /// have the same key. So read each login before you act on it.
    ///
    /// # Errors
    /// [`StoreError`]. An outage is never an empty list.
    pub async fn logins_under<K: Kind>(&self, hash: &TokenHash<K>) -> Result<BTreeSet<LoginKey>, StoreError> {
        let output = self
            .dynamodb
            .query()
            .table_name(&self.sessions)
            .index_name(K::NAME)
            .key_condition_expression("#hash = :hash")
            .expression_attribute_names("#hash", format!("{}_hash", K::NAME))
            .expression_attribute_values(":hash", text(hash.to_text()))
            .ask(&self.dynamodb)
            .await
            .map_err(|error| failure("Query", &error))?;

        let mut logins = BTreeSet::new();
        for item in output.items() {
            let read = Reader { item, kind: "index" };
            logins.insert(LoginKey {
                user_key: read.parsed("user_key", |text| UserKey::parse(text).ok())?,
                login_id: read.parsed("sk", |sk| LoginId::parse(sk.split_once('#')?.0).ok())?,
            });
        }
        Ok(logins)
    }
}
