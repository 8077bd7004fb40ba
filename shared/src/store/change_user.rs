//! The write that changes a user and keeps every login that was decided before it from committing.

use aws_sdk_dynamodb::{
    error::BuildError,
    types::{ConditionCheck, TransactWriteItem, Update, builders::UpdateBuilder},
};

use chrono::{DateTime, Utc};

use super::{
    Accounts, Commit, StoreError,
    items::{BLOCKED_AT, REGISTER_SK, key, login_key, number, text, time},
    transaction::transact,
    users::user_key,
};
use crate::{
    ids::{LoginId, LoginKey, UserKey},
    model::{LoginCreation, NewLogin, Register, User, UserStatus},
    password::PasswordHash,
};

/// A change that ends the user's logins.
#[derive(Debug, Clone)]
pub enum UserChange {
    /// Another password.
    Password(PasswordHash),
    /// The user may not log in from now on: they are blocked, by every door.
    Disabled(DateTime<Utc>),
    /// The user may log in again.
    Enabled,
}

impl Accounts {
    /// Writes the change and moves the register, if both are still as they were read.
    ///
    /// # Errors
    /// [`StoreError`] where nothing was written. What may have been written is [`Commit::ReadAgain`].
    pub async fn write_change(&self, user: &User, change: &UserChange, register: Option<&Register>) -> Result<Commit, StoreError> {
        transact(&self.store.dynamodb, self.change_items(user, change, register)?).await
    }

    /// Writes the new password and makes a login, all or nothing, if the user, the register and the previous login are still as they
    /// were read, and the login that the request rests on is still there.
    ///
    /// # Errors
    /// [`StoreError`] where nothing was written. What may have been written is [`Commit::ReadAgain`].
    pub async fn change_password(
        &self,
        user: &User,
        hash: &PasswordHash,
        new: &NewLogin,
        creation: &LoginCreation,
    ) -> Result<Commit, StoreError> {
        let update = self
            .update_user(user)
            .condition_expression("version = :version AND #status = :active")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":active", text(UserStatus::Active.name()));
        let mut items = self.store.login_items(new, creation, Some(&user.username))?;
        items.insert(1, TransactWriteItem::builder().update(password(update, hash).build()?).build());
        transact(&self.store.dynamodb, items).await
    }

    /// Whether the user is unchanged and the login isn't there, at one instant. [`Commit::ReadAgain`] if either isn't so, or another
    /// transaction is in mid-commit. It writes nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn is_settled_without(&self, user: &User, login: &LoginKey) -> Result<Commit, StoreError> {
        let unchanged = ConditionCheck::builder()
            .table_name(&self.users.table)
            .set_key(Some(user_key(&user.username)))
            .expression_attribute_values(":version", number(user.version))
            .condition_expression("version = :version")
            .build()?;
        let gone = ConditionCheck::builder()
            .table_name(&self.store.sessions)
            .set_key(Some(login_key(login)))
            .condition_expression(ABSENT)
            .build()?;
        let items = [unchanged, gone].map(|check| TransactWriteItem::builder().condition_check(check).build());
        transact(&self.store.dynamodb, items.into()).await
    }

    fn update_user(&self, user: &User) -> UpdateBuilder {
        Update::builder()
            .table_name(&self.users.table)
            .set_key(Some(user_key(&user.username)))
            .update_expression("SET #changed = :changed, version = :next")
            .condition_expression("version = :version")
            .expression_attribute_values(":version", number(user.version))
            .expression_attribute_values(":next", number(user.version + 1))
    }

    fn change_items(&self, user: &User, change: &UserChange, register: Option<&Register>) -> Result<Vec<TransactWriteItem>, BuildError> {
        let update = self.update_user(user);
        let update = match change {
            UserChange::Password(hash) => password(update, hash),
            UserChange::Disabled(_) => status(update, UserStatus::Disabled),
            UserChange::Enabled => status(update, UserStatus::Active),
        };
        let register = self.moved_register(&UserKey::of(&user.user_id), change, register)?;
        Ok(vec![TransactWriteItem::builder().update(update.build()?).build(), register])
    }

    /// The register moves with the change, and its block with the status. Where there is none, a block makes one, and any other
    /// change holds to its absence.
    fn moved_register(
        &self,
        user_key: &UserKey,
        change: &UserChange,
        register: Option<&Register>,
    ) -> Result<TransactWriteItem, BuildError> {
        let update = Update::builder().table_name(&self.store.sessions).set_key(Some(key(user_key, REGISTER_SK)));
        let update = match (register, change) {
            (None, UserChange::Password(_) | UserChange::Enabled) => {
                let absent = ConditionCheck::builder()
                    .table_name(&self.store.sessions)
                    .set_key(Some(key(user_key, REGISTER_SK)))
                    .condition_expression(ABSENT);
                return Ok(TransactWriteItem::builder().condition_check(absent.build()?).build());
            }
            (None, UserChange::Disabled(at)) => update
                .update_expression(format!("SET version = :one, last_login_id = :no_login, #schema = :one, {BLOCKED_AT} = :at"))
                .condition_expression(ABSENT)
                .expression_attribute_names("#schema", "schema")
                .expression_attribute_values(":one", number(1))
                .expression_attribute_values(":no_login", text(LoginId::of_no_login(user_key).as_str()))
                .expression_attribute_values(":at", time(*at)),
            (Some(register), change) => {
                let update = update
                    .condition_expression("version = :version")
                    .expression_attribute_values(":version", number(register.version))
                    .expression_attribute_values(":next", number(register.version + 1));
                match change {
                    UserChange::Password(_) => update.update_expression("SET version = :next"),
                    UserChange::Enabled => update.update_expression(format!("SET version = :next REMOVE {BLOCKED_AT}")),
                    UserChange::Disabled(at) => update
                        .update_expression(format!("SET version = :next, {BLOCKED_AT} = :at"))
                        .expression_attribute_values(":at", time(*at)),
                }
            }
        };
        Ok(TransactWriteItem::builder().update(update.build()?).build())
    }
}

const ABSENT: &str = "attribute_not_exists(sk)";

fn password(update: UpdateBuilder, hash: &PasswordHash) -> UpdateBuilder {
    update.expression_attribute_names("#changed", "password_hash").expression_attribute_values(":changed", text(hash.as_str()))
}

fn status(update: UpdateBuilder, status: UserStatus) -> UpdateBuilder {
    update.expression_attribute_names("#changed", "status").expression_attribute_values(":changed", text(status.name()))
}
