//! The number of DynamoDB calls of each operation, counted at the SDK's connector. The documents promise these numbers.

use latchkey_cli::dev::DEMO_PASSWORD;
use latchkey_tests::service::{Pair, Service};
use serde_json::json;

#[tokio::test]
async fn each_operation_asks_as_often_as_promised() {
    let service = Service::start(&[]).await;
    let calls = || {
        let mut calls = service.tap.take_calls();
        // Parallel calls have no order.
        calls.sort_unstable();
        calls
    };
    calls();

    let first = service.login().await;
    assert_eq!(
        calls(),
        // In parallel: the user and the counts; the register and a place in two counts, during the hash; the transaction and the
        // verdict in both counts.
        ["BatchGetItem", "GetItem", "GetItem", "PutItem", "PutItem", "PutItem", "PutItem", "TransactWriteItems"]
    );

    service.me(&first.access).await;
    assert_eq!(calls(), ["Query"], "authorize: one");

    let second = Pair::of(&service.refresh(&first.refresh).await);
    assert_eq!(calls(), ["Query", "TransactWriteItems"], "refresh: two");

    service.refresh(&first.refresh).await;
    assert_eq!(calls(), ["Query"], "replay: one");

    service.me(&first.access).await;
    assert_eq!(calls(), ["Query"], "a refusal costs no more");

    service.logout(&second.access).await;
    assert_eq!(calls(), ["DeleteItem", "DeleteItem"], "logout: the login, then its session");

    service.logout(&second.access).await;
    assert_eq!(calls(), ["DeleteItem"], "of an ended login: one");

    service.refresh(&second.refresh).await;
    assert_eq!(calls(), ["Query"], "refused: one");
}

/// Promise G8.
#[tokio::test]
async fn a_malformed_token_costs_no_call() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    let _ = service.tap.take_calls();
    let mut edited = pair.refresh.clone();
    edited.replace_range(100..101, if edited[100..].starts_with('A') { "B" } else { "A" });
    for token in [&edited, &pair.access[..255], "garbage", &pair.access.replacen("lka_", "lkr_", 1)] {
        assert_eq!(service.refresh(token).await.outcome(), (401, "invalid_token"), "{token}");
        assert_eq!(service.logout(token).await.outcome(), (401, "invalid_token"), "{token}");
        assert_eq!(service.me(token).await.status, 401, "{token}");
    }
    assert_eq!(service.refresh(&pair.access).await.status, 401);
    assert!(service.tap.take_calls().is_empty());
}

/// One transaction at a time: the cost of two sequential round trips, without the hash.
#[tokio::test]
async fn a_login_goes_to_dynamodb_twice_in_sequence() {
    let service = Service::start(&[]).await;
    let mut user = service.tap.hold("GetItem");
    let mut register = service.tap.hold("GetItem");
    let mut transaction = service.tap.hold("TransactWriteItems");
    let login = tokio::spawn({
        let service = service.clone();
        async move { service.login_with(&json!({"username": "demo", "password": DEMO_PASSWORD})).await.status }
    });
    user.reached().await;
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    let mut before = service.tap.take_calls();
    before.sort_unstable();
    assert_eq!(before, ["BatchGetItem", "GetItem"], "the counts don't wait for the user");
    user.release();
    register.reached().await;
    let mut beside = service.tap.take_calls();
    beside.retain(|call| call != "PutItem");
    assert_eq!(beside, ["GetItem"], "the transaction waits for the register");
    register.release();
    transaction.reached().await;
    transaction.release();
    assert_eq!(login.await.unwrap(), 200);
}
