//! Items and tokens that a released version wrote stay valid.
//!
//! `tests/golden/VERSION.json` has both in the form that the version wrote. Before a release, this command writes the file
//! of the new version: `cargo test --workspace --test system write_the_file_of_this_version -- --ignored`.

mod golden;

use std::{collections::BTreeMap, fs, path::PathBuf};

use chrono::TimeDelta;
use latchkey_cli::dev::DEMO_PASSWORD;
use latchkey_tests::{
    clock::TestClock,
    database::Database,
    service::{Answer, Pair, Service, send},
};
use serde_json::{Value, json};

use golden::{Golden, shape};

const VERSION: &str = env!("CARGO_PKG_VERSION");
const IDEMPOTENCY_KEY: &str = "one-key-for-each-stored-token";

fn file(version: &str) -> PathBuf {
    PathBuf::from(format!("{}/golden/{version}.json", env!("CARGO_MANIFEST_DIR")))
}

/// The files of all released versions, and of this one.
fn files() -> Vec<Golden> {
    let folder = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/golden")).unwrap();
    let files: Vec<_> = folder.map(|entry| Golden::read(&entry.unwrap().path())).collect();
    assert!(files.iter().any(|golden| golden.version == VERSION), "no file of {VERSION}: see the head of {}", file!());
    files
}

async fn service_over(database: &Database, clock: &TestClock) -> Service {
    Service::over(database.clone(), clock.clone(), &[("SESSION_MAX_LIFETIME", "30d")]).await
}

async fn refresh(service: &Service, token: &str, key: Option<&str>) -> Answer {
    let request = service.request("POST", "/refresh").bearer_auth(token);
    send(key.into_iter().fold(request, |request, key| request.header("Idempotency-Key", key))).await
}

/// Every stored item and every token that a client holds.
async fn write() -> Golden {
    let service = Service::start_by(&[("AcceptImportedTokens", "true")], &[]).await;
    let service = service_over(&service.database, &service.clock).await;
    let mut tokens = BTreeMap::new();
    let mut keep = |name: &str, pair: &Pair| {
        tokens.insert(name.to_owned(), json!({"access": pair.access, "refresh": pair.refresh, "login_id": pair.login_id}));
    };
    let body = json!({"username": "demo", "password": DEMO_PASSWORD, "device": "Ada’s phone", "device_id": "0123456789abcdef"});
    keep("first", &Pair::of(&service.login_with(&body).await));
    assert_eq!(service.login_with(&json!({"username": "demo", "password": "wrong"})).await.status, 401);

    let replaced = service.login().await;
    keep("replaced", &replaced);
    keep("successor", &Pair::of(&refresh(&service, &replaced.refresh, Some(IDEMPOTENCY_KEY)).await));

    for name in ["imported", "imported-replaced"] {
        let pair = golden::import(&service, name).await;
        keep(name, &pair);
        if name == "imported-replaced" {
            keep("imported-successor", &Pair::of(&refresh(&service, &pair.refresh, None).await));
        }
    }
    Golden::of(VERSION, &service, tokens).await
}

#[tokio::test]
#[ignore = "writes a file of the repository, once for each version"]
async fn write_the_file_of_this_version() {
    assert!(!file(VERSION).exists(), "{VERSION} is already written; a released file must not change");
    write().await.save(&file(VERSION));
}

/// A difference in the written form needs a new version, with its own file.
#[tokio::test]
async fn this_version_still_writes_what_its_file_says() {
    let kept = files().into_iter().find(|golden| golden.version == VERSION).unwrap();
    assert_eq!(shape(&kept), shape(&write().await), "the form of an item has changed: see docs/compatibility.md");
}

#[tokio::test]
async fn what_every_version_wrote_is_still_good() {
    for golden in files() {
        let (service, pair) = (golden.restored().await, |name: &str| golden.pair(name));
        let service = service_over(&service.database, &service.clock).await;
        let same = |answer: &Answer, pair: &(String, String)| {
            assert_eq!(answer.status, 200, "{}: {}", golden.version, answer.text);
            assert_eq!((answer.body["access_token"].as_str(), answer.body["refresh_token"].as_str()), (Some(&*pair.0), Some(&*pair.1)));
        };
        for name in ["first", "successor", "imported", "imported-successor"] {
            service.assert_allowed(&pair(name).0).await;
        }
        service.assert_refused(&pair("replaced").0).await;
        same(&refresh(&service, &pair("replaced").1, Some(IDEMPOTENCY_KEY)).await, &pair("successor"));
        same(&refresh(&service, &pair("imported-replaced").1, None).await, &pair("imported-successor"));

        let listed = send(service.request("GET", "/sessions").bearer_auth(&pair("first").0)).await;
        let devices: Vec<&Value> = listed.body["sessions"].as_array().unwrap().iter().map(|row| &row["device"]).collect();
        assert!(devices.len() == 2 && devices.contains(&&json!("Ada’s phone")), "{devices:?}");

        for name in ["first", "imported"] {
            let next = Pair::of(&service.refresh(&pair(name).1).await);
            service.assert_allowed(&next.access).await;
        }
        service.assert_allowed(&service.login().await.access).await;

        // Old tokens of clients count as reuse after their windows, and end their logins.
        service.clock.advance(TimeDelta::minutes(1));
        for (old, newest) in [("replaced", "successor"), ("imported-replaced", "imported-successor")] {
            assert_eq!(service.refresh(&pair(old).1).await.outcome(), (401, "invalid_token"));
            service.assert_refused(&pair(newest).0).await;
        }
    }
}
