//! The table, index, key and condition of a DynamoDB request. Ids are abbreviated and hashes are shown as in the logs. Names and all
//! other values aren't shown.

use serde::Serialize;
use serde_json::{Map, Value};

/// One item, or one collection of items, that a call reads or writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Touched {
    /// The action: `Query`, `Get`, `Put`, `Update`, `Delete`, `Check`.
    pub action: &'static str,
    pub table: String,
    /// The index, if it queries one.
    pub index: Option<String>,
    pub key: String,
    /// The condition, with its placeholders.
    pub condition: Option<String>,
    /// The login that it deletes, if any.
    pub ends: Option<String>,
}

/// The items that a request of this operation reads or writes.
pub(super) fn touched(operation: &str, asked: &Value) -> Vec<Touched> {
    match operation {
        "TransactWriteItems" | "TransactGetItems" => {
            let items = asked["TransactItems"].as_array();
            items.into_iter().flatten().filter_map(|item| item.as_object()?.iter().next()).map(|(kind, item)| of(kind, item)).collect()
        }
        "BatchGetItem" => {
            let tables = asked["RequestItems"].as_object();
            let keys = tables.into_iter().flatten().flat_map(|(table, request)| {
                request["Keys"].as_array().into_iter().flatten().map(move |key| Touched {
                    action: "Get",
                    table: table.clone(),
                    index: None,
                    key: key_of(key.as_object()),
                    condition: None,
                    ends: None,
                })
            });
            keys.collect()
        }
        single => vec![of(single.strip_suffix("Item").unwrap_or(single), asked)],
    }
}

fn of(kind: &str, asked: &Value) -> Touched {
    let action = match kind {
        "Put" => "Put",
        "Update" => "Update",
        "Delete" => "Delete",
        "Get" => "Get",
        "Query" => "Query",
        "Scan" => "Scan",
        "ConditionCheck" => "Check",
        _ => "Call",
    };
    let text = |name: &str| asked[name].as_str().map(str::to_owned);
    let names = asked["ExpressionAttributeNames"].as_object();
    let key = match (action, text("KeyConditionExpression")) {
        ("Query", Some(condition)) => with_values(&with_names(&condition, names), asked["ExpressionAttributeValues"].as_object()),
        ("Put", _) => key_of(asked["Item"].as_object()),
        _ => key_of(asked["Key"].as_object()),
    };
    let sk = asked["Key"]["sk"]["S"].as_str();
    Touched {
        action,
        table: text("TableName").unwrap_or_default(),
        index: text("IndexName"),
        key,
        condition: text("ConditionExpression").map(|condition| with_names(&condition, names)),
        ends: sk.filter(|sk| action == "Delete" && !sk.contains(['#', '!'])).map(str::to_owned),
    }
}

/// The attributes of keys.
const KEYS: [&str; 4] = ["user_key", "sk", "username", "subject"];

fn key_of(item: Option<&Map<String, Value>>) -> String {
    let parts = KEYS.iter().filter_map(|name| Some(format!("{name} = {}", shown(name, item?.get(*name)?))));
    parts.collect::<Vec<_>>().join(", ")
}

/// A value as it is shown: `cE6H2U…#0000000003`.
fn shown(attribute: &str, value: &Value) -> String {
    let Some(text) = value["S"].as_str() else { return "…".to_owned() };
    let begins = |text: &str, characters| format!("{}…", text.chars().take(characters).collect::<String>());
    match attribute {
        "username" => "…".to_owned(),
        "subject" | "access_token_hash" | "refresh_token_hash" => begins(text, 8),
        _ => match text.split_once('#') {
            Some(("!user", _)) => begins(text, "!user#device#".len() + 6),
            Some((login_id, of_it)) => format!("{}#{of_it}", begins(login_id, 6)),
            None if text.len() > 12 => begins(text, 6),
            None => text.to_owned(),
        },
    }
}

fn with_names(expression: &str, names: Option<&Map<String, Value>>) -> String {
    let mut expression = expression.to_owned();
    for (placeholder, name) in names.into_iter().flatten() {
        expression = expression.replace(placeholder, name.as_str().unwrap_or_default());
    }
    expression
}

