//! `latchkey sessions`.

use aws_sdk_dynamodb::types::AttributeValue;
use latchkey::token::{AccessToken, RefreshToken};
use latchkey_cli::dev::{DEMO_PASSWORD, DEMO_USER};
use latchkey_tests::{
    database::Database,
    service::{Pair, Service},
};
use serde_json::json;

use crate::run::{command, latchkey, output_of, run};

async fn user_id(service: &Service) -> String {
    service.database.items("UsersTable").await[0]["user_id"].as_s().unwrap().clone()
}

async fn phone(service: &Service) -> Pair {
    let body = json!({"username": DEMO_USER, "password": DEMO_PASSWORD, "device": "Ada’s phone"});
    Pair::of(&service.login_with(&body).await)
}

#[tokio::test]
async fn logins_are_listed_and_ended() {
    let service = Service::start(&[]).await;
    let database = &service.database;
    let (first, id) = (phone(&service).await, user_id(&service).await);
    service.clock.advance(chrono::TimeDelta::seconds(1));
    let second = service.login().await;

    let listed = latchkey(database, &format!("sessions list {id} --json"), "").await.json();
    assert_eq!([&listed[0]["login_id"], &listed[1]["login_id"]], [&json!(second.login_id), &json!(first.login_id)]);
    let table = latchkey(database, &format!("sessions list {id}"), "").await.stdout;
    let lines: Vec<_> = table.lines().collect();
    assert!(lines[0].starts_with("LOGIN ID"), "{table}");
    assert!(lines[2].starts_with(&first.login_id) && lines[2].ends_with("127.0.0.1  Ada’s phone"), "{table}");

    let by_name = latchkey(database, "sessions list --user demo --json", "").await;
    assert_eq!(by_name.json(), listed);

    let ended = latchkey(database, &format!("sessions end {id} {}", first.login_id), "").await;
    assert_eq!((ended.code, ended.stdout), (0, format!("ended {}\n", first.login_id)));
    service.assert_refused(&first.access).await;
    latchkey(database, &format!("sessions end {id} {}", first.login_id), "").await.assert_refused(3, "the user has no login");
    latchkey(database, &format!("sessions end {id} x"), "").await.assert_refused(2, "not 22 URL-safe characters");

    latchkey(database, &format!("sessions end-all {id}"), "y\n").await.assert_refused(2, "pass --yes");
    service.assert_allowed(&second.access).await;
    assert_eq!(latchkey(database, &format!("sessions end-all {id} --yes"), "").await.stdout, "ended 1\n");
    service.assert_refused(&second.access).await;
    let none = latchkey(database, &format!("sessions list {id}"), "").await;
    assert_eq!((none.code, none.stdout.as_str(), none.stderr.as_str()), (0, "", "the user has no live logins\n"));
}

/// Also a login whose register a restore in mid-commit didn't bring along.
#[tokio::test]
async fn everyone_is_logged_out() {
    let service = Service::start(&[]).await;
    let database = &service.database;
    latchkey(database, "users add bob --password-stdin", "a long enough passphrase\n").await.assert_done();
    let bob = || async {
        let body = json!({"username": "bob", "password": "a long enough passphrase"});
        Pair::of(&service.login_with(&body).await)
    };
    let (first, second, of_bob) = (service.login().await, service.login().await, bob().await);

    latchkey(database, "sessions end-everyone", "y\n").await.assert_refused(2, "pass --yes");
    service.assert_allowed(&first.access).await;
    assert_eq!(latchkey(database, "sessions end-everyone --yes", "").await.stdout, "users 2, ended 3\n");
    for pair in [&first, &second, &of_bob] {
        service.assert_refused(&pair.access).await;
        assert_eq!(service.refresh(&pair.refresh).await.outcome(), (401, "invalid_token"));
    }
    assert_eq!(latchkey(database, "sessions end-everyone --yes", "").await.stdout, "users 2, ended 0\n");

    let torn = bob().await;
    let user_key = AccessToken::parse(&torn.access).unwrap().key().user_key.as_str().to_owned();
    let delete = database.client.delete_item().table_name(database.table("SessionsTable"));
    let delete = delete.key("user_key", AttributeValue::S(user_key)).key("sk", AttributeValue::S("!user".to_owned()));
    delete.send().await.unwrap();
    service.assert_allowed(&torn.access).await;
    assert_eq!(latchkey(database, "sessions end-everyone --yes", "").await.stdout, "users 1, ended 1\n");
    service.assert_refused(&torn.access).await;
}

