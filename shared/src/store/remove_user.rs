//! Removing what the sessions table keeps about a user.

use super::{Item, Store, StoreError, error::failure, items::text};
use crate::ids::UserKey;

impl Store {
    /// Deletes every item of the user: register, logins, sessions and aliases.
    ///
    /// # Errors
    /// [`StoreError`]; some may have been deleted.
    pub async fn delete_items_of(&self, user: &UserKey) -> Result<(), StoreError> {
        for key in self.keys_of(user).await? {
            let delete = self.client.delete_item().table_name(&self.sessions).set_key(Some(key));
            delete.send().await.map_err(|error| failure("DeleteItem", &error))?;
        }
        Ok(())
    }

    async fn keys_of(&self, user: &UserKey) -> Result<Vec<Item>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.sessions)
            .consistent_read(true)
            .projection_expression("user_key, sk")
            .key_condition_expression("user_key = :user_key")
            .expression_attribute_values(":user_key", text(user.as_str()));
        let mut pages = query.into_paginator().items().send();
        let mut keys = Vec::new();
        while let Some(key) = pages.next().await {
            keys.push(key.map_err(|error| failure("Query", &error))?);
        }
        Ok(keys)
    }
}
