//! Logging a user out everywhere, or everywhere else.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::{error::ProvideErrorMetadata as _, types::ReturnValue};
use futures_util::future::join_all;

use super::{
    EndProof, Ended, Store, StoreError,
    error::{condition_failed, failure},
    items::{REGISTER_SK, Reader, key, number},
};
use crate::{
    backoff::Backoff,
    ids::{LoginId, LoginKey, UserKey},
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
            let deletions = std::mem::replace(&mut ending, rest).into_iter().map(async |login_id| {
                let key = LoginKey { user_key: user_key.clone(), login_id };
                self.end_owned(&key).await
            });
            for deletion in join_all(deletions).await {
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
        let mut backoff = Backoff::new();
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
                Err(error) if condition_failed(&error) => return Ok(None),
                Err(error) if error.code() == Some("TransactionConflictException") => backoff.wait().await,
                Err(error) => return Err(failure("UpdateItem", &error)),
            }
        }
    }
}
