//! Attributes: the user's in the register, and the copy that each login has.

use aws_sdk_dynamodb::{
    error::BuildError,
    operation::update_item::UpdateItemError,
    types::{ConditionCheck, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update},
};
use chrono::{DateTime, Utc};

use super::{
    Attempt, Commit, LoginsCursor, Store, StoreError,
    error::{condition_failed, failure, in_conflict},
    items::{
        ATTRIBUTES, ATTRIBUTES_PENDING, HAS_ATTRIBUTES, OWN, REGISTER_SK, Reader, USERS, attributes_item, attributes_key, key, login_key,
        map, number, read_register,
    },
    transaction::transact,
};
use crate::{
    dynamodb::Ask as _,
    ids::{LoginId, LoginKey, UserKey},
    model::{Attributes, LoginAttributes, Register},
};

/// What a write to a login's copy found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copied {
    /// The copy is this one, or a newer one.
    Current,
    /// The login has no item of attributes.
    Absent,
}

impl Store {
    /// Writes the user's attributes into the register, moves it, and returns it. A user without a register gets one.
    ///
    /// # Errors
    /// [`StoreError`]; whether the register has them is not known then.
    pub async fn set_attributes(&self, user_key: &UserKey, attributes: &Attributes) -> Result<Attempt<Register>, StoreError> {
        let set = format!("{ATTRIBUTES} = :attributes, {ATTRIBUTES_PENDING} = if_not_exists(version, :none) + :one");
        Ok(match self.change_register(user_key, &set, (":attributes", map(attributes))).await? {
            Attempt::Done(item) => Attempt::Done(read_register(&item)?),
            Attempt::Conflict => Attempt::Conflict,
        })
    }

    /// Every login has the attributes of this change. A newer change stays pending.
    ///
    /// # Errors
    /// [`StoreError`]; the change may still be pending.
    pub async fn attributes_finished(&self, user_key: &UserKey, pending: u64) -> Result<Attempt<()>, StoreError> {
        let update = self
            .dynamodb
            .update_item()
            .table_name(&self.sessions)
            .set_key(Some(key(user_key, REGISTER_SK)))
            .update_expression(format!("REMOVE {ATTRIBUTES_PENDING}"))
            .condition_expression(format!("{ATTRIBUTES_PENDING} = :pending"))
            .expression_attribute_values(":pending", number(pending));
        match update.ask(&self.dynamodb).await {
            Ok(_) => Ok(Attempt::Done(())),
            Err(error) if condition_failed(&error) => Ok(Attempt::Done(())),
            Err(error) if in_conflict(&error) => Ok(Attempt::Conflict),
            Err(error) => Err(failure("UpdateItem", &error)),
        }
    }

