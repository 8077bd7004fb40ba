//! The users table.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{Delete, TransactWriteItem};

use super::{
    StoreError,
    batch::read_batch,
    error::{condition_failed, failure},
    items::{Item, ItemError, Reader, number, text, time},
    name_claim::is_name_claim,
    transaction::{Commit, transact},
};
use crate::{
    dynamodb::{Ask as _, DynamoDb, Unheard},
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
    dynamodb: DynamoDb,
    pub(super) table: String,
}

impl Users {
    /// The users over `dynamodb`, in the table named `table`.
    pub fn new(dynamodb: impl Into<DynamoDb>, table: impl Into<String>) -> Self {
        Self { dynamodb: dynamodb.into(), table: table.into() }
    }

    /// The user with this name, read strongly.
    ///
    /// # Errors
    /// [`StoreError`]; an outage is never "no such user".
    pub async fn read_user(&self, username: &Username) -> Result<Option<User>, StoreError> {
        Ok(self.read_row(user_key(username)).await?.as_ref().map(read_user).transpose()?)
    }

    /// The users with these names, read strongly in one call: at most 100. A user who can't be read is the error of their name alone.
    ///
    /// # Errors
    /// [`StoreError`], also if DynamoDB left a part out; an outage is never "no such user".
    pub async fn read_users(&self, usernames: &[&Username]) -> Result<Vec<Result<Option<User>, ItemError>>, StoreError> {
        let keys = usernames.iter().map(|username| user_key(username)).collect();
        let found = read_batch(&self.dynamodb, &self.table, keys).await?;
        let found: HashMap<_, _> = found.iter().map(|item| (name_in(item), item)).collect();
        let user = |username: &&Username| found.get(username.as_str()).map(|item| read_user(item)).transpose();
        Ok(usernames.iter().map(user).collect())
    }

    pub(super) async fn read_row(&self, key: Item) -> Result<Option<Item>, StoreError> {
        let read = self.dynamodb.get_item().table_name(&self.table).set_key(Some(key)).consistent_read(true);
        Ok(read.ask(&self.dynamodb).await.map_err(|error| failure("GetItem", &error))?.item)
    }

    /// Replaces the hash of an unchanged password by one with the current parameters. The version stays: logins that
    /// are under way were verified against the same password. A user changed meanwhile keeps the change. Of two logins that replace the
    /// same hash one wins, and the other needs nothing more. `false` where the user isn't as it was read.
    ///
    /// # Errors
    /// [`StoreError`], for the log; the next login tries again.
    pub async fn replace_password_hash(&self, user: &User, hash: &PasswordHash) -> Result<bool, StoreError> {
        let replaced = self
            .dynamodb
            .update_item()
            .table_name(&self.table)
            .set_key(Some(user_key(&user.username)))
            .update_expression("SET password_hash = :new")
            .condition_expression("version = :version AND #status = :status AND password_hash = :old")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":status", text(user.status.name()))
            .expression_attribute_values(":new", text(hash.as_str()))
            .expression_attribute_values(":old", text(user.password_hash.as_str()))
            .expression_attribute_values(":version", number(user.version))
            .ask(&self.dynamodb)
            .await;
        match replaced {
            Ok(_) => Ok(true),
            Err(error) if condition_failed(&error) => Ok(false),
            Err(error) => Err(failure("UpdateItem", &error)),
        }
    }

    /// One page of the users, in no order and eventually consistent, at most `limit` of them or as many as 1 MB holds. `after` is the `next` of the page before.
    ///
    /// # Errors
    /// [`StoreError`]; an outage is never the end. A row that can't be read is part of the page.
    pub async fn page_of_users(&self, after: Option<&str>, limit: Option<i32>) -> Result<UsersPage, StoreError> {
        let from = after.map(|name| [("username".to_owned(), text(name))].into());
        let scan = self.dynamodb.scan().table_name(&self.table).set_limit(limit).set_exclusive_start_key(from);
        let output = scan.ask(&self.dynamodb).await.map_err(|error| failure("Scan", &error))?;
        let mut page = UsersPage { next: output.last_evaluated_key().map(name_in), ..UsersPage::default() };
        for item in output.items().iter().filter(|item| !is_name_claim(item)) {
            match read_user(item) {
                Ok(user) if user.password_hash.is_unreadable() => {
                    let error = ItemError { item: "user", attribute: "password_hash", problem: "is of no form that a login verifies" };
                    page.unreadable.push(UnreadableUser { username: name_in(item), error });
                }
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
        if let Some(release) = self.release(&user.username)? {
            return self.delete_user_and(user, release).await;
        }
        let unheard = Unheard::default();
        let deleted = self
            .dynamodb
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(user_key(&user.username)))
            .condition_expression("version = :version")
            .expression_attribute_values(":version", number(user.version))
            .ask_noting(&self.dynamodb, &unheard)
            .await;
        match deleted {
            Ok(_) => Ok(()),
            // There is no user any more: this call deleted them, and the answer was lost.
            Err(error) if condition_failed(&error) && unheard.any() && self.read_user(&user.username).await?.is_none() => Ok(()),
            Err(error) => Err(failure("DeleteItem", &error)),
        }
    }

    async fn delete_user_and(&self, user: &User, release: TransactWriteItem) -> Result<(), StoreError> {
        let delete = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(user_key(&user.username)))
            .condition_expression("version = :version")
            .expression_attribute_values(":version", number(user.version))
            .build()?;
        let items = vec![TransactWriteItem::builder().delete(delete).build(), release];
        let done = transact(&self.dynamodb, items).await? == Commit::Done || self.read_user(&user.username).await?.is_none();
        let changed = || StoreError::Unavailable { operation: "TransactWriteItems", code: "the user was changed meanwhile".into() };
        done.then_some(()).ok_or_else(changed)
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
        password_hash: read.parsed("password_hash", |hash| Some(PasswordHash::stored(hash.to_owned())))?,
        status: read.parsed("status", |status| match status {
            "active" => Some(UserStatus::Active),
            "disabled" => Some(UserStatus::Disabled),
            _ => None,
        })?,
        version: read.number("version")?,
        created_at: read.time("created_at")?,
    })
}