/// A name in an id's place must not look like a user without logins.
#[tokio::test]
async fn an_unknown_id_is_said_to_be_unknown() {
    let service = Service::start(&[]).await;
    service.login().await;
    latchkey(&service.database, "sessions list demo", "").await.assert_refused(3, "no user with the id demo");
    latchkey(&service.database, "sessions list --user nobody", "").await.assert_refused(3, "there is no user nobody");
    latchkey(&service.database, "sessions end-all demo --yes", "").await.assert_refused(3, "no user with the id demo");
}

/// `latchkey … | head`: the reader has enough. That is no panic, and no success either, because not all was printed.
#[tokio::test]
async fn a_closed_standard_output_ends_it_without_a_word() {
    let service = Service::start(&[]).await;
    service.login().await;
    let mut child = command(&service.database, &format!("sessions list {}", user_id(&service).await)).spawn().unwrap();
    drop(child.stdout.take());
    let ran = output_of(child).await;
    assert_eq!((ran.code, ran.stderr.as_str()), (1, ""));
}

/// Of 64 hashes one begins with a hyphen.
#[tokio::test]
async fn a_hash_that_begins_with_a_hyphen_is_a_hash() {
    let database = Database::new().await;
    let hash = format!("-{}A", "x".repeat(41));
    latchkey(&database, &format!("sessions find --token-hash {hash}"), "").await.assert_refused(3, "");
    latchkey(&database, "users find --subject -xxxxxxx", "").await.assert_refused(3, "");
}

/// A script whose variable is empty, or holds something else than an id, must not end more than was meant.
#[tokio::test]
async fn a_destructive_command_that_is_not_understood_does_nothing() {
    let service = Service::start(&[]).await;
    let database = &service.database;
    let (pair, id) = (service.login().await, user_id(&service).await);
    let long = "u".repeat(129);
    let refused = async |arguments: &[&str], code: i32| {
        let ran = run(database, arguments).await;
        assert_eq!((ran.code, ran.stdout.as_str()), (code, ""), "{arguments:?}: {}", ran.stderr);
        service.assert_allowed(&pair.access).await;
    };
    // No user's id has this form.
    for wrong in ["", " ", "\t", &long] {
        refused(&["sessions", "end-all", wrong, "--yes"], 2).await;
        refused(&["sessions", "end", wrong, &pair.login_id], 2).await;
    }
    // A user's id may have this form, and none has it.
    for unknown in [".", "..", "../..", "*", "%", "NULL", "null", "None", "undefined", "0", DEMO_USER] {
        refused(&["sessions", "end-all", unknown, "--yes"], 3).await;
        refused(&["sessions", "end", unknown, &pair.login_id], 3).await;
    }
    for login in ["", " ", ".", "..", "*", "x", &format!("{}x", pair.login_id), &format!("{} ", pair.login_id)] {
        refused(&["sessions", "end", &id, login], 2).await;
    }
    for name in ["", " ", ".", "..", "*", "NULL"] {
        for command in ["disable", "remove"] {
            let ran = run(database, &["users", command, name, "--yes"]).await;
            assert!([2, 3].contains(&ran.code) && ran.stdout.is_empty(), "{command} {name:?}: {ran:?}");
            service.assert_allowed(&pair.access).await;
        }
    }
    // One argument too many, too few, or unknown.
    for arguments in [
        &["sessions", "end", &id][..],
        &["sessions", "end", &id, &pair.login_id, "more"],
        &["sessions", "end", &id, &pair.login_id, "--all"],
        &["sessions", "end-all", "--yes"],
        &["sessions", "end-all", &id, "more", "--yes"],
        &["sessions", "end-all", &id, "--yes", "--keep", "current"],
        &["sessions", "end-all", &id, "--yes=false"],
        &["sessions", "end-everyone", "--yes", &id],
        &["sessions", "end-everyone", "--yes", "--user", &id],
        &["sessions", "end-everyone", "--yes", "--dry-run"],
        &["users", "disable", DEMO_USER, "--yes", "more"],
        &["users", "remove", DEMO_USER, "more", "--yes"],
        &["users", "remove", DEMO_USER, "--yes", "--dry-run"],
        &["users", "set-password", DEMO_USER, "--yes", "--password", "a long enough passphrase"],
    ] {
        refused(arguments, 2).await;
    }
    assert_eq!(latchkey(database, &format!("sessions end-all {id} --yes"), "").await.stdout, "ended 1\n");
}

