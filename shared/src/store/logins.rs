//! Reading a user's register, device items and logins.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::operation::query::builders::QueryInputBuilder;

use super::{
    Store, StoreError,
    error::failure,
    items::{
        Item, LOGINS_FROM, REGISTER_SK, Reader, SortKey, StoredItem, device_key, key, read_device, read_item, read_login, read_register,
        text,
    },
};
use crate::{
    dynamodb::{Ask as _, DynamoDb},
    ids::{LoginId, LoginKey, UserKey},
    model::{DeviceItem, Extent, Login, Register, UserLogins},
};

/// How many pages of 1 MB a login reads at most when the user may have too many logins: some 1,800 logins.
const PART: usize = 3;

/// How many items a page of login ids covers, sessions included. An end of all ends the logins of a page before it reads the
/// next, so that each call gets further.
const IDS_A_PAGE: i32 = 200;

/// Where a read of login ids goes on.
#[derive(Debug, Clone, PartialEq)]
pub struct LoginsCursor(Item);

impl Store {
    /// A user's register, in one read unit.
    ///
    /// # Errors
    /// [`StoreError`]; an outage is never "no register".
    pub async fn read_register(&self, user_key: &UserKey) -> Result<Option<Register>, StoreError> {
        Ok(self.read_item_at(key(user_key, REGISTER_SK)).await?.as_ref().map(read_register).transpose()?)
    }

    /// What a login without a limit depends on, however many logins the user has: the register, and the device's item.
    ///
    /// # Errors
    /// [`StoreError`]; an outage is never "nothing there".
    pub async fn read_register_and_device(&self, user_key: &UserKey, device_id: Option<&str>) -> Result<UserLogins, StoreError> {
        let (register, device) = tokio::join!(self.read_register(user_key), self.read_device_item(user_key, device_id));
        Ok(UserLogins { register: register?, device: device?, ..UserLogins::default() })
    }

    async fn read_device_item(&self, user_key: &UserKey, device_id: Option<&str>) -> Result<DeviceItem, StoreError> {
        let Some(device_id) = device_id else { return Ok(DeviceItem::Untouched) };
        match self.read_item_at(device_key(user_key, device_id)).await? {
            Some(item) => Ok(DeviceItem::Names(read_device(&item)?)),
            None => Ok(DeviceItem::Absent),
        }
    }

    /// Adds the items of one login to what was read before.
    ///
    /// # Errors
    /// [`StoreError`]; an outage is never "nothing there".
    pub async fn add_own(&self, key: &LoginKey, seen: &mut UserLogins) -> Result<(), StoreError> {
        let query = self
            .query(&key.user_key)
            .key_condition_expression("user_key = :user_key AND begins_with(sk, :login_id)")
            .expression_attribute_values(":login_id", text(key.login_id.as_str()));
        for item in page(&self.dynamodb, query, None).await?.0 {
            note(seen, read_item(&item)?);
        }
        Ok(())
    }

    /// Reads a user's register, then all their logins and sessions.
    ///
    /// # Errors
    /// [`StoreError`]; an outage is never "no logins".
    pub async fn read_user_logins(&self, user_key: &UserKey) -> Result<UserLogins, StoreError> {
        let mut seen = UserLogins { register: self.read_register(user_key).await?, extent: Extent::All, ..UserLogins::default() };
        let mut from = None;
        loop {
            let (items, next) = page(&self.dynamodb, self.query_logins(user_key), from).await?;
            for item in &items {
                note(&mut seen, read_item(item)?);
            }
            if next.is_none() {
                return Ok(seen);
            }
            from = next;
        }
    }

    /// Adds the user's logins to what was read before, or a part of them if there are too many for one request. Login ids are
    /// random, so a part is a fair sample.
    ///
    /// # Errors
    /// [`StoreError`]; an outage is never "no logins".
    pub async fn add_logins(&self, user_key: &UserKey, seen: &mut UserLogins) -> Result<(), StoreError> {
        let mut from = None;
        for _ in 0..PART {
            let (items, next) = page(&self.dynamodb, without_sessions(self.query_logins(user_key)), from).await?;
            for item in &items {
                note(seen, read_item(item)?);
            }
            if next.is_none() {
                seen.extent = Extent::All;
                return Ok(());
            }
            from = next;
        }
        seen.extent = Extent::Part;
        Ok(())
    }

