//! Removing what the sessions table keeps about a user.

use super::{
    Item, Store, StoreError,
    error::failure,
    items::{REGISTER_SK, key, text},
};
use crate::{dynamodb::Ask as _, ids::UserKey};

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
            let delete = self.dynamodb.delete_item().table_name(&self.sessions).set_key(Some(key_));
            delete.ask(&self.dynamodb).await.map_err(|error| failure("DeleteItem", &error))?;
        }
        Ok(())
    }

    /// Deletes the register. Only of a user whom no request in flight can have read: a register must not return to an earlier value.
    ///
    /// # Errors
    /// [`StoreError`]; it may have been deleted.
    pub async fn delete_register(&self, user: &UserKey) -> Result<(), StoreError> {
        let delete = self.dynamodb.delete_item().table_name(&self.sessions).set_key(Some(key(user, REGISTER_SK)));
        delete.ask(&self.dynamodb).await.map(|_| ()).map_err(|error| failure("DeleteItem", &error))
    }

    async fn keys_of(&self, user: &UserKey) -> Result<Vec<Item>, StoreError> {
        let mut keys = Vec::new();
        let mut from = None;
        loop {
            let query = self
                .dynamodb
                .query()
                .table_name(&self.sessions)
                .consistent_read(true)
                .projection_expression("user_key, sk")
                .key_condition_expression("user_key = :user_key")
                .expression_attribute_values(":user_key", text(user.as_str()))
                .set_exclusive_start_key(from);
            let page = query.ask(&self.dynamodb).await.map_err(|error| failure("Query", &error))?;
            keys.extend(page.items.unwrap_or_default());
            from = page.last_evaluated_key.filter(|key| !key.is_empty());
            if from.is_none() {
                return Ok(keys);
            }
        }
    }
}
