//! Removing a user, with all that is kept about them.

use super::{
    Accounts, Item, StoreError, UserChange,
    accounts::user_key,
    error::failure,
    items::{number, text},
};
use crate::{
    ids::UserKey,
    model::{User, UserStatus},
    username::Username,
};

impl Accounts {
    /// Disables the user, which ends every login and lets none that is under way come to be; then removes what the sessions
    /// table holds of them, and at last the user. Gives whom it removed, and none where there is no such user. What was
    /// counted of login attempts goes by its `ttl`: its keys are hashes.
    ///
    /// # Errors
    /// [`StoreError`]. The user is disabled then, or as before; do it again, until it succeeds.
    pub async fn remove_user(&self, username: &Username) -> Result<Option<User>, StoreError> {
        let disabling = UserChange::Status(UserStatus::Disabled);
        let Some((user, _)) = self.change_user(username, &disabling).await? else { return Ok(None) };
        let of_user = UserKey::of(&user.user_id);
        for key in self.keys_of(&of_user).await? {
            let delete = self.store.client.delete_item().table_name(&self.store.sessions).set_key(Some(key));
            delete.send().await.map_err(|error| failure("DeleteItem", &error))?;
        }
        self.store
            .client
            .delete_item()
            .table_name(&self.users)
            .set_key(Some(user_key(&user.username)))
            .condition_expression("version = :version")
            .expression_attribute_values(":version", number(user.version))
            .send()
            .await
            .map_err(|error| failure("DeleteItem", &error))?;
        Ok(Some(user))
    }

    async fn keys_of(&self, of_user: &UserKey) -> Result<Vec<Item>, StoreError> {
        let query = self
            .store
            .client
            .query()
            .table_name(&self.store.sessions)
            .consistent_read(true)
            .projection_expression("user_key, sk")
            .key_condition_expression("user_key = :user_key")
            .expression_attribute_values(":user_key", text(of_user.as_str()));
        let mut pages = query.into_paginator().items().send();
        let mut keys = Vec::new();
        while let Some(key) = pages.next().await {
            keys.push(key.map_err(|error| failure("Query", &error))?);
        }
        Ok(keys)
    }
}
