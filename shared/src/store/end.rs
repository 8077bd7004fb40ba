//! Logging a login out.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};

use super::{
    Store, StoreError,
    error::{condition_failed, failure, in_conflict},
    items::{REGISTER_SK, Reader, attributes_key, key, login_key, number, read_login, session_key, text},
};
use crate::{
    dynamodb::{Ask as _, Unheard},
    ids::{Generation, LoginId, LoginKey, UserKey},
    model::LeftBehind,
    token::{Access, Claim, ProofHash, Refresh, TokenHash},
};

/// What entitles to end a login: any genuine token of it, of either kind, even an expired one.
#[derive(Debug, Clone)]
pub enum EndProof {
    /// An access token's.
    Access(ProofHash<Access>),
    /// A refresh token's.
    Refresh(ProofHash<Refresh>),
    /// An imported access token: the whole of it.
    ImportedAccess(TokenHash<Access>),
    /// An imported refresh token: the whole of it.
    ImportedRefresh(TokenHash<Refresh>),
    /// None: the user whose login it is has been authenticated by another one.
    Owner,
}

impl EndProof {
    /// The proof that a presented refresh token is.
    #[must_use]
    pub fn of_refresh(claim: &Claim<Refresh>) -> Self {
        match &claim.proof {
            Some(proof) => Self::Refresh(proof.hash()),
            None => Self::ImportedRefresh(claim.hash.clone()),
        }
    }

    /// The proof that a presented access token is.
    #[must_use]
    pub fn of_access(claim: &Claim<Access>) -> Self {
        match &claim.proof {
            Some(proof) => Self::Access(proof.hash()),
            None => Self::ImportedAccess(claim.hash.clone()),
        }
    }

    fn condition(&self) -> (&'static str, Option<HashMap<String, AttributeValue>>) {
        let value = |hash: String| Some([(":proof".to_owned(), text(hash))].into());
        match self {
            Self::Access(hash) => ("access_proof_hash = :proof", value(hash.to_text())),
            Self::Refresh(hash) => ("refresh_proof_hash = :proof", value(hash.to_text())),
            Self::ImportedAccess(hash) => ("imported_access_token_hash = :proof", value(hash.to_text())),
            Self::ImportedRefresh(hash) => ("imported_refresh_token_hash = :proof", value(hash.to_text())),
            Self::Owner => ("attribute_exists(sk)", None),
        }
    }
}

/// What an acknowledged end found. Either way, no token of the login is accepted again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The login was there, and is no more.
    Now {
        /// What it leaves behind.
        left: LeftBehind,
    },
    /// The login is not there, and this call may have ended it: an earlier attempt's answer was lost.
    Unheard,
    /// Already ended, or the token was forged.
    NotThere,
}

impl Ended {
    /// Whether the call ended the login, or may have.
    #[must_use]
    pub const fn by_this_call(self) -> bool {
        matches!(self, Self::Now { .. } | Self::Unheard)
    }
}

/// What one write came to, where a transaction in flight may hold its item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt<T> {
    /// It is settled.
    Done(T),
    /// A transaction holds the item. Nothing was written; write again.
    Conflict,
}

impl Store {
    /// Deletes the login item if the proof is its own: one write unit. `unheard` is the same for all writes of one end.
    ///
    /// # Errors
    /// [`StoreError`] where it is not known whether the login is gone.
    pub async fn delete_login(&self, key: &LoginKey, proof: &EndProof, unheard: &Unheard) -> Result<Attempt<Ended>, StoreError> {
        let (condition, values) = proof.condition();
        let deleted = self
            .dynamodb
            .delete_item()
            .table_name(&self.sessions)
            .set_key(Some(login_key(key)))
            .condition_expression(condition)
            .set_expression_attribute_values(values)
            .return_values(ReturnValue::AllOld)
            .ask_noting(&self.dynamodb, unheard)
            .await;
        match deleted {
            Ok(output) => {
                let login = read_login(output.attributes().unwrap_or(&Default::default()))?;
                Ok(Attempt::Done(Ended::Now { left: (&login).into() }))
            }
            Err(error) if condition_failed(&error) => Ok(Attempt::Done(if unheard.any() { Ended::Unheard } else { Ended::NotThere })),
            Err(error) if in_conflict(&error) => Ok(Attempt::Conflict),
            Err(error) => Err(failure("DeleteItem", &error)),
        }
    }

    /// Removes the sessions that an end left behind. Nothing depends on it: a session without its login authorizes nothing,
    /// and `ttl` collects it.
    ///
    /// # Errors
    /// [`StoreError`], for the log.
    pub async fn sweep(&self, key: &LoginKey, ended: Ended) -> Result<(), StoreError> {
        match ended {
            Ended::Now { left: LeftBehind { generation, has_attributes } } => {
                self.sweep_session(key, generation).await?;
                if has_attributes { self.sweep_attributes(key).await } else { Ok(()) }
            }
            Ended::Unheard => self.sweep_all_sessions(key).await,
            Ended::NotThere => Ok(()),
        }
    }

    /// The generation went with the answer, so a read has to find the sessions. Where it still finds the login, the proof was
    /// another login's: nothing was ended.
    async fn sweep_all_sessions(&self, key: &LoginKey) -> Result<(), StoreError> {
        let state = self.read_login(key).await?;
        if state.login.is_some() {
            return Ok(());
        }
        for session in &state.sessions {
            self.sweep_session(key, session.generation).await?;
        }
        if state.attributes.is_some() { self.sweep_attributes(key).await } else { Ok(()) }
    }

    async fn sweep_attributes(&self, key: &LoginKey) -> Result<(), StoreError> {
        let deleted = self.dynamodb.delete_item().table_name(&self.sessions).set_key(Some(attributes_key(key))).ask(&self.dynamodb).await;
        deleted.map(|_| ()).map_err(|error| failure("DeleteItem", &error))
    }

    /// Removes one session of a login that is gone.
    ///
    /// # Errors
    /// [`StoreError`], for the log.
    pub async fn sweep_session(&self, key: &LoginKey, generation: Generation) -> Result<(), StoreError> {
        let deleted =
            self.dynamodb.delete_item().table_name(&self.sessions).set_key(Some(session_key(key, generation))).ask(&self.dynamodb).await;
        deleted.map(|_| ()).map_err(|error| failure("DeleteItem", &error))
    }

    /// Moves the register and returns the login that it names; `None` if the user never logged in.
    ///
    /// # Errors
    /// [`StoreError`]; whether the register moved is not known then.
    pub async fn move_register(&self, user_key: &UserKey) -> Result<Attempt<Option<LoginId>>, StoreError> {
        let moved = self
            .dynamodb
            .update_item()
            .table_name(&self.sessions)
            .set_key(Some(key(user_key, REGISTER_SK)))
            .update_expression("SET version = version + :one")
            .condition_expression("attribute_exists(sk)")
            .expression_attribute_values(":one", number(1))
            .return_values(ReturnValue::AllNew)
            .ask(&self.dynamodb)
            .await;
        match moved {
            Ok(output) => {
                let item = output.attributes.unwrap_or_default();
                let read = Reader { item: &item, kind: "register" };
                Ok(Attempt::Done(Some(read.parsed("last_login_id", |id| LoginId::parse(id).ok())?)))
            }
            Err(error) if condition_failed(&error) => Ok(Attempt::Done(None)),
            Err(error) if in_conflict(&error) => Ok(Attempt::Conflict),
            Err(error) => Err(failure("UpdateItem", &error)),
        }
    }
}
