//! A user's logins, and making a new one.

use aws_sdk_dynamodb::{
    error::BuildError,
    types::{ConditionCheck, Delete, Put, TransactWriteItem, Update},
};

use super::{
    Accounts, Commit, Store, StoreError,
    error::failure,
    items::{Item, REGISTER_SK, StoredItem, alias_item, key, login_item, login_key, number, read_item, session_item, text},
    transaction::transact,
    users::user_key,
};
use crate::{
    ids::{LoginId, LoginKey, UserKey},
    model::{Login, LoginCreation, NewLogin, Register, User, UserLogins},
};

impl Store {
    /// Reads a user's register, logins and sessions, in this order.
    ///
    /// # Errors
    /// [`StoreError`]; an outage is never an empty collection.
    pub async fn read_user_logins(&self, user_key: &UserKey) -> Result<UserLogins, StoreError> {
        let mut seen = UserLogins::default();
        let mut from: Option<Item> = None;
        loop {
            let page = self
                .client
                .query()
                .table_name(&self.sessions)
                .consistent_read(true)
                .key_condition_expression("user_key = :user_key")
                .expression_attribute_values(":user_key", text(user_key.as_str()))
                .set_exclusive_start_key(from)
                .send()
                .await
                .map_err(|error| failure("Query", &error))?;
            for item in page.items() {
                match read_item(item)? {
                    StoredItem::Register { register, .. } => seen.register = Some(register),
                    StoredItem::Session(session) => drop(seen.sessions.insert((session.key.login_id, session.generation))),
                    StoredItem::Alias(login_id) => drop(seen.aliases.insert(login_id)),
                    StoredItem::Login(login) => drop(seen.logins.insert(login.key.login_id.clone(), *login)),
                }
            }
            match page.last_evaluated_key {
                Some(last) if !last.is_empty() => from = Some(last),
                _ => return Ok(seen),
            }
        }
    }
}

impl Accounts {
    /// Makes a login, all or nothing, if the user, the register and the previous login are still as they were read.
    ///
    /// # Errors
    /// [`StoreError`] where nothing was written. What may have been written is [`Commit::ReadAgain`].
    pub async fn create_login(&self, user: &User, new: &NewLogin, creation: &LoginCreation) -> Result<Commit, StoreError> {
        transact(&self.store.client, self.creation_items(user, new, creation)?).await
    }

    fn creation_items(&self, user: &User, new: &NewLogin, creation: &LoginCreation) -> Result<Vec<TransactWriteItem>, BuildError> {
        let mut items = self.store.login_items(new, creation)?;
        items.insert(1, self.check_user(user)?);
        Ok(items)
    }

    /// A password change or a disabling in between moves the version: a login with the old password doesn't come to be.
    fn check_user(&self, user: &User) -> Result<TransactWriteItem, BuildError> {
        let check = ConditionCheck::builder()
            .table_name(&self.users.table)
            .set_key(Some(user_key(&user.username)))
            .condition_expression("version = :version AND #status = :active")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":version", number(user.version))
            .expression_attribute_values(":active", text("active"))
            .build()?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }
}

impl Store {
    /// The same where no users item is involved: the caller has authenticated the user.
    ///
    /// # Errors
    /// [`StoreError`] where nothing was written. What may have been written is [`Commit::ReadAgain`].
    pub async fn create_login(&self, new: &NewLogin, creation: &LoginCreation) -> Result<Commit, StoreError> {
        transact(&self.client, self.login_items(new, creation)?).await
    }

    /// Makes a login of imported tokens, all or nothing, if the register and the previous login are still as they were read.
    ///
    /// # Errors
    /// [`StoreError`] where nothing was written. What may have been written is [`Commit::ReadAgain`].
    pub async fn create_imported(&self, new: &NewLogin, creation: &LoginCreation) -> Result<Commit, StoreError> {
        transact(&self.client, self.import_items(new, creation)?).await
    }

    fn import_items(&self, new: &NewLogin, creation: &LoginCreation) -> Result<Vec<TransactWriteItem>, BuildError> {
        let mut items = self.login_items(new, creation)?;
        if let Some(imported) = &new.login.imported {
            items.push(self.put_absent(alias_item(&new.login.key, &new.login.user_id, imported))?);
        }
        Ok(items)
    }

    /// What makes a login in the sessions table: the register moves on, the login and its session come, those that make room
    /// go.
    fn login_items(&self, new: &NewLogin, creation: &LoginCreation) -> Result<Vec<TransactWriteItem>, BuildError> {
        let mut items = vec![
            self.advance_register(&new.login, creation.register.as_ref())?,
            self.put_absent(login_item(&new.login))?,
            self.put_absent(session_item(&new.session))?,
        ];
        let predecessor = creation.register.as_ref().map(|register| &register.last_login_id);
        if let Some(login_id) = predecessor.filter(|id| !creation.replaced.iter().any(|(key, _)| key.login_id == **id)) {
            items.push(self.check_predecessor(&new.login.key.user_key, login_id, creation.predecessor_seen)?);
        }
        for (key, _) in &creation.replaced {
            items.push(self.delete_replaced(key, predecessor == Some(&key.login_id))?);
        }
        Ok(items)
    }

    fn advance_register(&self, login: &Login, register: Option<&Register>) -> Result<TransactWriteItem, BuildError> {
        let update = Update::builder()
            .table_name(&self.sessions)
            .set_key(Some(key(&login.key.user_key, REGISTER_SK)))
            .update_expression("SET version = :next, last_login_id = :login_id, user_id = :user_id, #schema = :schema")
            .expression_attribute_names("#schema", "schema")
            .expression_attribute_values(":schema", number(1))
            .expression_attribute_values(":login_id", text(login.key.login_id.as_str()))
            .expression_attribute_values(":user_id", text(&login.user_id));
        let update = match register {
            None => update.expression_attribute_values(":next", number(1)).condition_expression("attribute_not_exists(sk)"),
            Some(register) => update
                .expression_attribute_values(":next", number(register.version + 1))
                .expression_attribute_values(":version", number(register.version))
                .condition_expression("version = :version"),
        };
        Ok(TransactWriteItem::builder().update(update.build()?).build())
    }

    /// Orders this login after its predecessor's end even while either is in mid-commit.
    fn check_predecessor(&self, user_key: &UserKey, login_id: &LoginId, seen: bool) -> Result<TransactWriteItem, BuildError> {
        let check = ConditionCheck::builder()
            .table_name(&self.sessions)
            .set_key(Some(key(user_key, login_id.as_str())))
            .condition_expression(if seen { "attribute_exists(sk)" } else { "attribute_not_exists(sk)" })
            .build()?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }

    fn put_absent(&self, item: Item) -> Result<TransactWriteItem, BuildError> {
        let put =
            Put::builder().table_name(&self.sessions).set_item(Some(item)).condition_expression("attribute_not_exists(sk)").build()?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    fn delete_replaced(&self, key: &LoginKey, is_predecessor: bool) -> Result<TransactWriteItem, BuildError> {
        let delete = Delete::builder()
            .table_name(&self.sessions)
            .set_key(Some(login_key(key)))
            .set_condition_expression(is_predecessor.then(|| "attribute_exists(sk)".to_owned()))
            .build()?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }
}
