//! Making a login.

use aws_sdk_dynamodb::{
    error::BuildError,
    types::{ConditionCheck, Delete, Put, TransactWriteItem, Update},
};

use super::{
    Accounts, Commit, Store, StoreError,
    items::{
        Item, REGISTER_SK, USERNAME, alias_item, attributes_item, device_item, key, login_item, login_key, number, session_item, text,
    },
    transaction::transact,
    users::user_key,
};
use crate::{
    ids::{LoginId, LoginKey, UserKey},
    model::{DeviceItem, Login, LoginCreation, NewLogin, User},
    username::Username,
};

impl Accounts {
    /// Makes a login, all or nothing, if the user, the register and the previous login are still as they were read.
    ///
    /// # Errors
    /// [`StoreError`] where nothing was written. What may have been written is [`Commit::ReadAgain`].
    pub async fn create_login(&self, user: &User, new: &NewLogin, creation: &LoginCreation) -> Result<Commit, StoreError> {
        transact(&self.store.dynamodb, self.creation_items(user, new, creation)?).await
    }

    fn creation_items(&self, user: &User, new: &NewLogin, creation: &LoginCreation) -> Result<Vec<TransactWriteItem>, BuildError> {
        let mut items = self.store.login_items(new, creation, Some(&user.username))?;
        items.insert(1, self.check_user(user)?);
        Ok(items)
    }

