//! What an attacker can do with each thing they may steal; docs/threat-model.md describes it in words.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::TimeDelta;
use latchkey::{
    entropy::Random,
    operations::{change_user, end_scanned, issue::reissue},
    store::{Accounts, Store, UserChange, Users, read_session},
    token::{ImportedTokens, PresentedToken, TokenPair},
};
use latchkey_cli::dev::{DEMO_PASSWORD, DEMO_USER};
use latchkey_tests::{
    database::Item,
    service::{Pair, ParseUsername as _, Service},
};
use serde_json::json;

/// The pairs that these items seal for the holder of this refresh token.
fn opened_by(refresh: &str, items: &[Item]) -> Vec<TokenPair> {
    let presented = PresentedToken::parse(refresh, ImportedTokens::Refused).unwrap();
    let sessions = items.iter().filter(|item| item.contains_key("sealed")).map(|item| read_session(item).unwrap());
    sessions.filter_map(|session| reissue(&session, session.predecessor.as_ref().unwrap(), &presented).ok()).collect()
}

/// The token before the current one opens them, whether or not its window is over; an older one opens nothing.
#[tokio::test]
async fn the_table_and_the_token_before_the_current_one_give_the_current_pair() {
    let service = Service::start(&[]).await;
    let first = service.login().await;
    let second = Pair::of(&service.refresh(&first.refresh).await);
    service.clock.advance(TimeDelta::seconds(60));
    let opened = opened_by(&first.refresh, &service.database.items("SessionsTable").await);
    assert_eq!(opened.iter().map(|pair| pair.refresh.expose()).collect::<Vec<_>>(), [&second.refresh]);
    assert_eq!(opened[0].access.expose(), second.access);

    let third = Pair::of(&service.refresh(&second.refresh).await);
    let table = service.database.items("SessionsTable").await;
    assert!(opened_by(&first.refresh, &table).is_empty());
    assert!(opened_by(&third.refresh, &table).is_empty(), "nor does a token open its own session");
}

#[tokio::test]
async fn the_tables_history_leads_from_any_old_refresh_token_to_the_current_one() {
    let service = Service::start(&[]).await;
    let first = service.login().await;
    let (mut history, mut current) = (Vec::new(), first.clone());
    for _ in 0..4 {
        service.clock.advance(TimeDelta::minutes(5));
        current = Pair::of(&service.refresh(&current.refresh).await);
        history.extend(service.database.items("SessionsTable").await);
    }
    let mut stolen = first.refresh;
    while let Some(next) = opened_by(&stolen, &history).pop() {
        stolen = next.refresh.expose().to_owned();
    }
    assert_eq!(stolen, current.refresh);
}

async fn put_back(service: &Service, table: &str, items: Vec<Item>) {
    for item in items {
        let put = service.database.client.put_item().table_name(service.database.table(table));
        put.set_item(Some(item)).send().await.unwrap();
    }
}

/// Replaces the items of the sessions table, as a restore from a backup would.
async fn restore_sessions(service: &Service, backup: Vec<Item>) {
    for item in service.database.items("SessionsTable").await {
        let key = ["user_key", "sk"].map(|name| (name.to_owned(), item[name].clone()));
        let delete = service.database.client.delete_item().table_name(service.database.table("SessionsTable"));
        delete.set_key(Some(key.into())).send().await.unwrap();
    }
    put_back(service, "SessionsTable", backup).await;
}

async fn end_everyone(service: &Service) {
    let store = Store::new(service.database.client.clone(), service.database.table("SessionsTable"));
    let (users, end) = store.scan_users(None).await.unwrap();
    assert_eq!(end, None);
    for (user_key, seen) in users {
        end_scanned(&store, &user_key, &seen, &Random::system()).await.unwrap();
    }
}

#[tokio::test]
async fn a_restored_table_revives_ended_logins_and_replaced_tokens_until_everyone_is_logged_out() {
    let service = Service::start(&[]).await;
    let (ended, refreshed) = (service.login().await, service.login().await);
    let backup = service.database.items("SessionsTable").await;
    service.logout(&ended.access).await;
    let current = Pair::of(&service.refresh(&refreshed.refresh).await);

    restore_sessions(&service, backup.clone()).await;
    service.assert_allowed(&ended.access).await;
    service.assert_allowed(&refreshed.access).await;
    service.assert_refused(&current.access).await;
    assert_eq!(service.refresh(&current.refresh).await.outcome(), (401, "invalid_token"), "from the user, and newer than the table");
    assert_eq!(service.refresh(&refreshed.refresh).await.status, 200, "old, and the newest in the table");

    restore_sessions(&service, backup).await;
    end_everyone(&service).await;
    for pair in [&ended, &refreshed, &current] {
        service.assert_refused(&pair.access).await;
        assert_eq!(service.refresh(&pair.refresh).await.outcome(), (401, "invalid_token"));
    }
    let new = service.login().await;
    service.assert_allowed(&new.access).await;
}

/// A backup taken in mid-commit holds a login without its session, and no request will ever complete it.
#[tokio::test]
async fn a_login_restored_without_its_session_is_unavailable_until_it_is_ended() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    let backup = service.database.items("SessionsTable").await;
    let torn = backup.into_iter().filter(|item| !item["sk"].as_s().unwrap().contains('#')).collect();
    restore_sessions(&service, torn).await;
    service.assert_refused(&pair.access).await;
    let hurried = service.with_budget(Duration::from_secs(1)).await;
    assert_eq!(hurried.refresh(&pair.refresh).await.outcome(), (503, "unavailable"));
    end_everyone(&service).await;
    assert_eq!(service.refresh(&pair.refresh).await.outcome(), (401, "invalid_token"));
}

/// The block is in the sessions table. Without that table, it is gone too.
#[tokio::test]
async fn restored_tables_let_a_disabled_user_in_again() {
    let service = Service::start(&[]).await;
    let backup = service.database.items("UsersTable").await;
    let store = Store::new(service.database.client.clone(), service.database.table("SessionsTable"));
    let accounts = Accounts::new(store, Users::new(service.database.client.clone(), service.database.table("UsersTable")));
    change_user(&accounts, &DEMO_USER.parse_username(), &UserChange::Disabled(service.clock.now()), &Random::system()).await.unwrap();
    let body = json!({"username": DEMO_USER, "password": DEMO_PASSWORD});
    assert_eq!(service.login_with(&body).await.status, 401);
    assert!(backup.iter().any(|user| user["status"] == AttributeValue::S("active".into())));
    put_back(&service, "UsersTable", backup).await;
    assert_eq!(service.login_with(&body).await.status, 401);
    restore_sessions(&service, Vec::new()).await;
    assert_eq!(service.login_with(&body).await.status, 200);
}
