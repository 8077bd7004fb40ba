//! Whose is this hash?

use std::collections::BTreeSet;

use super::{
    Store, StoreError,
    error::failure,
    items::{Reader, text},
};
use crate::{
    ids::{LoginId, LoginKey, UserKey},
    token::{Kind, TokenHash},
};

impl Store {
    /// The logins to which the index of a kind leads from a hash. An index finds, the table decides: it lags behind, it may
    /// show what is gone, and it lets two items have one key. So read each login before believing anything.
    ///
    /// # Errors
    /// [`StoreError`]; an outage is never "none".
    pub async fn logins_under<K: Kind>(&self, hash: &TokenHash<K>) -> Result<BTreeSet<LoginKey>, StoreError> {
        let mut items = self
            .client
            .query()
            .table_name(&self.sessions)
            .index_name(K::NAME)
            .key_condition_expression("#hash = :hash")
            .expression_attribute_names("#hash", format!("{}_hash", K::NAME))
            .expression_attribute_values(":hash", text(hash.to_text()))
            .into_paginator()
            .items()
            .send();
        let mut logins = BTreeSet::new();
        while let Some(item) = items.next().await {
            let item = item.map_err(|error| failure("Query", &error))?;
            let read = Reader { item: &item, kind: "index" };
            logins.insert(LoginKey {
                user_key: read.parsed("user_key", |text| UserKey::parse(text).ok())?,
                login_id: read.parsed("sk", |sk| LoginId::parse(sk.split_once('#')?.0).ok())?,
            });
        }
        Ok(logins)
    }
}