#[tokio::test]
async fn a_hash_is_found_with_what_it_is_good_for() {
    let service = Service::start(&[]).await;
    let database = &service.database;
    let pair = service.login().await;
    let access = AccessToken::parse(&pair.access).unwrap().hash();
    let find = |hash: String| {
        let database = database.clone();
        async move { latchkey(&database, &format!("sessions find --json --token-hash={hash}"), "").await }
    };
    let id = user_id(&service).await;
    let row = |token: &str, expires_at| {
        json!({
            "user_id": id, "login_id": pair.login_id, "generation": 0, "token": token, "standing": "live",
            "expires_at": latchkey::clock::rfc3339(expires_at),
        })
    };
    assert_eq!(find(access.to_text()).await.json(), [row("access_token", pair.access_expires_at)]);
    let refresh = RefreshToken::parse(&pair.refresh).unwrap().hash();
    assert_eq!(find(refresh.to_text()).await.json(), [row("refresh_token", pair.refresh_expires_at)]);
    let table = latchkey(database, &format!("sessions find --token-hash={}", refresh.to_text()), "").await.stdout;
    assert!(table.contains("refresh token  live until "), "{table}");

    find(access.log_prefix()).await.assert_refused(2, "43 base64url characters");
    find("A".repeat(43)).await.assert_refused(3, "no session has a token of this hash");
    assert_eq!(service.refresh(&pair.refresh).await.status, 200);
    find(access.to_text()).await.assert_refused(3, "a refresh has replaced it");
}

/// F7: both logins are shown, and the exit code is an error.
#[tokio::test]
async fn f7_two_logins_under_one_hash_are_reported() {
    let service = Service::start(&[]).await;
    let database = &service.database;
    let (pair, other) = (service.login().await, service.login().await);
    let items = database.items("SessionsTable").await;
    let session = |pair: &Pair| {
        let sk = format!("{}#0000000000", pair.login_id);
        items.iter().find(|item| item["sk"] == AttributeValue::S(sk.clone())).unwrap().clone()
    };
    let mut twin = session(&other);
    twin.insert("refresh_token_hash".into(), session(&pair)["refresh_token_hash"].clone());
    database.client.put_item().table_name(database.table("SessionsTable")).set_item(Some(twin)).send().await.unwrap();

    let hash = RefreshToken::parse(&pair.refresh).unwrap().hash().to_text();
    let found = latchkey(database, &format!("sessions find --json --token-hash={hash}"), "").await;
    assert!(found.code == 5 && found.stderr.contains("two logins share this hash"), "{found:?}");
    let mut logins: Vec<_> = found.json().iter().map(|row| row["login_id"].as_str().unwrap().to_owned()).collect();
    let mut expected = [pair.login_id, other.login_id];
    logins.sort_unstable();
    expected.sort_unstable();
    assert_eq!(logins, expected);
}

#[tokio::test]
async fn an_outage_is_a_failure() {
    let service = Service::start(&[]).await;
    let mut gone = service.database.clone();
    // A port on which nothing listens.
    gone.url = "http://127.0.0.1:9".to_owned();
    latchkey(&gone, "sessions list someone", "").await.assert_refused(1, "Query is unavailable");
}
