//! `latchkey doctor`: a stage as it should be, and one damaged in each way.

use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, TimeToLiveSpecification},
};
use latchkey::clock::Clock;
use latchkey_cli::doctor::{Extent, Outcome, Tables, examine};
use latchkey_tests::{
    database::{Database, Item},
    service::{Pair, Service},
    tap::{Fault, Reach, Rule, Tap},
};
use serde_json::{Value, json};

use crate::run::{Ran, latchkey};

async fn doctor(database: &Database, arguments: &str) -> Ran {
    let attempts = database.table("LoginAttemptsTable");
    latchkey(database, &format!("doctor --login-attempts-table {attempts} {arguments}"), "").await
}

/// What was found, with the fix.
async fn findings(database: &Database) -> Vec<(String, String)> {
    let ran = doctor(database, "--json").await;
    let rows = ran.json();
    let found: Vec<_> = rows.iter().filter(|row| row["result"] == "finding").collect();
    assert_eq!(ran.code, if found.is_empty() { 0 } else { 6 }, "{ran:?}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    found.iter().map(|row| (text(&row["found"]), text(&row["fix"]))).collect()
}

/// Two logins, one of them refreshed.
async fn in_use() -> (Service, Pair) {
    let service = Service::start(&[]).await;
    service.login().await;
    let pair = service.login().await;
    let next = Pair::of(&service.refresh(&pair.refresh).await);
    (service, next)
}

async fn sessions_item(service: &Service, suffix: &str) -> Item {
    let items = service.database.items("SessionsTable").await;
    items.into_iter().find(|item| item["sk"].as_s().unwrap().ends_with(suffix)).unwrap()
}

async fn put(service: &Service, table: &str, item: &Item) {
    let put = service.database.client.put_item().table_name(service.database.table(table));
    put.set_item(Some(item.clone())).send().await.unwrap();
}

async fn delete(service: &Service, item: &Item) {
    let delete = service.database.client.delete_item().table_name(service.database.table("SessionsTable"));
    delete.key("user_key", item["user_key"].clone()).key("sk", item["sk"].clone()).send().await.unwrap();
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

#[tokio::test]
async fn a_stage_as_it_should_be() {
    let (service, _) = in_use().await;
    for arguments in ["", "--all", "--sample 1"] {
        let ran = doctor(&service.database, arguments).await;
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
        assert!(ran.stdout.starts_with("RESULT") && !ran.stdout.contains("FINDING"), "{ran:?}");
        assert!(ran.stdout.contains(": 5, of 1 users\n"), "{ran:?}");
    }
    let rows = doctor(&service.database, "--json").await.json();
    let skipped: Vec<_> = rows.iter().filter(|row| row["result"] == "skipped").map(|row| row["why"].as_str().unwrap()).collect();
    assert_eq!(skipped.len(), 4, "{skipped:?}");
    assert!(skipped[..3].iter().all(|why| *why == "not checked on an emulator") && skipped[3].contains("variables"), "{skipped:?}");
}

/// An attribute lost, of another type, or of no sense.
#[tokio::test]
async fn an_item_that_cannot_be_read() {
    let (service, pair) = in_use().await;
    let good = sessions_item(&service, &pair.login_id).await;
    for (name, damage, told) in [
        ("generation", None, "login item: `generation` is missing"),
        ("generation", Some(text("1")), "login item: `generation` is not a number"),
        ("schema", Some(AttributeValue::N("3".into())), "login item: `schema` is newer than this version of Latchkey"),
        ("last_refreshed_at", Some(text("yesterday")), "login item: `last_refreshed_at` is malformed"),
    ] {
        let mut item = good.clone();
        match damage {
            None => drop(item.remove(name)),
            Some(value) => drop(item.insert(name.to_owned(), value)),
        }
        put(&service, "SessionsTable", &item).await;
        let found = findings(&service.database).await;
        let [(what, fix)] = found.as_slice() else { panic!("{found:?}") };
        assert!(what.starts_with(&pair.login_id) && what.ends_with(told), "{what}");
        assert!(fix.contains("delete-item") && fix.contains(&format!(r#""sk":{{"S":"{}"}}"#, pair.login_id)), "{fix}");
    }
    put(&service, "SessionsTable", &good).await;
    assert_eq!(findings(&service.database).await, []);

    let mut user = service.database.items("UsersTable").await.remove(0);
    user.insert("status".to_owned(), text("asleep"));
    put(&service, "UsersTable", &user).await;
    let found = findings(&service.database).await;
    assert_eq!(found[0].0, "demo: user item: `status` is malformed");
}

/// Each item can be read, and together they can't be.
#[tokio::test]
async fn items_that_contradict_each_other() {
    let (service, pair) = in_use().await;
    let (session, register) = (sessions_item(&service, "#0000000001").await, sessions_item(&service, "!user").await);
    let login = sessions_item(&service, &pair.login_id).await;
    let told = async |expected: &[String]| {
        let found: Vec<_> = findings(&service.database).await.into_iter().map(|(found, _)| found).collect();
        assert_eq!(found, expected);
    };
    let key = login["user_key"].as_s().unwrap();
    let of_login = |what: &str| format!("{} of {key}: {what}", pair.login_id);

    delete(&service, &session).await;
    told(&[of_login("at generation 1 it has these sessions: none")]).await;
    let mut earlier = session.clone();
    earlier.insert("sk".to_owned(), text(&format!("{}#0000000000", pair.login_id)));
    earlier.insert("generation".to_owned(), AttributeValue::N("0".into()));
    put(&service, "SessionsTable", &earlier).await;
    told(&[of_login("at generation 1 it has session 0")]).await;
    put(&service, "SessionsTable", &session).await;
    told(&[of_login("at generation 1 it has these sessions: 0, 1")]).await;
    delete(&service, &earlier).await;

    let with = |item: &Item, name: &str, value: AttributeValue| {
        let mut item = item.clone();
        item.insert(name.to_owned(), value);
        item
    };
    put(&service, "SessionsTable", &with(&login, "recent_replay_untils", AttributeValue::L(Vec::new()))).await;
    told(&[of_login("`recent_replay_untils` doesn't fit its generation")]).await;
    put(&service, "SessionsTable", &with(&login, "refresh_token_expires_at", text("2036-01-01T00:00:00.000Z"))).await;
    told(&[of_login("its session expires at another time")]).await;
    put(&service, "SessionsTable", &with(&login, "ends_at", text("2026-01-01T00:00:00.000Z"))).await;
    told(&[of_login("it expires after it ends")]).await;
    put(&service, "SessionsTable", &with(&login, "user_id", text("somebody"))).await;
    told(&[of_login("its user_id is not of this user_key")]).await;
    put(&service, "SessionsTable", &with(&login, "ttl", AttributeValue::N("1700000000".into()))).await;
    told(&[of_login("its ttl passed on 2023-11-14, and it is still there")]).await;
    put(&service, "SessionsTable", &login).await;

    delete(&service, &register).await;
    let found = findings(&service.database).await;
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|(found, _)| found.ends_with("there is no register (!user) beside it")), "{found:?}");
    put(&service, "SessionsTable", &register).await;

    // A session without its login is garbage: nothing is let in by it, and its ttl takes it away.
    delete(&service, &login).await;
    told(&[]).await;
}

/// What the fix says is enough to finish it: whose the change is, and what it changes to.
#[tokio::test]
async fn a_change_of_attributes_that_is_not_finished() {
    let (service, _) = in_use().await;
    let register = sessions_item(&service, "!user").await;
    let mut pending = register.clone();
    pending.insert("attributes".to_owned(), AttributeValue::M([("role".to_owned(), text("admin"))].into()));
    pending.insert("attributes_pending".to_owned(), pending["version"].clone());
    put(&service, "SessionsTable", &pending).await;
    let [(found, fix)] = <[_; 1]>::try_from(findings(&service.database).await).unwrap();
    assert!(found.contains("a change of the user's attributes isn't finished"), "{found}");
    assert!(fix.contains("aws dynamodb get-item") && fix.contains("users set-attributes"), "{fix}");

    // The key of the fix leads to both, and the command that it names finishes the change.
    let key: Value = serde_json::from_str(fix.split('\'').nth(1).unwrap()).unwrap();
    assert_eq!((text(key["user_key"]["S"].as_str().unwrap()), &key["sk"]["S"]), (pending["user_key"].clone(), &json!("!user")));
    assert!(pending.contains_key("user_id"));
    assert_eq!(latchkey(&service.database, "users set-attributes demo --set role=admin", "").await.code, 0);
    assert_eq!(findings(&service.database).await, []);
}

/// What a scan sees of a transaction in mid-commit is read again before it is believed.
#[tokio::test]
async fn a_torn_read_is_no_finding() {
    let (service, _) = in_use().await;
    let tap = Tap::default();
    tap.arm(vec![Rule { operation: "Scan", nth: 1, reach: Reach::OneCall, fault: Fault::WithoutSession }]);
    assert!(examined(&service.database, &service.database.tapped(&tap), true).await.iter().all(|outcome| !is_finding(outcome)));
    let reads = tap.disarm().into_iter().filter(|call| call.operation == "Query").count();
    assert_eq!(reads, 1, "it was in doubt, and a strong read settled it");
}

async fn examined(database: &Database, client: &Client, emulated: bool) -> Vec<Outcome> {
    let table = |id: &str| database.table(id).to_owned();
    let tables = Tables { sessions: table("SessionsTable"), users: table("UsersTable"), login_attempts: table("LoginAttemptsTable") };
    let extent = Extent { all: true, sample: 1, rate: 1000 };
    let checks = examine(client, emulated, &tables, extent, &Clock::system()).await.unwrap();
    checks.into_iter().map(|check| check.outcome).collect()
}

fn is_finding(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Finding { .. })
}

/// What an emulator can't show, in AWS's words.
#[tokio::test]
async fn a_table_of_aws_without_its_guards() {
    let database = Database::new().await;
    let attributes = ["user_key", "sk", "access_token_hash", "refresh_token_hash"];
    let attributes = attributes.map(|name| json!({"AttributeName": name, "AttributeType": "S"}));
    let indexes = ["access_token", "refresh_token"].map(|name| {
        let key = json!([{"AttributeName": format!("{name}_hash"), "KeyType": "HASH"}]);
        json!({"IndexName": name, "IndexStatus": "ACTIVE", "Projection": {"ProjectionType": "KEYS_ONLY"}, "KeySchema": key})
    });
    let as_described = |protected: bool, sse: Value| {
        json!({"Table": {
            "TableName": "t", "TableStatus": "ACTIVE", "ItemCount": 0, "DeletionProtectionEnabled": protected, "SSEDescription": sse,
            "KeySchema": [{"AttributeName": "user_key", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            "AttributeDefinitions": attributes, "GlobalSecondaryIndexes": indexes,
        }})
    };
    let backups = |status: &str| {
        json!({"ContinuousBackupsDescription": {
            "ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": status},
        }})
    };
    let found = async |table: Value, recovery: &str| {
        let tap = Tap::default();
        let rule = |operation, answer| Rule { operation, nth: 1, reach: Reach::OneCall, fault: Fault::Answer(answer) };
        let denied = |operation, nth| Rule { operation, nth, reach: Reach::OneCall, fault: Fault::Error(400, "AccessDeniedException") };
        tap.arm(vec![
            rule("DescribeTable", table),
            rule("DescribeContinuousBackups", backups(recovery)),
            denied("DescribeTable", 2),
            denied("DescribeTable", 3),
        ]);
        let outcomes = examined(&database, &database.tapped(&tap), false).await;
        let skipped = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Skipped(why) if why.contains("dynamodb:DescribeTable")));
        assert_eq!(skipped.count(), 2, "what the credentials don't allow is said to be so");
        let found = outcomes.into_iter().filter_map(|outcome| match outcome {
            Outcome::Finding { found, fix } => Some((found, fix)),
            _ => None,
        });
        found.collect::<Vec<_>>()
    };
    let kms = json!({"Status": "ENABLED", "SSEType": "KMS"});
    assert_eq!(found(as_described(true, kms), "ENABLED").await, []);
    let found = found(as_described(false, Value::Null), "DISABLED").await;
    assert_eq!(
        found.iter().map(|(found, _)| found.as_str()).collect::<Vec<_>>(),
        [
            "it is off: a mistake can't be undone",
            "it is under DynamoDB's own key, whose use no log shows",
            "it is off: one call deletes the table"
        ]
    );
    assert!(found.iter().all(|(_, fix)| fix.starts_with("aws dynamodb update-")), "{found:?}");
}

/// One answer that isn't in DynamoDB's form leaves out one check. The others are made.
#[tokio::test]
async fn an_answer_that_cannot_be_read_is_passed_over() {
    let (service, _) = in_use().await;
    for (operation, body, reach, unreadable) in [
        ("DescribeTable", json!({"Table": {"TableName": "t", "DeletionProtectionEnabled": "false"}}), Reach::OneCall, 1),
        ("DescribeTimeToLive", json!({"TimeToLiveDescription": "on"}), Reach::OneCall, 1),
        ("DescribeContinuousBackups", json!({"ContinuousBackupsDescription": 1}), Reach::FromThenOn, 3),
        ("Scan", json!({"Items": "none"}), Reach::OneCall, 1),
    ] {
        let tap = Tap::default();
        tap.arm(vec![Rule { operation, nth: 1, reach, fault: Fault::Answer(body) }]);
        // Only AWS has continuous backups.
        let emulated = operation != "DescribeContinuousBackups";
        let outcomes = examined(&service.database, &service.database.tapped(&tap), emulated).await;
        let unread = format!("the answer to {operation} can't be read");
        assert_eq!(
            outcomes.iter().filter(|outcome| **outcome == Outcome::Skipped(unread.clone())).count(),
            unreadable,
            "{operation}: {outcomes:?}"
        );
        assert!(outcomes.iter().filter(|outcome| **outcome == Outcome::Ok).count() >= 6, "{operation}: {outcomes:?}");
    }
}

/// One line each, and another exit code than 0.
#[tokio::test]
async fn tables_that_are_missing_or_others() {
    let database = Database::new().await;
    let missing = doctor(&database, "--users-table none").await;
    assert_eq!((missing.code, missing.stderr.as_str()), (6, "error: to be mended: 1\n"), "{missing:?}");
    assert!(missing.stdout.contains("FINDING  table none") && missing.stdout.contains("there is no such table"), "{missing:?}");

    let (users, sessions) = (database.table("UsersTable"), database.table("SessionsTable"));
    let swapped = doctor(&database, &format!("--users-table {sessions} --sessions-table {users} --json")).await;
    let found: Vec<_> = swapped.json().into_iter().filter(|row| row["result"] == "finding").collect();
    assert_eq!((swapped.code, found.len()), (6, 2), "{found:?}");
    assert!(found.iter().all(|row| row["found"].as_str().unwrap().starts_with("the key is ")), "{found:?}");

    let off = TimeToLiveSpecification::builder().attribute_name("ttl").enabled(false).build().unwrap();
    database.client.update_time_to_live().table_name(sessions).time_to_live_specification(off).send().await.unwrap();
    let found = findings(&database).await;
    assert!(
        matches!(found.as_slice(), [(found, fix)] if found.starts_with("it is off") && fix.contains("update-time-to-live")),
        "{found:?}"
    );

    let mut nowhere = database.clone();
    nowhere.url = "http://127.0.0.1:9".to_owned();
    let nowhere = doctor(&nowhere, "").await;
    nowhere.assert_refused(1, "DescribeTable on table");
    assert_eq!(nowhere.stderr.lines().count(), 1, "{nowhere:?}");
    latchkey(&database, "doctor", "").await.assert_refused(2, "LOGIN_ATTEMPTS_TABLE is not set");
}

/// The names of two tables in the wrong places are told by the tables' keys, not by a failed call.
#[tokio::test]
async fn swapped_tables_are_findings() {
    let service = Service::start(&[]).await;
    let [sessions, users] = ["SessionsTable", "UsersTable"].map(|table| service.database.table(table));
    let ran = doctor(&service.database, &format!("--json --sessions-table {users} --users-table {sessions}")).await;
    assert_eq!(ran.code, 6, "{ran:?}");
    for (table, key) in [(users, "username (S)"), (sessions, "user_key (S), sk (S)")] {
        let rows = ran.json();
        let of = |what: String| rows.iter().find(|row| row["check"] == what.as_str()).unwrap_or_else(|| panic!("{what}: {rows:?}")).clone();
        assert_eq!(of(format!("table {table}: key and indexes"))["found"], format!("the key is {key}"));
        assert_eq!(of(format!("items of {table}"))["result"], "skipped");
    }
}
