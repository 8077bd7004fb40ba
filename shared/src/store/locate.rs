//! Where the login of a presented token is kept.

use std::collections::BTreeSet;

use super::{
    EndProof, Store, StoreError,
    error::failure,
    items::{Reader, text},
};
use crate::{
    ids::{LoginId, LoginKey, UserKey},
    token::{AnyToken, Kind, PresentedToken, TokenHash},
};

/// Where a token leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Located {
    /// Here, if anywhere: the item decides.
    At(LoginKey),
    /// Nowhere.
    Nowhere(NotLocated),
}

/// Why a token leads nowhere. For the log; the client gets one answer for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotLocated {
    /// No index knows its hash.
    #[error("unknown")]
    Unknown,
    /// An index leads to two logins: whose it is can't be told, so it is nobody's.
    #[error("leads to two logins")]
    Ambiguous,
}

impl Store {
    /// The login that a presented token names; of an imported one, which names none, the login that the index finds.
    ///
    /// # Errors
    /// [`StoreError`]; an outage is never "nowhere".
    pub async fn locate<K: Kind>(&self, token: &PresentedToken<K>) -> Result<Located, StoreError> {
        match token {
            PresentedToken::Own(token) => Ok(Located::At(token.key().clone())),
            PresentedToken::Imported(token) => self.find(&token.hash::<K>()).await,
        }
    }

    /// The same for a token of either kind, with what it proves: an imported one is of the kind whose index knows it.
    ///
    /// # Errors
    /// [`StoreError`]; an outage is never "nowhere".
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

    /// The one login to which the index of a kind leads from a hash.
    ///
    /// # Errors
    /// [`StoreError`]; an outage is never "nowhere".
    pub async fn find<K: Kind>(&self, hash: &TokenHash<K>) -> Result<Located, StoreError> {
        let mut logins = self.logins_under(hash).await?;
        match (logins.pop_first(), logins.is_empty()) {
            (None, _) => Ok(Located::Nowhere(NotLocated::Unknown)),
            (Some(key), true) => Ok(Located::At(key)),
            (Some(_), false) => Ok(Located::Nowhere(NotLocated::Ambiguous)),
        }
    }

    /// The logins to which the index of a kind leads from a hash. An index finds, the table decides: it lags behind, it may
    /// show what is gone, and it lets two items have one key. So read each login before believing anything.
    ///
    /// # Errors
    /// [`StoreError`]; an outage is never "none".
    pub async fn logins_under<K: Kind>(&self, hash: &TokenHash<K>) -> Result<BTreeSet<LoginKey>, StoreError> {
        let output = self
            .client
            .query()
            .table_name(&self.sessions)
            .index_name(K::NAME)
            .key_condition_expression("#hash = :hash")
            .expression_attribute_names("#hash", format!("{}_hash", K::NAME))
            .expression_attribute_values(":hash", text(hash.to_text()))
            .send()
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
