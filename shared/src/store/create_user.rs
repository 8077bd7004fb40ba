//! Creating a user, whose id becomes theirs alone.

use aws_sdk_dynamodb::{
    error::BuildError,
    types::{Put, TransactWriteItem, Update},
};

use super::{
    Accounts, Commit, RowWrite, Store, StoreError,
    items::{BLOCKED_AT, IF_NEW, REGISTER_SK, Reader, USERNAME, key, number, text},
    transaction::transact,
    users::user_item,
};
use crate::{
    ids::{LoginId, UserKey},
    model::User,
};

/// Whose a user id is, as its register says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The name of the user with this id. Absent if no user of the users table has it, or none that Latchkey created.
    pub username: Option<String>,
    /// Whether the id is blocked.
    pub is_blocked: bool,
}

impl Accounts {
    /// Creates the user, if their name is free and looks like no other, and their id is free or theirs. The register takes the name in the same transaction,
    /// so a second user can't be created with the same id, and log in as the first.
    ///
    /// An id is free if its register has no name and no block. So is that of a user who has only imported sessions.
    ///
    /// # Errors
    /// [`StoreError`] where nothing was written. What may have been written is [`Commit::ReadAgain`].
    pub async fn create_user(&self, user: &User) -> Result<Commit, StoreError> {
        transact(&self.store.dynamodb, self.creation_of(user)?).await
    }

    /// What one of several users writes, as [`create_user`](Self::create_user) does.
    ///
    /// # Errors
    /// [`StoreError`]
    pub fn row_of_user(&self, user: &User) -> Result<RowWrite, StoreError> {
        Ok(RowWrite::new(self.creation_of(user)?))
    }

    fn creation_of(&self, user: &User) -> Result<Vec<TransactWriteItem>, BuildError> {
        let put = Put::builder()
            .table_name(&self.users.table)
            .set_item(Some(user_item(user)))
            .condition_expression("attribute_not_exists(username)")
            .build()?;
        let mut items = vec![TransactWriteItem::builder().put(put).build(), self.take_id(user)?];
        items.extend(self.users.claim(&user.username)?);
        Ok(items)
    }

    fn take_id(&self, user: &User) -> Result<TransactWriteItem, BuildError> {
        let user_key = UserKey::of(&user.user_id);
        let update = Update::builder()
            .table_name(&self.store.sessions)
            .set_key(Some(key(&user_key, REGISTER_SK)))
            .update_expression(format!("SET {USERNAME} = :username, user_id = :user_id, version = if_not_exists(version, :one), {IF_NEW}"))
            .condition_expression(format!(
                "attribute_not_exists({BLOCKED_AT}) AND (attribute_not_exists({USERNAME}) OR {USERNAME} = :username)"
            ))
            .expression_attribute_names("#schema", "schema")
            .expression_attribute_values(":username", text(user.username.as_str()))
            .expression_attribute_values(":user_id", text(&user.user_id))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":no_login", text(LoginId::of_no_login(&user_key).as_str()));
        Ok(TransactWriteItem::builder().update(update.build()?).build())
    }
}

impl Store {
    /// Whose the user id of this key is. `None` if it has no register.
    ///
    /// # Errors
    /// [`StoreError`]; an outage is never "free".
    pub async fn read_owner(&self, user_key: &UserKey) -> Result<Option<Owner>, StoreError> {
        let Some(item) = self.read_item_at(key(user_key, REGISTER_SK)).await? else { return Ok(None) };
        let read = Reader { item: &item, kind: "register" };
        read.check_schema()?;
        let username = read.optional_text(USERNAME)?.map(str::to_owned);
        Ok(Some(Owner { username, is_blocked: read.optional_time(BLOCKED_AT)?.is_some() }))
    }
}
