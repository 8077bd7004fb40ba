//! Removing what the sessions table keeps about a user.

use super::{
    Item, Store, StoreError,
    error::failure,
    items::{REGISTER_SK, key, text},
};
use crate::ids::UserKey;

impl Store {
    /// Deletes every item of the user but the register: logins, sessions and aliases.
    ///
    /// # Errors
    /// [`StoreError`]; some may have been deleted.
    pub async fn delete_logins_of(&self, user: &UserKey) -> Result<(), StoreError> {
        for key_ in self.keys_of(user).await? {
            if key_.get("sk") == Some(&text(REGISTER_SK)) {
                continue;
            }
            let delete = self.client.delete_item().table_name(&self.sessions).set_key(Some(key_));
            delete.send().await.map_err(|error| failure("DeleteItem", &error))?;
        }
        Ok(())
    }

    /// Deletes the register. Only of a user whom no request in flight can have read: a register must not return to an earlier value.
    ///
    /// # Errors
    /// [`StoreError`]; it may have been deleted.
    pub async fn delete_register(&self, user: &UserKey) -> Result<(), StoreError> {
        let delete = self.client.delete_item().table_name(&self.sessions).set_key(Some(key(user, REGISTER_SK)));
        delete.send().await.map(|_| ()).map_err(|error| failure("DeleteItem", &error))
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