/// The store's key conditions compare with a user key, a login id or a token's hash.
fn with_values(expression: &str, values: Option<&Map<String, Value>>) -> String {
    let mut by_length: Vec<_> = values.into_iter().flatten().collect();
    // `:user` must not be replaced inside `:user_key`.
    by_length.sort_by_key(|(placeholder, _)| std::cmp::Reverse(placeholder.len()));
    let mut expression = expression.to_owned();
    for (placeholder, value) in by_length {
        let attribute = if placeholder == ":hash" { "refresh_token_hash" } else { "sk" };
        expression = expression.replace(placeholder.as_str(), &shown(attribute, value));
    }
    expression
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const LOGIN: &str = "cE6H2UjqiSKEhrgTJB4SuA";
    const USER: &str = "Rs95qovwyIclv1IRTxkMZQ";

    #[test]
    fn a_query_is_told_by_its_condition() {
        let asked = json!({
            "TableName": "sessions",
            "KeyConditionExpression": "user_key = :user_key AND begins_with(sk, :login_id)",
            "ExpressionAttributeValues": {":user_key": {"S": USER}, ":login_id": {"S": LOGIN}},
        });
        let [query] = <[_; 1]>::try_from(touched("Query", &asked)).unwrap();
        assert_eq!((query.action, query.table.as_str()), ("Query", "sessions"));
        assert_eq!(query.key, "user_key = Rs95qo… AND begins_with(sk, cE6H2U…)");
    }

    #[test]
    fn an_index_is_named_and_a_hash_only_begun() {
        let hash = "Ux_5bYC0n0rJ7ZqZ6qz1wP1pC1sV9cU3o1mT0k2l3m4";
        let asked = json!({
            "TableName": "sessions",
            "IndexName": "refresh_token",
            "KeyConditionExpression": "#hash = :hash",
            "ExpressionAttributeNames": {"#hash": "refresh_token_hash"},
            "ExpressionAttributeValues": {":hash": {"S": hash}},
        });
        let query = &touched("Query", &asked)[0];
        assert_eq!((query.index.as_deref(), query.key.as_str()), (Some("refresh_token"), "refresh_token_hash = Ux_5bYC0…"));
    }

    #[test]
    fn a_rotation_is_told_item_by_item() {
        let session = |generation: u32| json!({"user_key": {"S": USER}, "sk": {"S": format!("{LOGIN}#{generation:010}")}});
        let asked = json!({"TransactItems": [
            {"Update": {
                "TableName": "sessions",
                "Key": {"user_key": {"S": USER}, "sk": {"S": LOGIN}},
                "ConditionExpression": "attribute_exists(sk) AND generation = :current",
                "ExpressionAttributeValues": {":current": {"N": "3"}},
            }},
            {"Delete": {"TableName": "sessions", "Key": session(3)}},
            {"Put": {"TableName": "sessions", "Item": session(4)}},
        ]});
        let items = touched("TransactWriteItems", &asked);
        let told: Vec<_> = items.iter().map(|item| (item.action, item.key.as_str())).collect();
        assert_eq!(
            told,
            [
                ("Update", "user_key = Rs95qo…, sk = cE6H2U…"),
                ("Delete", "user_key = Rs95qo…, sk = cE6H2U…#0000000003"),
                ("Put", "user_key = Rs95qo…, sk = cE6H2U…#0000000004"),
            ]
        );
        assert_eq!(items[0].condition.as_deref(), Some("attribute_exists(sk) AND generation = :current"));
        assert!(items.iter().all(|item| item.ends.is_none()), "a session's end is no login's");
    }

    #[test]
    fn only_the_deletion_of_a_login_ends_one() {
        let delete = |sk: &str| touched("DeleteItem", &json!({"TableName": "sessions", "Key": {"user_key": {"S": USER}, "sk": {"S": sk}}}));
        assert_eq!(delete(LOGIN)[0].ends.as_deref(), Some(LOGIN));
        assert_eq!(delete("!user")[0].ends, None);
    }

    #[test]
    fn a_short_value_is_shown_whole() {
        assert_eq!(shown("sk", &json!({"S": "twelve-chars"})), "twelve-chars");
        assert_eq!(shown("sk", &json!({"S": "thirteen-char"})), "thirte…");
    }

    #[test]
    fn names_are_not_shown() {
        let asked = json!({"RequestItems": {
            "users": {"Keys": [{"username": {"S": "ada"}}]},
            "attempts": {"Keys": [{"subject": {"S": "Ux_5bYC0n0rJ7ZqZ6qz1wP1pC1sV9cU3o1mT0k2l3m4"}}]},
        }});
        let keys: Vec<_> = touched("BatchGetItem", &asked).into_iter().map(|item| item.key).collect();
        assert_eq!(keys, ["subject = Ux_5bYC0…", "username = …"]);
    }
}
