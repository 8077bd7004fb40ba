//! The users table.

use aws_sdk_dynamodb::Client;

use super::{
    StoreError,
    error::{condition_failed, failure},
    items::{Item, ItemError, Reader, number, text, time},
    unheard::Unheard,
};
use crate::{
    model::{User, UserStatus},
    password::PasswordHash,
    username::Username,
};

/// A page of the users table.
#[derive(Debug, Clone, Default)]
pub struct UsersPage {
    /// The users.
    pub users: Vec<User>,
    /// The rows that aren't in the form that Latchkey writes.
    pub unreadable: Vec<UnreadableUser>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<String>,
}

/// A row of the users table that can't be read.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the user {username:?} can't be read: {error}")]
pub struct UnreadableUser {
    /// Its key.
    pub username: String,
    /// What is wrong with it.
    pub error: ItemError,
}

/// The users table.
#[derive(Debug, Clone)]
pub struct Users {
    client: Client,
    pub(super) table: String,
}

impl Users {
    /// The users over `client`, in the table named `table`.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    /// The user with this name, read strongly.
    ///
    /// # Errors
    /// [`StoreError`]; an outage is never "no such user".
    pub async fn read_user(&self, username: &Username) -> Result<Option<User>, StoreError> {
        let output = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(user_key(username)))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| failure("GetItem", &error))?;
        Ok(output.item().map(read_user).transpose()?)
    }

    /// Replaces the hash of an unchanged password by one with the current parameters. The version stays: logins that
    /// are under way were verified against the same password. A user changed meanwhile keeps the change.
    ///
    /// # Errors
    /// [`StoreError`], for the log; the next login tries again.
    pub async fn replace_password_hash(&self, user: &User, hash: &PasswordHash) -> Result<(), StoreError> {
        let replaced = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(user_key(&user.username)))
            .update_expression("SET password_hash = :new")
            .condition_expression("version = :version AND password_hash = :old")
            .expression_attribute_values(":new", text(hash.as_str()))
            .expression_attribute_values(":old", text(user.password_hash.as_str()))
            .expression_attribute_values(":version", number(user.version))
            .send()
            .await;
        match replaced {
            Ok(_) => Ok(()),
            Err(error) if condition_failed(&error) => Ok(()),
            Err(error) => Err(failure("UpdateItem", &error)),
        }
    }

    /// One page of the users, in no order and eventually consistent, at most `limit` of them or as many as 1 MB holds. `after` is the `next` of the page before.
    ///
    /// # Errors
    /// [`StoreError`]; an outage is never the end. A row that can't be read is part of the page.
    pub async fn page_of_users(&self, after: Option<&str>, limit: Option<i32>) -> Result<UsersPage, StoreError> {
        let from = after.map(|name| [("username".to_owned(), text(name))].into());
        let scan = self.client.scan().table_name(&self.table).set_limit(limit).set_exclusive_start_key(from);
        let output = scan.send().await.map_err(|error| failure("Scan", &error))?;
        let mut page = UsersPage { next: output.last_evaluated_key().map(name_in), ..UsersPage::default() };
        for item in output.items() {
            match read_user(item) {
                Ok(user) => page.users.push(user),
                Err(error) => page.unreadable.push(UnreadableUser { username: name_in(item), error }),
            }
        }
        Ok(page)
    }

    /// Deletes the user, if it is still as it was read.
    ///
    /// # Errors
    /// [`StoreError`], also where the user has been changed meanwhile.
    pub async fn delete_user(&self, user: &User) -> Result<(), StoreError> {
        let unheard = Unheard::default();
        let deleted = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(user_key(&user.username)))
            .condition_expression("version = :version")
            .expression_attribute_values(":version", number(user.version))
            .customize()
            .interceptor(unheard.clone())
            .send()
            .await;
        match deleted {
            Ok(_) => Ok(()),
            // There is no user any more: this call deleted them, and the answer was lost.
            Err(error) if condition_failed(&error) && unheard.any() && self.read_user(&user.username).await?.is_none() => Ok(()),
            Err(error) => Err(failure("DeleteItem", &error)),
        }
    }
}

/// The key of any row, which is all that an unreadable one has for certain.
fn name_in(item: &Item) -> String {
    item.get("username").and_then(|name| name.as_s().ok()).cloned().unwrap_or_default()
}

pub(super) fn user_key(username: &Username) -> Item {
    [("username".into(), text(username.as_str()))].into()
}

/// Writes a user as an item.
#[must_use]
pub fn user_item(user: &User) -> Item {
    let mut item = user_key(&user.username);
    item.insert("schema".into(), number(1));
    item.insert("user_id".into(), text(&user.user_id));
    item.insert("password_hash".into(), text(user.password_hash.as_str()));
    item.insert("status".into(), text(user.status.name()));
    item.insert("version".into(), number(user.version));
    item.insert("created_at".into(), time(user.created_at));
    item
}

/// Reads an item of the users table.
///
/// # Errors
/// [`ItemError`] names the first attribute that is not as it was written.
pub fn read_user(item: &Item) -> Result<User, ItemError> {
    let read = Reader { item, kind: "user" };
    read.check_schema()?;
    Ok(User {
        username: read.parsed("username", |name| Username::parse(name).ok().filter(|read| read.as_str() == name))?,
        user_id: read.parsed("user_id", |id| (id.len() <= crate::ids::USER_ID_MAX_BYTES).then(|| id.to_owned()))?,
        password_hash: read.parsed("password_hash", |hash| PasswordHash::parse(hash.to_owned()).ok())?,
        status: read.parsed("status", |status| match status {
            "active" => Some(UserStatus::Active),
            "disabled" => Some(UserStatus::Disabled),
            _ => None,
        })?,
        version: read.number("version")?,
        created_at: read.time("created_at")?,
    })
}
