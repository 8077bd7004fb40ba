//! Blocking a user in their register, on which every login contends.

use chrono::{DateTime, Utc};

use super::{
    Attempt, Store, StoreError,
    error::{condition_failed, failure, in_conflict},
    items::{ATTRIBUTES, ATTRIBUTES_PENDING, BLOCKED_AT, REGISTER_SK, Reader, USERNAME, key, number, time},
};
use crate::{
    dynamodb::Ask as _,
    ids::{LoginId, UserKey},
};

impl Store {
    /// Blocks the register, moves it, and returns the login that it names. A login that read it before can't commit any more,
    /// and one that reads it after is refused. A user without a register gets one.
    ///
    /// # Errors
    /// [`StoreError`]; whether the register is blocked is not known then.
    pub async fn block_register(&self, user_key: &UserKey, now: DateTime<Utc>) -> Result<Attempt<LoginId>, StoreError> {
        let set = format!("{BLOCKED_AT} = if_not_exists({BLOCKED_AT}, :now)");
        Ok(match self.change_register(user_key, &set, (":now", time(now))).await? {
            Attempt::Done(item) => {
                let read = Reader { item: &item, kind: "register" };
                Attempt::Done(read.parsed("last_login_id", |id| LoginId::parse(id).ok())?)
            }
            Attempt::Conflict => Attempt::Conflict,
        })
    }

    /// Lifts a block, and moves the register: it never returns to an earlier value. `false` if the user has no register.
    ///
    /// # Errors
    /// [`StoreError`]; whether the block was lifted is not known then.
    pub async fn lift_block(&self, user_key: &UserKey) -> Result<Attempt<bool>, StoreError> {
        self.move_and_remove(user_key, BLOCKED_AT).await
    }

    /// Takes the user's id, name and attributes out of the register of a user who has been removed. The register stays, so that a login decided
    /// before the removal can't commit after it.
    ///
    /// # Errors
    /// [`StoreError`]; whether they are gone is not known then.
    pub async fn forget_user(&self, user_key: &UserKey) -> Result<Attempt<bool>, StoreError> {
        self.move_and_remove(user_key, &format!("user_id, {USERNAME}, {ATTRIBUTES}, {ATTRIBUTES_PENDING}")).await
    }

    async fn move_and_remove(&self, user_key: &UserKey, attributes: &str) -> Result<Attempt<bool>, StoreError> {
        let moved = self
            .dynamodb
            .update_item()
            .table_name(&self.sessions)
            .set_key(Some(key(user_key, REGISTER_SK)))
            .update_expression(format!("SET version = version + :one REMOVE {attributes}"))
            .condition_expression("attribute_exists(sk)")
            .expression_attribute_values(":one", number(1))
            .ask(&self.dynamodb)
            .await;
        match moved {
            Ok(_) => Ok(Attempt::Done(true)),
            Err(error) if condition_failed(&error) => Ok(Attempt::Done(false)),
            Err(error) if in_conflict(&error) => Ok(Attempt::Conflict),
            Err(error) => Err(failure("UpdateItem", &error)),
        }
    }
}