    /// All logins of a user, without their register and sessions.
    ///
    /// # Errors
    /// [`StoreError`]; an outage is never "no logins".
    pub async fn list_logins(&self, user_key: &UserKey) -> Result<BTreeMap<LoginId, Login>, StoreError> {
        let mut logins = BTreeMap::new();
        let mut from = None;
        loop {
            let (items, next) = page(&self.dynamodb, without_sessions(self.query_logins(user_key)), from).await?;
            for item in &items {
                if SortKey::of((Reader { item, kind: "login" }).text("sk")?) == SortKey::Login {
                    let login = read_login(item)?;
                    logins.insert(login.key.login_id.clone(), login);
                }
            }
            if next.is_none() {
                return Ok(logins);
            }
            from = next;
        }
    }

    /// One page of a user's login ids, and where the next one begins; `None` at the end.
    ///
    /// # Errors
    /// [`StoreError`]; an outage is never the end.
    pub async fn login_ids(
        &self,
        user_key: &UserKey,
        from: Option<LoginsCursor>,
    ) -> Result<(Vec<LoginId>, Option<LoginsCursor>), StoreError> {
        let (items, next) = self.login_page(user_key, from, "sk").await?;
        let mut ids = Vec::new();
        for item in &items {
            ids.push((Reader { item, kind: "login" }).parsed("sk", |id| LoginId::parse(id).ok())?);
        }
        Ok((ids, next))
    }

    /// The login items of a page, their ids and `attribute` of them only.
    pub(super) async fn login_page(
        &self,
        user_key: &UserKey,
        from: Option<LoginsCursor>,
        attribute: &str,
    ) -> Result<(Vec<Item>, Option<LoginsCursor>), StoreError> {
        let projection = if attribute == "sk" { "sk".to_owned() } else { format!("sk, {attribute}") };
        let query = without_sessions(self.query_logins(user_key)).projection_expression(projection).limit(IDS_A_PAGE);
        let (items, next) = page(&self.dynamodb, query, from.map(|cursor| cursor.0)).await?;
        let mut logins = Vec::new();
        for item in items {
            if SortKey::of((Reader { item: &item, kind: "login" }).text("sk")?) == SortKey::Login {
                logins.push(item);
            }
        }
        Ok((logins, next.map(LoginsCursor)))
    }

    pub(super) async fn read_item_at(&self, key: Item) -> Result<Option<Item>, StoreError> {
        let read = self.dynamodb.get_item().table_name(&self.sessions).consistent_read(true).set_key(Some(key)).ask(&self.dynamodb).await;
        Ok(read.map_err(|error| failure("GetItem", &error))?.item)
    }

    pub(super) fn query(&self, user_key: &UserKey) -> QueryInputBuilder {
        let query = self.dynamodb.query().table_name(&self.sessions).consistent_read(true);
        query.expression_attribute_values(":user_key", text(user_key.as_str()))
    }

    /// Everything but the register and the items of devices.
    fn query_logins(&self, user_key: &UserKey) -> QueryInputBuilder {
        self.query(user_key)
            .key_condition_expression("user_key = :user_key AND sk > :devices")
            .expression_attribute_values(":devices", text(LOGINS_FROM))
    }
}

/// DynamoDB reads the sessions all the same, but doesn't send them. It can't filter by the sort key.
pub(super) fn without_sessions(query: QueryInputBuilder) -> QueryInputBuilder {
    query.filter_expression("attribute_not_exists(access_token_expires_at)")
}

pub(super) async fn page(
    dynamodb: &DynamoDb,
    query: QueryInputBuilder,
    from: Option<Item>,
) -> Result<(Vec<Item>, Option<Item>), StoreError> {
    let page = query.set_exclusive_start_key(from).ask(dynamodb).await.map_err(|error| failure("Query", &error))?;
    Ok((page.items.unwrap_or_default(), page.last_evaluated_key.filter(|key| !key.is_empty())))
}

fn note(seen: &mut UserLogins, item: StoredItem) {
    match item {
        StoredItem::Login(login) => drop(seen.logins.insert(login.key.login_id.clone(), *login)),
        StoredItem::Session(session) => drop(seen.sessions.insert((session.key.login_id, session.generation))),
        StoredItem::Alias(login_id) => drop(seen.aliases.insert(login_id)),
        StoredItem::Register { .. } | StoredItem::Device(_) | StoredItem::Attributes(_) | StoredItem::Unknown => {}
    }
}
