//! The one read that a decision needs.

use super::{
    Store, StoreError,
    error::failure,
    items::{Reader, SortKey, read_attributes, read_login, read_session, text},
};
use crate::{dynamodb::Ask as _, ids::LoginKey, model::LoginState};

impl Store {
    /// What the table says of one login: its item and its session, in one strongly consistent query of one read unit.
    ///
    /// # Errors
    /// [`StoreError`]; an outage is never an empty state.
    pub async fn read_login(&self, key: &LoginKey) -> Result<LoginState, StoreError> {
        let output = self
            .dynamodb
            .query()
            .table_name(&self.sessions)
            .consistent_read(true)
            .key_condition_expression("user_key = :user_key AND begins_with(sk, :login_id)")
            .expression_attribute_values(":user_key", text(key.user_key.as_str()))
            .expression_attribute_values(":login_id", text(key.login_id.as_str()))
            .ask(&self.dynamodb)
            .await
            .map_err(|error| failure("Query", &error))?;

        // But for the moment of a rotation there is one session, and a block for four would be large to the allocator.
        let mut state = LoginState { login: None, sessions: Vec::with_capacity(1), attributes: None };
        for item in output.items() {
            match SortKey::of((Reader { item, kind: "session or login" }).text("sk")?) {
                SortKey::Session => state.sessions.push(read_session(item)?),
                SortKey::Login => state.login = Some(read_login(item)?),
                SortKey::Attributes => state.attributes = Some(Box::new(read_attributes(item)?)),
                SortKey::Alias(_) | SortKey::Register | SortKey::Device | SortKey::Unknown => {}
            }
        }
        Ok(state)
    }
}
