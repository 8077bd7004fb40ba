//! Reading the whole sessions table, to end every login after a restore or a theft.

use std::collections::BTreeMap;

use super::{
    Item, Store, StoreError,
    error::failure,
    items::{Reader, SortKey, text},
};
use crate::{
    dynamodb::Ask as _,
    ids::{LoginId, UserKey},
};

/// A user, as one page of a scan saw them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScannedUser {
    /// Whether their register was among it. A table restored in mid-commit may hold a login and no register.
    pub has_register: bool,
    /// Which of their logins were.
    pub logins: Vec<LoginId>,
}

/// Where a scan goes on.
#[derive(Debug, Clone, PartialEq)]
pub struct ScanCursor(Item);

impl Store {
    /// One page of a strongly consistent scan of the table: its users, and where to go on; none at its end. It reads every
    /// item, a read unit for each 4 KB.
    ///
    /// # Errors
    /// [`StoreError`]; an outage is never the end of the table.
    pub async fn scan_users(&self, from: Option<ScanCursor>) -> Result<(BTreeMap<UserKey, ScannedUser>, Option<ScanCursor>), StoreError> {
        let page = self
            .dynamodb
            .scan()
            .table_name(&self.sessions)
            .consistent_read(true)
            .projection_expression("user_key, sk")
            .filter_expression("NOT contains(sk, :separator)")
            .expression_attribute_values(":separator", text("#"))
            .set_exclusive_start_key(from.map(|cursor| cursor.0))
            .ask(&self.dynamodb)
            .await
            .map_err(|error| failure("Scan", &error))?;

        let mut users: BTreeMap<UserKey, ScannedUser> = BTreeMap::new();
        for item in page.items() {
            let read = Reader { item, kind: "register or login" };
            let user = users.entry(read.parsed("user_key", |key| UserKey::parse(key).ok())?).or_default();
            match SortKey::of(read.text("sk")?) {
                SortKey::Register => user.has_register = true,
                SortKey::Login => user.logins.push(read.parsed("sk", |id| LoginId::parse(id).ok())?),
                SortKey::Session | SortKey::Alias(_) | SortKey::Attributes | SortKey::Device | SortKey::Unknown => {}
            }
        }
        Ok((users, page.last_evaluated_key.filter(|key| !key.is_empty()).map(ScanCursor)))
    }
}
