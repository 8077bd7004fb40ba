//! Reading what the sessions table says of one person.

use std::collections::BTreeMap;

use super::{
    Item, Store, StoreError,
    items::{Reader, SortKey, USERNAME, read_login, read_register},
    logins::{page, without_sessions},
};
use crate::{
    ids::{LoginId, UserKey},
    model::{Login, Register},
};

/// What the sessions table says of one person, without their sessions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Person {
    /// Absent for an id that Latchkey doesn't know.
    pub register: Option<Register>,
    /// Their id, unless they were removed.
    pub user_id: Option<String>,
    /// The name of the user with this id, if there is one.
    pub username: Option<String>,
    /// Their logins, live or not.
    pub logins: BTreeMap<LoginId, Login>,
}

impl Store {
    /// Reads a person by one query, the register first. It is strongly consistent.
    ///
    /// # Errors
    /// [`StoreError`]; an outage is never "nothing there".
    pub async fn read_person(&self, user_key: &UserKey) -> Result<Person, StoreError> {
        let mut person = Person::default();
        let mut from = None;
        loop {
            let query = without_sessions(self.query(user_key).key_condition_expression("user_key = :user_key"));
            let (items, next) = page(&self.dynamodb, query, from).await?;
            for item in &items {
                let read = Reader { item, kind: "register" };
                match SortKey::of(read.text("sk")?) {
                    SortKey::Register => {
                        person.register = Some(read_register(item)?);
                        person.user_id = read.optional_text("user_id")?.map(str::to_owned);
                        person.username = read.optional_text(USERNAME)?.map(str::to_owned);
                    }
                    SortKey::Login => {
                        let login = read_login(item)?;
                        person.logins.insert(login.key.login_id.clone(), login);
                    }
                    SortKey::Session | SortKey::Alias(_) | SortKey::Attributes | SortKey::Device | SortKey::Unknown => {}
                }
            }
            if next.is_none() {
                return Ok(person);
            }
            from = next;
        }
    }

    /// Every item of a person, as the table has it.
    ///
    /// # Errors
    /// [`StoreError`]; an outage is never the end.
    pub async fn items_of(&self, user_key: &UserKey) -> Result<Vec<Item>, StoreError> {
        let mut all = Vec::new();
        let mut from = None;
        loop {
            let (items, next) = page(&self.dynamodb, self.query(user_key).key_condition_expression("user_key = :user_key"), from).await?;
            all.extend(items);
            if next.is_none() {
                return Ok(all);
            }
            from = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::store::script::{Script, output};

    #[tokio::test]
    async fn a_person_is_one_query() {
        let user_key = UserKey::of("user-1");
        let register = json!({
            "user_key": {"S": user_key.as_str()}, "sk": {"S": "!user"}, "schema": {"N": "1"}, "version": {"N": "7"},
            "last_login_id": {"S": "AAAAAAAAAAAAAAAAAAAAAA"}, "user_id": {"S": "user-1"}, "username": {"S": "ada"},
        });
        let script = Script::new([output(json!({"Items": [register]})), output(json!({"Items": []}))]);
        let person = script.store().read_person(&user_key).await.unwrap();
        assert_eq!((person.user_id.as_deref(), person.username.as_deref()), (Some("user-1"), Some("ada")));
        assert_eq!(person.register.map(|register| register.version), Some(7));
        assert_eq!(script.store().read_person(&user_key).await, Ok(Person::default()));
        let (operation, request) = script.asked().remove(0);
        assert_eq!((operation.as_str(), &request["ConsistentRead"]), ("Query", &json!(true)));
        assert_eq!(request["FilterExpression"], "attribute_not_exists(access_token_expires_at)");
        assert_eq!(request["KeyConditionExpression"], "user_key = :user_key");
    }
}
