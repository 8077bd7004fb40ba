//! Logging a user out everywhere, or everywhere else.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::{error::ProvideErrorMetadata as _, types::ReturnValue};
use tokio::task::JoinSet;

use super::{
    EndProof, Ended, Store, StoreError,
    error::failure,
    items::{Reader, key, number},
    login::REGISTER_SK,
};
use crate::{
    backoff,
    ids::{LoginId, LoginKey, UserKey},
    signals,
};

/// Which of a user's logins are ended.
#[derive(Debug, Clone, Copy)]
pub enum Everywhere<'a> {
    /// All.
    All,
    /// All, and this one when the others are gone: it is the caller's own, and a retry needs it.
    AllAndLast(&'a LoginId),
    /// All but this one.
    AllBut(&'a LoginId),
}

/// How many logins are ended side by side.
const SIDE_BY_SIDE: usize = 10;

impl Store {
    /// Ends the logins of the user that were made before this, and gives how many it ended.
    ///
    /// The register moves first: a login that read it before can't commit any more. One that is in mid-commit is named by
    /// it, and may yet be unseen by the read that follows; so it is ended by name. All others, the read sees.
    ///
    /// # Errors
    /// [`StoreError`] where it is not known that all are gone. What was ended stays ended; try again.
    pub async fn end_all(&self, user_key: &UserKey, which: Everywhere<'_>) -> Result<usize, StoreError> {
        let Some(newest) = self.close_register(user_key).await? else { return Ok(0) };
        let seen = self.read_user_logins(user_key).await?;
        let mut all: BTreeSet<LoginId> = seen.logins.into_keys().collect();
        all.insert(newest);
        let last = match which {
            Everywhere::All => None,
            Everywhere::AllAndLast(own) => all.take(own),
            Everywhere::AllBut(kept) => {
                all.remove(kept);
                None
            }
        };
        let ended = self.end_side_by_side(user_key, all.into_iter().collect()).await?;
        Ok(ended + self.end_side_by_side(user_key, last.into_iter().collect()).await?)
    }

    async fn end_side_by_side(&self, user_key: &UserKey, mut ending: Vec<LoginId>) -> Result<usize, StoreError> {
        let mut ended = 0;
        while !ending.is_empty() {
            let rest = ending.split_off(ending.len().min(SIDE_BY_SIDE));
            let mut deletions = JoinSet::new();
            for login_id in std::mem::replace(&mut ending, rest) {
                let (store, key) = (self.clone(), LoginKey { user_key: user_key.clone(), login_id });
                deletions.spawn(signals::taken_along(async move { store.end_owned(&key).await }));
            }
            for deletion in deletions.join_all().await {
                ended += usize::from(deletion? != Ended::NotThere);
            }
        }
        Ok(ended)
    }

    /// Ends one login of a user who has been authenticated, and sweeps its session.
    ///
    /// # Errors
    /// [`StoreError`] where it is not known whether the login is gone.
    pub async fn end_owned(&self, key: &LoginKey) -> Result<Ended, StoreError> {
        let ended = self.end_login(key, &EndProof::Owner).await?;
        if let Ended::Now { generation } = ended {
            // Nothing depends on the sweep; `ttl` collects what it leaves.
            let _swept = self.sweep_session(key, generation).await;
        }
        Ok(ended)
    }

    /// Moves the register and gives the login that it names; none where the user never logged in.
    async fn close_register(&self, user_key: &UserKey) -> Result<Option<LoginId>, StoreError> {
        let mut attempt = 0;
        loop {
            let moved = self
                .client
                .update_item()
                .table_name(&self.sessions)
                .set_key(Some(key(user_key, REGISTER_SK)))
                .update_expression("SET version = version + :one")
                .condition_expression("attribute_exists(sk)")
                .expression_attribute_values(":one", number(1))
                .return_values(ReturnValue::AllNew)
                .send()
                .await;
            match moved {
                Ok(output) => {
                    let item = output.attributes.unwrap_or_default();
                    let read = Reader { item: &item, kind: "register" };
                    return Ok(Some(read.parsed("last_login_id", |id| LoginId::parse(id).ok())?));
                }
                Err(error) => match error.code() {
                    Some("ConditionalCheckFailedException") => return Ok(None),
                    Some("TransactionConflictException") => backoff::pause(attempt).await,
                    _ => return Err(failure("UpdateItem", &error)),
                },
            }
            attempt += 1;
        }
    }
}
