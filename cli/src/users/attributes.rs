//! `latchkey users set-attributes`.

use std::collections::BTreeMap;

use latchkey::{entropy::Random, ids::UserKey, model::Attributes, operations::set_attributes};
use serde_json::json;

use super::{UsersError, accounts, known, row};
use crate::{args::SetAttributesArgs, output::say, progress::Spinner};

/// Sets them in place of those before, in every login of the user.
pub(super) async fn set(args: SetAttributesArgs) -> Result<(), UsersError> {
    let SetAttributesArgs { scope, set, none: _, user: at } = args;
    let mut own = BTreeMap::new();
    for (name, value) in set {
        if own.contains_key(&name) {
            return Err(UsersError::SetTwice(name));
        }
        own.insert(name, value);
    }
    let attributes = Attributes::default().with_scope(scope.as_deref())?.with_own(own)?;
    let accounts = accounts(&at.at).await?;
    let user = known(&accounts, &at.name).await?;
    let setting = Spinner::start("setting the attributes");
    set_attributes(accounts.store(), &UserKey::of(&user.user_id), &attributes, &Random::system()).await?;
    drop(setting);
    if at.json {
        let mut row = row(&user);
        row["scope"] = json!(attributes.scope());
        row["attributes"] = json!(attributes.own().collect::<BTreeMap<_, _>>());
        say!("{row}");
    } else {
        say!("from the next request on {} has {}", user.username, described(&attributes));
    }
    Ok(())
}

/// Such as `the scope "orders:read", and role=admin, team=blue`.
fn described(attributes: &Attributes) -> String {
    let scope = attributes.scope().map_or_else(|| "no scope".to_owned(), |scope| format!("the scope {scope:?}"));
    let own = attributes.own().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", ");
    format!("{scope}, and {}", if own.is_empty() { "no attributes" } else { &own })
}
