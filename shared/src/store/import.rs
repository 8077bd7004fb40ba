//! Importing several rows at once: one read and one transaction for the sessions of many users, or for many users.
//!
//! Each row is written by the same items under the same conditions as alone, and no item is in two rows. So a
//! transaction of several is the conjunction of what each would be alone: it commits if each of them would, and each then stands as if
//! it had been written alone.

use std::collections::HashMap;

use super::{
    ItemError, RowWrite, RowsCommit, Store, StoreError,
    batch::read_batch,
    items::{Item, REGISTER_SK, Reader, alias_sk, key, read_register},
    transaction::transact_rows,
};
use crate::{
    ids::LoginKey,
    model::{LoginCreation, NewLogin, UserLogins},
};

/// How many keys DynamoDB reads in one call.
const KEYS_AT_MOST: usize = 100;

impl Store {
    /// What the imports of these logins are decided by: for each its user's register, and whether it was imported before. Its login and
    /// session aren't read. If they are there without the alias, the write's conditions find them.
    ///
    /// # Errors
    /// [`StoreError`], also if DynamoDB left a part out. A register that can't be read is the error of its login alone.
    pub async fn read_before_imports(&self, keys: &[&LoginKey]) -> Result<Vec<Result<UserLogins, ItemError>>, StoreError> {
        let mut found = HashMap::new();
        for some in keys.chunks(KEYS_AT_MOST / 2) {
            let keys = some.iter().flat_map(|key| [register_of(key), alias_of(key)]).collect();
            for item in read_batch(&self.dynamodb, &self.sessions, keys).await? {
                let read = Reader { item: &item, kind: "register" };
                let at = (read.text("user_key")?.to_owned(), read.text("sk")?.to_owned());
                found.insert(at, item);
            }
        }
        Ok(keys.iter().map(|key| seen(key, &found)).collect())
    }

    /// What one of several imports writes.
    ///
    /// # Errors
    /// [`StoreError`]
    pub fn row_of_import(&self, new: &NewLogin, creation: &LoginCreation) -> Result<RowWrite, StoreError> {
        Ok(RowWrite::new(self.import_items(new, creation)?))
    }

    /// Writes rows of different users, all or nothing, under the conditions of each.
    ///
    /// # Errors
    /// [`StoreError`] where nothing was written, and no row is the cause.
    pub async fn write_rows(&self, rows: Vec<RowWrite>) -> Result<RowsCommit, StoreError> {
        transact_rows(&self.dynamodb, rows).await
    }
}

fn register_of(login: &LoginKey) -> Item {
    key(&login.user_key, REGISTER_SK)
}

fn alias_of(login: &LoginKey) -> Item {
    key(&login.user_key, alias_sk(&login.login_id))
}

fn seen(login: &LoginKey, found: &HashMap<(String, String), Item>) -> Result<UserLogins, ItemError> {
    let at = |sk: String| found.get(&(login.user_key.as_str().to_owned(), sk));
    let register = at(REGISTER_SK.to_owned()).map(read_register).transpose()?;
    let aliases = at(alias_sk(&login.login_id)).map(|_| login.login_id.clone()).into_iter().collect();
    Ok(UserLogins { register, aliases, ..UserLogins::default() })
}
