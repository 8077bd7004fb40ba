//! A version's items and tokens in a file: the items in DynamoDB's JSON.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use latchkey::{
    clock::{Clock, parse_rfc3339, rfc3339},
    entropy::Random,
    import::{ImportRow, ImportedSession},
    operations::{ImportOutcome, import_session},
    store::Store,
};
use latchkey_tests::{
    clock::TestClock,
    database::{Database, Item},
    service::{Pair, Service},
};
use serde_json::{Map, Value, json};

const TABLES: [&str; 3] = ["SessionsTable", "UsersTable", "LoginAttemptsTable"];

pub(super) struct Golden {
    pub(super) version: String,
    written_at: DateTime<Utc>,
    tables: BTreeMap<String, Vec<Item>>,
    tokens: BTreeMap<String, Value>,
}

impl Golden {
    pub(super) async fn of(version: &str, service: &Service, tokens: BTreeMap<String, Value>) -> Self {
        let mut tables = BTreeMap::new();
        for table in TABLES {
            tables.insert(table.to_owned(), service.database.items(table).await);
        }
        Self { version: version.to_owned(), written_at: service.clock.now(), tables, tokens }
    }

    pub(super) fn read(path: &Path) -> Self {
        let file: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        let version = file["version"].as_str().unwrap().to_owned();
        assert_eq!(path.file_stem().unwrap(), &*version);
        let tables = file["tables"].as_object().unwrap().iter();
        let item = |item: &Value| item.as_object().unwrap().iter().map(|(name, value)| (name.clone(), attribute(value))).collect();
        Self {
            version,
            written_at: parse_rfc3339(file["written_at"].as_str().unwrap()).unwrap(),
            tables: tables.map(|(table, items)| (table.clone(), items.as_array().unwrap().iter().map(item).collect())).collect(),
            tokens: serde_json::from_value(file["tokens"].clone()).unwrap(),
        }
    }

    pub(super) fn save(&self, path: &Path) {
        let item = |item: &Item| item.iter().map(|(name, value)| (name.clone(), json(value))).collect::<Map<_, _>>();
        let tables: BTreeMap<_, Vec<_>> = self.tables.iter().map(|(table, items)| (table, items.iter().map(item).collect())).collect();
        let file = json!({"version": self.version, "written_at": rfc3339(self.written_at), "tokens": self.tokens, "tables": tables});
        fs::write(path, serde_json::to_string_pretty(&file).unwrap() + "\n").unwrap();
    }

    /// A service with these items, at the time right after they were written.
    pub(super) async fn restored(&self) -> Service {
        let database = Database::with(&[("AcceptImportedTokens", "true")]).await;
        for (table, items) in &self.tables {
            for item in items {
                let put = database.client.put_item().table_name(database.table(table)).set_item(Some(alive(item)));
                put.send().await.unwrap();
            }
        }
        let clock = TestClock::default();
        clock.set(self.written_at);
        Service::over(database, clock, &[]).await
    }

    /// The access token and the refresh token.
    pub(super) fn pair(&self, name: &str) -> (String, String) {
        let text = |kind: &str| self.tokens[name][kind].as_str().unwrap().to_owned();
        (text("access"), text("refresh"))
    }
}

/// DynamoDB would delete the item at once by its old `ttl`. No decision depends on this attribute.
fn alive(item: &Item) -> Item {
    let mut item = item.clone();
    if let Some(ttl) = item.get_mut("ttl") {
        *ttl = AttributeValue::N((Clock::system().now() + TimeDelta::days(1)).timestamp().to_string());
    }
    item
}

/// A session that another service issued, with that service's tokens.
pub(super) async fn import(service: &Service, name: &str) -> Pair {
    let (now, access, refresh) = (service.clock.now(), format!("theirs-access-of-{name}"), format!("theirs-refresh-of-{name}"));
    let (access_expires_at, refresh_expires_at) = (now + TimeDelta::minutes(5), now + TimeDelta::days(7));
    let row = ImportRow {
        user_id: name,
        access_token: &access,
        refresh_token: &refresh,
        access_token_expires_at: &rfc3339(access_expires_at),
        refresh_token_expires_at: &rfc3339(refresh_expires_at),
    };
    let store = Store::new(service.database.client.clone(), service.database.table("SessionsTable"));
    assert_eq!(
        import_session(&store, &ImportedSession::parse(row).unwrap(), now, &Random::system()).await.unwrap(),
        ImportOutcome::Imported
    );
    Pair { access, refresh, login_id: String::new(), access_expires_at, refresh_expires_at }
}

/// The attributes, with their types, of each kind of item.
pub(super) fn shape(golden: &Golden) -> BTreeMap<String, BTreeSet<BTreeSet<String>>> {
    let mut kinds: BTreeMap<String, BTreeSet<BTreeSet<String>>> = BTreeMap::new();
    for (table, items) in &golden.tables {
        for item in items {
            let kind = match item.get("sk").and_then(|sk| sk.as_s().ok()) {
                Some(sk) if sk == "!user" => "register",
                Some(sk) if sk.starts_with("!user#device#") => "device",
                Some(sk) if sk.ends_with("#imported") => "alias",
                Some(sk) if sk.contains('#') => "session",
                Some(_) => "login",
                None => table,
            };
            let attribute = |(name, value): (&String, &AttributeValue)| match json(value).as_object().and_then(|it| it.keys().next()) {
                Some(kind) => format!("{name} {kind}"),
                None => name.clone(),
            };
            kinds.entry(kind.to_owned()).or_default().insert(item.iter().map(attribute).collect());
        }
    }
    kinds
}

fn json(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!({"S": text}),
        AttributeValue::N(digits) => json!({"N": digits}),
        AttributeValue::Bool(value) => json!({"BOOL": value}),
        AttributeValue::B(bytes) => json!({"B": BASE64_STANDARD.encode(bytes)}),
        AttributeValue::L(list) => json!({"L": list.iter().map(json).collect::<Vec<_>>()}),
        AttributeValue::M(map) => json!({"M": map.iter().map(|(name, value)| (name.clone(), json(value))).collect::<Map<_, _>>()}),
        other => unreachable!("no item has {other:?}"),
    }
}

fn attribute(value: &Value) -> AttributeValue {
    let (kind, value) = value.as_object().unwrap().iter().next().unwrap();
    let text = || value.as_str().unwrap().to_owned();
    match kind.as_str() {
        "S" => AttributeValue::S(text()),
        "N" => AttributeValue::N(text()),
        "BOOL" => AttributeValue::Bool(value.as_bool().unwrap()),
        "B" => AttributeValue::B(Blob::new(BASE64_STANDARD.decode(text()).unwrap())),
        "L" => AttributeValue::L(value.as_array().unwrap().iter().map(attribute).collect()),
        "M" => AttributeValue::M(value.as_object().unwrap().iter().map(|(name, value)| (name.clone(), attribute(value))).collect()),
        other => unreachable!("no item has {other}"),
    }
}