    /// A password change or a disabling in between moves the version, so a login with the old password isn't created.
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
        transact(&self.dynamodb, self.login_items(new, creation, None)?).await
    }

    /// Makes a login of imported tokens, all or nothing, if the register and the previous login are still as they were read.
    ///
    /// # Errors
    /// [`StoreError`] where nothing was written. What may have been written is [`Commit::ReadAgain`].
    pub async fn create_imported(&self, new: &NewLogin, creation: &LoginCreation) -> Result<Commit, StoreError> {
        transact(&self.dynamodb, self.import_items(new, creation)?).await
    }

    pub(super) fn import_items(&self, new: &NewLogin, creation: &LoginCreation) -> Result<Vec<TransactWriteItem>, BuildError> {
        let mut items = self.login_items(new, creation, None)?;
        if let Some(imported) = &new.login.imported {
            items.push(self.put_absent(alias_item(&new.login.key, &new.login.user_id, imported))?);
        }
        Ok(items)
    }

    /// What makes a login in the sessions table: the register moves on, the login and its session are put, the logins that make
    /// room are deleted.
    pub(super) fn login_items(
        &self,
        new: &NewLogin,
        creation: &LoginCreation,
        username: Option<&Username>,
    ) -> Result<Vec<TransactWriteItem>, BuildError> {
        let attributes = creation.attributes_of(new);
        let login = Login { has_attributes: attributes.is_some(), ..new.login.clone() };
        let mut items = vec![
            self.advance_register(&new.login, creation, username)?,
            self.put_absent(login_item(&login))?,
            self.put_absent(session_item(&new.session))?,
        ];
        if let Some(attributes) = attributes {
            items.push(self.put_absent(attributes_item(&new.login.key, &attributes))?);
        }
        let predecessor = creation.register.as_ref().map(|register| &register.last_login_id);
        // A register that was made without a login names none.
        let predecessor = predecessor.filter(|id| **id != LoginId::of_no_login(&new.login.key.user_key));
        if let Some(login_id) = predecessor.filter(|id| !creation.replaced.iter().any(|(key, _)| key.login_id == **id)) {
            items.push(self.check_predecessor(&new.login.key.user_key, login_id, creation.predecessor_seen)?);
        }
        for (key, _) in &creation.replaced {
            let is_predecessor = creation.predecessor_seen.is_some() && predecessor == Some(&key.login_id);
            let must_be_there = is_predecessor || creation.rests_on.as_ref() == Some(&key.login_id);
            items.push(self.delete_replaced(key, must_be_there)?);
        }
        if let Some(device_id) = &new.login.device.id {
            items.extend(self.name_on_device(&new.login, device_id, &creation.device)?);
        }
        Ok(items)
    }

    /// The register of a user who logs in by their name takes the name, if it has none: it may have been lost with the sessions
    /// table.
    fn advance_register(
        &self,
        login: &Login,
        creation: &LoginCreation,
        username: Option<&Username>,
    ) -> Result<TransactWriteItem, BuildError> {
        let named = if username.is_some() { format!(", {USERNAME} = if_not_exists({USERNAME}, :username)") } else { String::new() };
        let update = Update::builder()
            .table_name(&self.sessions)
            .set_key(Some(key(&login.key.user_key, REGISTER_SK)))
            .update_expression(format!(
                "SET version = :next, last_login_id = :login_id, logins_at_most = :at_most, user_id = :user_id, #schema = :schema{named}"
            ))
            .expression_attribute_names("#schema", "schema")
            .expression_attribute_values(":schema", number(1))
            .expression_attribute_values(":login_id", text(login.key.login_id.as_str()))
            .expression_attribute_values(":at_most", number(creation.logins_at_most))
            .expression_attribute_values(":user_id", text(&login.user_id));
        let update = match username {
            Some(username) => update.expression_attribute_values(":username", text(username.as_str())),
            None => update,
        };
        let update = match &creation.register {
            None => update.expression_attribute_values(":next", number(1)).condition_expression("attribute_not_exists(sk)"),
            Some(register) => update
                .expression_attribute_values(":next", number(register.version + 1))
                .expression_attribute_values(":version", number(register.version))
                .condition_expression("version = :version"),
        };
        Ok(TransactWriteItem::builder().update(update.build()?).build())
    }

    /// Orders this login after its predecessor, and after the predecessor's end, even while either is in mid-commit.
    fn check_predecessor(&self, user_key: &UserKey, login_id: &LoginId, seen: Option<bool>) -> Result<TransactWriteItem, BuildError> {
        let check = ConditionCheck::builder()
            .table_name(&self.sessions)
            .set_key(Some(key(user_key, login_id.as_str())))
            .condition_expression(match seen {
                Some(true) => "attribute_exists(sk)",
                Some(false) => "attribute_not_exists(sk)",
                // It always holds. But DynamoDB can't evaluate it while another transaction holds the item, so this one conflicts:
                //
                // 1. The predecessor's transaction has written the register, and not yet its login.
                // 2. This login builds on that register and commits. The register now names this login.
                // 3. "Log out everywhere" ends the login that the register names, and those that it reads. The predecessor isn't
                //    among them.
                // 4. The predecessor's login is written, and lives on.
                None => "attribute_exists(sk) OR attribute_not_exists(sk)",
            })
            .build()?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }

    /// The device's item names this login, if it is still as it was read: another login of the device may have come between.
    fn name_on_device(&self, login: &Login, device_id: &str, seen: &DeviceItem) -> Result<Option<TransactWriteItem>, BuildError> {
        let put = Put::builder().table_name(&self.sessions).set_item(Some(device_item(login, device_id)));
        let put = match seen {
            DeviceItem::Untouched => return Ok(None),
            DeviceItem::Absent => put.condition_expression("attribute_not_exists(sk)"),
            DeviceItem::Names(login_id) => {
                put.condition_expression("login_id = :named").expression_attribute_values(":named", text(login_id.as_str()))
            }
        };
        Ok(Some(TransactWriteItem::builder().put(put.build()?).build()))
    }

    fn put_absent(&self, item: Item) -> Result<TransactWriteItem, BuildError> {
        let put =
            Put::builder().table_name(&self.sessions).set_item(Some(item)).condition_expression("attribute_not_exists(sk)").build()?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    fn delete_replaced(&self, key: &LoginKey, must_be_there: bool) -> Result<TransactWriteItem, BuildError> {
        let delete = Delete::builder()
            .table_name(&self.sessions)
            .set_key(Some(login_key(key)))
            .set_condition_expression(must_be_there.then(|| "attribute_exists(sk)".to_owned()))
            .build()?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }
}
