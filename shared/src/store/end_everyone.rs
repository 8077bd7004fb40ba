//! Logging everybody out: after a restore, or when nobody knows what was stolen.

use std::collections::BTreeMap;

use super::{
    Ended, Everywhere, Item, Store, StoreError,
    error::failure,
    items::{Reader, SortKey, text},
};
use crate::ids::{LoginId, LoginKey, UserKey};

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
            .client
            .scan()
            .table_name(&self.sessions)
            .consistent_read(true)
            .projection_expression("user_key, sk")
            .filter_expression("NOT contains(sk, :separator)")
            .expression_attribute_values(":separator", text("#"))
            .set_exclusive_start_key(from.map(|cursor| cursor.0))
            .send()
            .await
            .map_err(|error| failure("Scan", &error))?;

        let mut users: BTreeMap<UserKey, ScannedUser> = BTreeMap::new();
        for item in page.items() {
            let read = Reader { item, kind: "register or login" };
            let user = users.entry(read.parsed("user_key", |key| UserKey::parse(key).ok())?).or_default();
            match SortKey::of(read.text("sk")?) {
                SortKey::Register => user.has_register = true,
                SortKey::Login => user.logins.push(read.parsed("sk", |id| LoginId::parse(id).ok())?),
                SortKey::Session | SortKey::Alias(_) => {}
            }
        }
        Ok((users, page.last_evaluated_key.filter(|key| !key.is_empty()).map(ScanCursor)))
    }

    /// Ends all logins of a user that were made before this, and gives how many it ended.
    ///
    /// # Errors
    /// [`StoreError`] where it is not known that all are gone. What was ended stays ended; try again.
    pub async fn end_scanned(&self, user_key: &UserKey, seen: &ScannedUser) -> Result<usize, StoreError> {
        if seen.has_register {
            return self.end_all(user_key, Everywhere::All).await;
        }
        // Their register came with an earlier page, and these have been ended; or there is none.
        let mut ended = 0;
        for login_id in &seen.logins {
            let key = LoginKey { user_key: user_key.clone(), login_id: login_id.clone() };
            ended += usize::from(self.end_owned(&key).await? != Ended::NotThere);
        }
        Ok(ended)
    }
}
