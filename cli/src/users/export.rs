//! `latchkey users export`: what is kept about one person, as JSON.

use aws_sdk_dynamodb::types::AttributeValue;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use latchkey::{
    ids::UserKey,
    store::{Item, user_item},
};
use serde_json::{Map, Value, json};

use super::{UsersError, accounts, known};
use crate::{args::ExportUserArgs, output::say};

pub(super) async fn export(args: ExportUserArgs) -> Result<(), UsersError> {
    let accounts = accounts(&args.at).await?;
    let user = known(&accounts, &args.name).await?;
    let items = accounts.store().items_of(&UserKey::of(&user.user_id)).await?;
    let sessions: Vec<_> = items.iter().map(person_data).collect();
    say!("{:#}", json!({"user": person_data(&user_item(&user)), "sessions_table": sessions}));
    Ok(())
}

/// The attributes of an item but for hashes and sealed seeds: those say nothing about a person, and help a thief.
fn person_data(item: &Item) -> Value {
    let is_secret = |name: &str| name.ends_with("hash") || ["sealed", "replaces", "dpop_answered"].contains(&name);
    let mut members: Vec<_> = item.iter().filter(|(name, _)| !is_secret(name)).collect();
    members.sort_by_key(|(name, _)| *name);
    Value::Object(members.into_iter().map(|(name, value)| (name.clone(), plain(value))).collect::<Map<_, _>>())
}

fn plain(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!(text),
        AttributeValue::N(digits) => digits.parse::<i64>().map_or_else(|_| json!(digits), |number| json!(number)),
        AttributeValue::Bool(value) => json!(value),
        AttributeValue::L(values) => values.iter().map(plain).collect(),
        AttributeValue::Ss(texts) => json!(texts),
        AttributeValue::M(members) => Value::Object(members.iter().map(|(name, value)| (name.clone(), plain(value))).collect()),
        AttributeValue::B(bytes) => json!(URL_SAFE_NO_PAD.encode(bytes.as_ref())),
        _ => Value::Null,
    }
}
