//! The item that keeps two names apart that look alike.
//!
//! A name in another script can be drawn like a Latin one, as саша like `cawa` ([`Username::latin_double`]). Such a user has a second item
//! in the users table. Its key is made of the Latin name, so it is found from there, and holds spaces, so no name can be that key.

use aws_sdk_dynamodb::{
    error::BuildError,
    types::{ConditionCheck, Delete, Put, TransactWriteItem},
};

use super::{
    StoreError, Users,
    items::{Item, text},
};
use crate::username::Username;

const PREFIX: &str = "looks like ";

/// Which name the item belongs to.
const CLAIMED_BY: &str = "claimed_by";
const UNLESS_ANOTHERS: &str = "attribute_not_exists(username) OR claimed_by = :username";

/// Whether this item of the users table keeps names apart, and is no user.
#[must_use]
pub fn is_name_claim(item: &Item) -> bool {
    item.get("username").and_then(|name| name.as_s().ok()).is_some_and(|name| name.starts_with(PREFIX))
}

fn key_of(name: &str) -> Item {
    [("username".into(), text(name))].into()
}

fn claim_key(latin: &str) -> Item {
    key_of(&format!("{PREFIX}{latin}"))
}

impl Users {
    /// What a transaction that creates a user of this name also checks, and writes: there must be no user whose name looks like it.
    pub(super) fn claim(&self, username: &Username) -> Result<Vec<TransactWriteItem>, BuildError> {
        let Some(latin) = username.latin_double() else { return Ok(vec![self.absent(claim_key(username.as_str()))?]) };
        let mut claim = claim_key(&latin);
        claim.insert(CLAIMED_BY.into(), text(username.as_str()));
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(claim))
            .condition_expression(UNLESS_ANOTHERS)
            .expression_attribute_values(":username", text(username.as_str()))
            .build()?;
        Ok(vec![TransactWriteItem::builder().put(put).build(), self.absent(key_of(&latin))?])
    }

    fn absent(&self, key: Item) -> Result<TransactWriteItem, BuildError> {
        let check =
            ConditionCheck::builder().table_name(&self.table).set_key(Some(key)).condition_expression("attribute_not_exists(username)");
        Ok(TransactWriteItem::builder().condition_check(check.build()?).build())
    }

    /// Deletes the claim with its user.
    pub(super) fn release(&self, username: &Username) -> Result<Option<TransactWriteItem>, BuildError> {
        let Some(latin) = username.latin_double() else { return Ok(None) };
        let delete = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(claim_key(&latin)))
            .condition_expression(UNLESS_ANOTHERS)
            .expression_attribute_values(":username", text(username.as_str()))
            .build()?;
        Ok(Some(TransactWriteItem::builder().delete(delete).build()))
    }

    /// Whether there is a user with another name that looks like this one, read strongly.
    ///
    /// # Errors
    /// [`StoreError`]; an outage is never "no".
    pub async fn looks_like_another(&self, username: &Username) -> Result<bool, StoreError> {
        let Some(latin) = username.latin_double() else {
            return Ok(self.read_row(claim_key(username.as_str())).await?.is_some());
        };
        let claim = self.read_row(claim_key(&latin)).await?;
        let anothers = claim.is_some_and(|claim| claim.get(CLAIMED_BY) != Some(&text(username.as_str())));
        Ok(anothers || self.read_row(key_of(&latin)).await?.is_some())
    }
}
