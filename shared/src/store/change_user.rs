//! Changing a user so that no login made before survives it.

use aws_sdk_dynamodb::{
    error::BuildError,
    types::{ConditionCheck, TransactWriteItem, Update},
};

use super::{
    Accounts, Commit, Everywhere, StoreError,
    accounts::{read_user, user_key},
    error::failure,
    items::{REGISTER_SK, key, number, text},
    transaction::transact,
};
use crate::{
    backoff::Backoff,
    ids::UserKey,
    model::{Register, User, UserStatus},
    password::PasswordHash,
    username::Username,
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
    /// Changes the user, then ends every login made before: the item and the register move in one transaction, so a login
    /// that was decided on the old user can't commit after it; then all that is there is ended. Gives the user as it is
    /// now and how many logins were ended; none where there is no such user.
    ///
    /// # Errors
    /// [`StoreError`]. The user may have been changed already; do it again, until it succeeds.
    pub async fn change_user(&self, username: &Username, change: &UserChange) -> Result<Option<(User, usize)>, StoreError> {
        let mut backoff = Backoff::new();
        loop {
            let Some(user) = self.read_user(username).await? else { return Ok(None) };
            let user_key = UserKey::of(&user.user_id);
            let register = self.store.read_user_logins(&user_key).await?.register;
            let items = self.change_items(&user, change, &user_key, register.as_ref())?;
            if transact(&self.store.client, items).await? == Commit::Done {
                let ended = self.store.end_all(&user_key, Everywhere::All).await?;
                return Ok(self.read_user(username).await?.map(|user| (user, ended)));
            }
            backoff.wait().await;
        }
    }

    fn change_items(
        &self,
        user: &User,
        change: &UserChange,
        user_key_: &UserKey,
        register: Option<&Register>,
    ) -> Result<Vec<TransactWriteItem>, BuildError> {
        let update = Update::builder()
            .table_name(&self.users)
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
        let register_key = Some(key(user_key_, REGISTER_SK));
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

    /// All users, in no order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list_users(&self) -> Result<Vec<User>, StoreError> {
        let mut users = Vec::new();
        let mut items = self.store.client.scan().table_name(&self.users).into_paginator().items().send();
        while let Some(item) = items.next().await {
            users.push(read_user(&item.map_err(|error| failure("Scan", &error))?)?);
        }
        Ok(users)
    }
}
