//! The write that changes a user and keeps every login that was decided before it from committing.

use aws_sdk_dynamodb::{
    error::BuildError,
    types::{ConditionCheck, TransactWriteItem, Update},
};

use super::{
    Accounts, Commit, StoreError,
    items::{REGISTER_SK, key, number, text},
    transaction::transact,
    users::user_key,
};
use crate::{
    ids::UserKey,
    model::{Register, User, UserStatus},
    password::PasswordHash,
};

/// A change that ends the user's logins.
#[derive(Debug, Clone)]
pub enum UserChange {
    /// Another password.
    Password(PasswordHash),
    /// May the user log in?
    Status(UserStatus),
}

impl Accounts {
    /// Writes the change and moves the register, if both are still as they were read.
    ///
    /// # Errors
    /// [`StoreError`] where nothing was written. What may have been written is [`Commit::ReadAgain`].
    pub async fn write_change(&self, user: &User, change: &UserChange, register: Option<&Register>) -> Result<Commit, StoreError> {
        transact(&self.store.client, self.change_items(user, change, register)?).await
    }

    fn change_items(&self, user: &User, change: &UserChange, register: Option<&Register>) -> Result<Vec<TransactWriteItem>, BuildError> {
        let update = Update::builder()
            .table_name(&self.users.table)
            .set_key(Some(user_key(&user.username)))
            .update_expression("SET #changed = :changed, version = :next")
            .condition_expression("version = :version")
            .expression_attribute_values(":version", number(user.version))
            .expression_attribute_values(":next", number(user.version + 1));
        let update = match change {
            UserChange::Password(hash) => {
                update.expression_attribute_names("#changed", "password_hash").expression_attribute_values(":changed", text(hash.as_str()))
            }
            UserChange::Status(status) => {
                update.expression_attribute_names("#changed", "status").expression_attribute_values(":changed", text(status.name()))
            }
        };
        let register_key = Some(key(&UserKey::of(&user.user_id), REGISTER_SK));
        let register = match register {
            Some(register) => {
                let moved = Update::builder()
                    .table_name(&self.store.sessions)
                    .set_key(register_key)
                    .update_expression("SET version = :next")
                    .condition_expression("version = :version")
                    .expression_attribute_values(":version", number(register.version))
                    .expression_attribute_values(":next", number(register.version + 1));
                TransactWriteItem::builder().update(moved.build()?)
            }
            None => {
                let absent = ConditionCheck::builder()
                    .table_name(&self.store.sessions)
                    .set_key(register_key)
                    .condition_expression("attribute_not_exists(sk)");
                TransactWriteItem::builder().condition_check(absent.build()?)
            }
        };
        Ok(vec![TransactWriteItem::builder().update(update.build()?).build(), register.build()])
    }
}
