//! Changing a register without having read it.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};

use super::{
    Attempt, Store, StoreError,
    error::{failure, in_conflict},
    items::{IF_NEW, Item, REGISTER_SK, key, number, text},
};
use crate::{
    dynamodb::Ask as _,
    ids::{LoginId, UserKey},
};

impl Store {
    /// Does `set`, an update expression with `value` in it, to the register, moves it, and returns it. A user without a register gets one.
    /// A login that read the register before can't commit any more.
    pub(super) async fn change_register(
        &self,
        user_key: &UserKey,
        set: &str,
        value: (&str, AttributeValue),
    ) -> Result<Attempt<Item>, StoreError> {
        let update = self
            .dynamodb
            .update_item()
            .table_name(&self.sessions)
            .set_key(Some(key(user_key, REGISTER_SK)))
            .update_expression(format!("SET version = if_not_exists(version, :none) + :one, {set}, {IF_NEW}"))
            .expression_attribute_names("#schema", "schema")
            .expression_attribute_values(":none", number(0))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(value.0, value.1)
            .expression_attribute_values(":no_login", text(LoginId::of_no_login(user_key).as_str()))
            .return_values(ReturnValue::AllNew);
        match update.ask(&self.dynamodb).await {
            Ok(output) => Ok(Attempt::Done(output.attributes.unwrap_or_default())),
            Err(error) if in_conflict(&error) => Ok(Attempt::Conflict),
            Err(error) => Err(failure("UpdateItem", &error)),
        }
    }
}
