//! G11: a blocked user gets through no door.

use chrono::TimeDelta;
use latchkey::{
    clock::rfc3339,
    entropy::Random,
    ids::UserKey,
    import::{ImportRow, ImportedSession},
    operations::{ImportOutcome, change_user, import_session, remove_user},
    store::{Accounts, Store, UserChange, Users},
};
use latchkey_cli::dev::{DEMO_PASSWORD, DEMO_USER};
use latchkey_tests::service::{Pair, ParseUsername as _, Service};
use serde_json::json;

use crate::admin::{BLOCK, LIFT, SEARCH, login_ids, user_id};

#[tokio::test]
async fn g11_a_block_closes_every_door() {
    let service = Service::start_by(&[("AcceptImportedTokens", "true")], &[]).await;
    let login = service.login().await;
    let user_id = user_id(&service).await;
    let issued = Pair::of(&service.issue(&user_id).await);
    assert_eq!(service.admin(BLOCK, &json!({"user_id": user_id})).await.body, json!({"ended": 2}));
    for pair in [&login, &issued] {
        service.assert_refused(&pair.access).await;
        assert_eq!(service.refresh(&pair.refresh).await.status, 401);
    }
    let credentials = json!({"username": DEMO_USER, "password": DEMO_PASSWORD});
    assert_eq!(service.login_with(&credentials).await.outcome(), (401, "invalid_credentials"));
    assert_eq!(service.issue(&user_id).await.outcome(), (403, "user_blocked"));
    assert_eq!(import(&service, &user_id).await, ImportOutcome::Blocked);
    let found = service.admin(SEARCH, &json!({"user_id": user_id})).await;
    assert_eq!((&found.body["blocked_at"], login_ids(&found).len()), (&json!(rfc3339(service.clock.now())), 0));
    service.clock.advance(TimeDelta::minutes(1));
    assert_eq!(service.admin(BLOCK, &json!({"user_id": user_id})).await.body, json!({"ended": 0}), "again");
    let again = service.admin(SEARCH, &json!({"user_id": user_id})).await;
    assert_eq!(again.body["blocked_at"], found.body["blocked_at"], "blocked since the first time");

    for _ in 0..2 {
        assert_eq!(service.admin(LIFT, &json!({"user_id": user_id})).await.status, 204);
    }
    service.assert_allowed(&service.login().await.access).await;
    service.assert_allowed(&Pair::of(&service.issue(&user_id).await).access).await;
    service.assert_refused(&login.access).await;
}

async fn import(service: &Service, user_id: &str) -> ImportOutcome {
    let in_an_hour = &*rfc3339(service.clock.now() + TimeDelta::hours(1));
    let row = ImportRow {
        user_id,
        access_token: "theirs-access-0123456789",
        refresh_token: "theirs-refresh-0123456789",
        access_token_expires_at: in_an_hour,
        refresh_token_expires_at: in_an_hour,
    };
    let store = Store::new(service.database.client.clone(), service.database.table("SessionsTable"));
    import_session(&store, &ImportedSession::parse(row).unwrap(), service.clock.now(), &Random::system()).await.unwrap()
}

/// A guesser can't tell a blocked user from a wrong password, neither by the answer nor by the calls.
#[tokio::test]
async fn a_blocked_users_login_costs_what_a_wrong_password_costs() {
    let service = Service::start(&[]).await;
    service.login().await;
    let user_id = user_id(&service).await;
    service.admin(BLOCK, &json!({"user_id": user_id})).await;
    let attempt = async |password: &str| {
        let _ = service.tap.take_calls();
        let answer = service.login_with(&json!({"username": DEMO_USER, "password": password})).await;
        let mut calls = service.tap.take_calls();
        calls.sort_unstable();
        (answer.status, answer.text, calls)
    };
    assert_eq!(attempt(DEMO_PASSWORD).await, attempt("wrong").await);
}

/// A block of a user who has no register makes one, so that an issue that read "no register" can't commit after it.
#[tokio::test]
async fn g11_an_issue_in_flight_does_not_survive_a_block() {
    for known in [false, true] {
        let service = Service::start(&[]).await;
        if known {
            service.issue("ada").await;
        }
        let mut transaction = service.tap.hold("TransactWriteItems");
        let issuing = tokio::spawn({
            let service = service.clone();
            async move { service.issue("ada").await }
        });
        transaction.reached().await;
        assert_eq!(service.admin(BLOCK, &json!({"user_id": "ada"})).await.status, 200);
        transaction.release();
        assert_eq!(issuing.await.unwrap().outcome(), (403, "user_blocked"), "known: {known}");
        assert_eq!(login_ids(&service.admin(SEARCH, &json!({"user_id": "ada"})).await), <[&str; 0]>::default());
    }
}

/// Disabling is a block, and a removal leaves it: the register never returns to an earlier value.
#[tokio::test]
async fn g11_a_disabled_and_a_removed_user_are_blocked() {
    let service = Service::start(&[]).await;
    let user_id = user_id(&service).await;
    let store = Store::new(service.database.client.clone(), service.database.table("SessionsTable"));
    let users = Users::new(service.database.client.clone(), service.database.table("UsersTable"));
    let (accounts, random, demo) = (Accounts::new(store.clone(), users), Random::system(), DEMO_USER.parse_username());
    let change = async |change: UserChange| change_user(&accounts, &demo, &change, &random).await.unwrap().unwrap();
    // They have never logged in.
    change(UserChange::Disabled(service.clock.now())).await;
    assert_eq!(service.issue(&user_id).await.outcome(), (403, "user_blocked"));
    change(UserChange::Enabled).await;
    let pair = Pair::of(&service.issue(&user_id).await);
    let version = async || store.read_user_logins(&UserKey::of(&user_id)).await.unwrap().register.unwrap().version;
    let before = version().await;
    remove_user(&accounts, &demo, service.clock.now(), &random).await.unwrap().unwrap();
    service.assert_refused(&pair.access).await;
    assert!(version().await > before);
    assert_eq!(service.issue(&user_id).await.outcome(), (403, "user_blocked"));
    let items = service.database.items("SessionsTable").await;
    assert_eq!(items.len(), 1);
    assert!(!format!("{items:?}").contains(&user_id), "the id is gone: {items:?}");
}