    /// Writes the register's attributes into a login's copy, if that is older: one write unit.
    ///
    /// # Errors
    /// [`StoreError`]; whether the copy has them is not known then.
    pub async fn copy_attributes(&self, key: &LoginKey, register: &Register) -> Result<Attempt<Copied>, StoreError> {
        let update = self
            .dynamodb
            .update_item()
            .table_name(&self.sessions)
            .set_key(Some(attributes_key(key)))
            .update_expression("SET #user = :user, version = :version")
            .condition_expression("version < :version")
            .expression_attribute_names("#user", USERS)
            .expression_attribute_values(":user", map(&register.attributes))
            .expression_attribute_values(":version", number(register.version))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match update.ask(&self.dynamodb).await {
            Ok(_) => Ok(Attempt::Done(Copied::Current)),
            Err(error) if in_conflict(&error) => Ok(Attempt::Conflict),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    let is_there = failed.item().is_some_and(|item| !item.is_empty());
                    Ok(Attempt::Done(if is_there { Copied::Current } else { Copied::Absent }))
                }
                _ => Err(failure("UpdateItem", &error)),
            },
        }
    }

    /// A login says from now on that it has attributes. Nothing if there is no such login.
    ///
    /// # Errors
    /// [`StoreError`]; whether the login says so is not known then.
    pub async fn announce_attributes(&self, key: &LoginKey) -> Result<Attempt<()>, StoreError> {
        let update = self
            .dynamodb
            .update_item()
            .table_name(&self.sessions)
            .set_key(Some(login_key(key)))
            .update_expression(format!("SET {HAS_ATTRIBUTES} = :yes"))
            .condition_expression("attribute_exists(sk)")
            .expression_attribute_values(":yes", aws_sdk_dynamodb::types::AttributeValue::Bool(true));
        match update.ask(&self.dynamodb).await {
            Ok(_) => Ok(Attempt::Done(())),
            Err(error) if condition_failed(&error) => Ok(Attempt::Done(())),
            Err(error) if in_conflict(&error) => Ok(Attempt::Conflict),
            Err(error) => Err(failure("UpdateItem", &error)),
        }
    }

    /// Gives a login the item that it doesn't have, all or nothing: the login announces it.
    ///
    /// # Errors
    /// [`StoreError`] where nothing was written. What may have been written is [`Commit::ReadAgain`].
    pub async fn add_attributes(&self, key: &LoginKey, attributes: &LoginAttributes) -> Result<Commit, StoreError> {
        transact(&self.dynamodb, self.addition_items(key, attributes)?).await
    }

    fn addition_items(&self, key: &LoginKey, attributes: &LoginAttributes) -> Result<Vec<TransactWriteItem>, BuildError> {
        let announce = Update::builder()
            .table_name(&self.sessions)
            .set_key(Some(login_key(key)))
            .update_expression(format!("SET {HAS_ATTRIBUTES} = :yes"))
            // An update without it would bring an ended login back.
            .condition_expression("attribute_exists(sk)")
            .expression_attribute_values(":yes", aws_sdk_dynamodb::types::AttributeValue::Bool(true))
            .build()?;
        let put = Put::builder()
            .table_name(&self.sessions)
            .set_item(Some(attributes_item(key, attributes)))
            .condition_expression("attribute_not_exists(sk)")
            .build()?;
        Ok(vec![TransactWriteItem::builder().update(announce).build(), TransactWriteItem::builder().put(put).build()])
    }

    /// Whether the login is gone for certain. A read can't say so:
    ///
    /// 1. A login's transaction has written the register, and not yet its login.
    /// 2. A read doesn't see the login, and a change of the attributes passes it over.
    /// 3. The login is written, without the attributes.
    ///
    /// This transaction conflicts with that one, and is then sent again.
    ///
    /// # Errors
    /// [`StoreError`]; whether it is gone is not known then.
    pub async fn is_gone(&self, key: &LoginKey) -> Result<bool, StoreError> {
        let check = ConditionCheck::builder()
            .table_name(&self.sessions)
            .set_key(Some(login_key(key)))
            .condition_expression("attribute_not_exists(sk)")
            .build()?;
        Ok(transact(&self.dynamodb, vec![TransactWriteItem::builder().condition_check(check).build()]).await? == Commit::Done)
    }

    /// Changes a login's own attributes, if they are as they were read.
    ///
    /// # Errors
    /// [`StoreError`]; whether they were changed is not known then.
    pub async fn set_own_attributes(&self, key: &LoginKey, seen: &Attributes, own: &Attributes) -> Result<Attempt<()>, StoreError> {
        let update = self
            .dynamodb
            .update_item()
            .table_name(&self.sessions)
            .set_key(Some(attributes_key(key)))
            .update_expression("SET #own = :own")
            .condition_expression("#own = :seen")
            .expression_attribute_names("#own", OWN)
            .expression_attribute_values(":own", map(own))
            .expression_attribute_values(":seen", map(seen));
        match update.ask(&self.dynamodb).await {
            Ok(_) => Ok(Attempt::Done(())),
            Err(error) if condition_failed(&error) || in_conflict(&error) => Ok(Attempt::Conflict),
            Err(error) => Err(failure("UpdateItem", &error)),
        }
    }

    /// Keeps a login's attributes for longer, within a rotation.
    pub(super) fn keep_attributes(&self, key: &LoginKey, until: DateTime<Utc>) -> Result<TransactWriteItem, BuildError> {
        let keep = Update::builder()
            .table_name(&self.sessions)
            .set_key(Some(attributes_key(key)))
            .update_expression("SET #ttl = :ttl")
            .condition_expression("attribute_exists(sk)")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":ttl", number(until.timestamp()))
            .build()?;
        Ok(TransactWriteItem::builder().update(keep).build())
    }

    /// One page of a user's logins, each with whether it announces attributes, and where the next page begins.
    ///
    /// # Errors
    /// [`StoreError`]; an outage is never the end.
    pub async fn announced(
        &self,
        user_key: &UserKey,
        from: Option<LoginsCursor>,
    ) -> Result<(Vec<(LoginId, bool)>, Option<LoginsCursor>), StoreError> {
        let (items, next) = self.login_page(user_key, from, HAS_ATTRIBUTES).await?;
        let mut logins = Vec::new();
        for item in &items {
            let read = Reader { item, kind: "login" };
            logins.push((read.parsed("sk", |id| LoginId::parse(id).ok())?, item.contains_key(HAS_ATTRIBUTES)));
        }
        Ok((logins, next))
    }
}
