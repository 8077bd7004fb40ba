//! `PUT /me/password`: a user changes their own password.

use chrono::TimeDelta;
use latchkey_cli::dev::{DEMO_PASSWORD, DEMO_USER};
use latchkey_tests::service::{Answer, Pair, Service, send};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::password_change::add_user;

pub(crate) const NEW: &str = "violin gravel postcode heron";

pub(crate) fn body(username: &str, current: &str, new: &str) -> Value {
    json!({"username": username, "current_password": current, "new_password": new})
}

pub(crate) fn request(service: &Service, access: &str, body: &Value) -> RequestBuilder {
    service.request("PUT", "/me/password").bearer_auth(access).json(body)
}

async fn change(service: &Service, access: &str, body: &Value) -> Answer {
    send(request(service, access, body)).await
}

async fn login(service: &Service, password: &str) -> u16 {
    service.login_with(&json!({"username": DEMO_USER, "password": password})).await.status
}

/// G9: no login from before survives, and the client goes on with a new one.
#[tokio::test]
async fn a_changed_password_ends_every_login_but_the_new_one() {
    let service = Service::start(&[]).await;
    let phone = json!({"username": DEMO_USER, "password": DEMO_PASSWORD, "device": "Ada’s phone", "device_id": "0123456789abcdef"});
    let own = Pair::of(&service.login_with(&phone).await);
    let other = service.login().await;
    let answer = change(&service, &own.access, &body("Demo", DEMO_PASSWORD, NEW)).await;
    let pair = Pair::of(&answer);
    assert_ne!(pair.login_id, own.login_id);
    for old in [&own, &other] {
        service.assert_refused(&old.access).await;
        assert_eq!(service.refresh(&old.refresh).await.outcome(), (401, "invalid_token"));
    }
    service.assert_allowed(&pair.access).await;
    let pair = Pair::of(&service.refresh(&pair.refresh).await);
    assert_eq!((login(&service, DEMO_PASSWORD).await, login(&service, NEW).await), (401, 200));

    // The device is the same, and its next login replaces this one.
    let listed = send(service.request("GET", "/sessions").bearer_auth(&pair.access)).await;
    let own = listed.body["sessions"].as_array().unwrap().iter().find(|row| row["current"] == true).unwrap();
    assert_eq!(own["device"], "Ada’s phone");
    let phone = json!({"username": DEMO_USER, "password": NEW, "device_id": "0123456789abcdef"});
    assert_eq!(service.login_with(&phone).await.status, 200);
    service.assert_refused(&pair.access).await;
}

/// A login of an hour doesn't become one of days, and what it may do doesn't change.
#[tokio::test]
async fn the_new_login_has_the_terms_of_the_one_before() {
    let service = Service::start(&[]).await;
    let user_id = send(service.request("GET", "/me").bearer_auth(&service.login().await.access)).await.body["user_id"].clone();
    let issue = json!({"user_id": user_id, "device_id": "0123456789abcdef", "lifetime": 3600, "scope": "orders:read", "attributes": {"role": "kiosk"}});
    let kiosk = Pair::of(&service.admin("/admin/logins", &issue).await);
    service.clock.advance(TimeDelta::minutes(2));
    let changed = Pair::of(&change(&service, &kiosk.access, &body(DEMO_USER, DEMO_PASSWORD, NEW)).await);
    assert_eq!(changed.refresh_expires_at, kiosk.refresh_expires_at);
    let me = send(service.request("GET", "/me").bearer_auth(&changed.access)).await;
    assert_eq!((&me.body["scope"], &me.body["attributes"]["role"]), (&json!("orders:read"), &json!("kiosk")));
    service.clock.advance(TimeDelta::minutes(58));
    assert_eq!(service.refresh(&changed.refresh).await.status, 401);
}

/// The name of another user: a session must not be a way to guess at their password.
#[tokio::test]
async fn who_cant_change_it_gets_one_answer() {
    let service = Service::start(&[("LOGIN_FREE_FAILURES", "5")]).await;
    add_user(&service, "berta", "password of berta entirely").await;
    let pair = service.login().await;
    for (name, current) in [(DEMO_USER, "wrong"), ("berta", "password of berta entirely"), ("berta", "wrong"), ("nobody", "wrong")] {
        let refused = change(&service, &pair.access, &body(name, current, NEW)).await;
        assert_eq!(refused.outcome(), (401, "invalid_credentials"), "{name}");
    }
    service.assert_allowed(&pair.access).await;
    assert_eq!(login(&service, DEMO_PASSWORD).await, 200);
}

/// Each costs the same calls as a wrong password at a login, and one read of the session's login.
#[tokio::test]
async fn a_refusal_costs_the_same_for_every_name() {
    let service = Service::start(&[("LOGIN_FREE_FAILURES", "50")]).await;
    add_user(&service, "berta", "password of berta entirely").await;
    let pair = service.login().await;
    let cost = async |name: &str, current: &str| {
        let _ = service.tap.take_calls();
        assert_eq!(change(&service, &pair.access, &body(name, current, NEW)).await.status, 401);
        let mut calls = service.tap.take_calls();
        // The session's network is known for its user, so fewer counts are written, as at a login.
        calls.retain(|call| call != "PutItem");
        calls.sort_unstable();
        calls
    };
    // First of all, each name makes its counts.
    for name in [DEMO_USER, "berta", "nobody"] {
        cost(name, "wrong").await;
    }
    let wrong = cost(DEMO_USER, "wrong").await;
    assert_eq!(cost("berta", "password of berta entirely").await, wrong);
    assert_eq!(cost("nobody", "wrong").await, wrong);
}

#[tokio::test]
async fn attempts_are_counted_as_those_of_a_login() {
    let service = Service::start(&[("LOGIN_FREE_FAILURES", "2")]).await;
    let pair = service.login().await;
    let mut wrong = Vec::new();
    for _ in 0..4 {
        wrong.push(change(&service, &pair.access, &body(DEMO_USER, "wrong", NEW)).await.status);
    }
    assert_eq!(wrong, [401, 401, 429, 429]);
    assert_eq!(change(&service, &pair.access, &body(DEMO_USER, DEMO_PASSWORD, NEW)).await.outcome(), (429, "throttled"));
    assert_eq!(login(&service, DEMO_PASSWORD).await, 429, "it counts for the login too");
}

#[tokio::test]
async fn a_weak_password_is_refused_before_anything_is_read() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    let long = "jkx8 vqz2 mwp4 rtn6 ".repeat(60);
    let _ = service.tap.take_calls();
    for (new, detail) in [
        ("fourteen chars", "`new_password` needs at least 15 characters"),
        (long.as_str(), "`new_password` takes at most 1024 bytes"),
        ("passwordpassword", "`new_password` is easy to guess"),
        ("demodemodemodemo", "`new_password` is easy to guess"),
    ] {
        let refused = change(&service, &pair.access, &body(DEMO_USER, DEMO_PASSWORD, new)).await;
        assert_eq!(refused.outcome(), (400, "weak_password"), "{new}");
        assert_eq!(refused.body["detail"], detail);
    }
    for wrong in [json!({}), json!([]), json!({"username": DEMO_USER, "current_password": 1, "new_password": NEW})] {
        assert_eq!(change(&service, &pair.access, &wrong).await.outcome(), (400, "invalid_request"));
    }
    assert!(service.tap.take_calls().iter().all(|call| call == "Query"), "the authorizer's reads");
    service.assert_allowed(&pair.access).await;
}

/// The login ends between the authorizer and the transaction. The transaction asks for it.
#[tokio::test]
async fn an_ended_login_changes_nothing() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    let mut transaction = service.tap.hold("TransactWriteItems");
    let changing = tokio::spawn({
        let (service, access) = (service.clone(), pair.access.clone());
        async move { change(&service, &access, &body(DEMO_USER, DEMO_PASSWORD, NEW)).await }
    });
    transaction.reached().await;
    assert_eq!(service.logout(&pair.access).await.status, 204);
    transaction.release();
    assert_eq!(changing.await.unwrap().outcome(), (401, "invalid_token"));
    assert_eq!((login(&service, NEW).await, login(&service, DEMO_PASSWORD).await), (401, 200));
}

/// A login by the old password that was decided before the change doesn't come to be.
#[tokio::test]
async fn a_login_in_flight_does_not_survive_it() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    let mut transaction = service.tap.hold("TransactWriteItems");
    let logging_in = tokio::spawn({
        let service = service.clone();
        async move { login(&service, DEMO_PASSWORD).await }
    });
    transaction.reached().await;
    assert_eq!(change(&service, &pair.access, &body(DEMO_USER, DEMO_PASSWORD, NEW)).await.status, 200);
    transaction.release();
    assert_eq!(logging_in.await.unwrap(), 401);
}

/// At the limit: the new login takes the place of the one that it replaces.
#[tokio::test]
async fn a_limit_is_no_obstacle() {
    let service = Service::start(&[("MAX_SESSIONS_PER_USER", "1"), ("ON_SESSION_LIMIT", "reject")]).await;
    let pair = service.login().await;
    let pair = Pair::of(&change(&service, &pair.access, &body(DEMO_USER, DEMO_PASSWORD, NEW)).await);
    service.assert_allowed(&pair.access).await;
    assert_eq!(service.database.sort_keys().await.len(), 3);
}

/// The answer of the transaction is lost: the request finds its own commit.
#[tokio::test]
async fn a_lost_answer_of_the_transaction_is_found_out() {
    use latchkey_tests::tap::{Fault, Reach, Rule};
    for fault in [Fault::LostAfter, Fault::ErrorAfter(500, "InternalServerError")] {
        let service = Service::start(&[]).await;
        let (pair, other) = (service.login().await, service.login().await);
        service.tap.arm(vec![Rule { operation: "TransactWriteItems", nth: 1, reach: Reach::OneCall, fault: fault.clone() }]);
        let pair = Pair::of(&change(&service, &pair.access, &body(DEMO_USER, DEMO_PASSWORD, NEW)).await);
        let _ = service.tap.disarm();
        service.assert_allowed(&pair.access).await;
        service.assert_refused(&other.access).await;
        assert_eq!(login(&service, NEW).await, 200, "{fault:?}");
    }
}

/// Each call of the request in turn, in each way: what is acknowledged has happened, and after a 503 one of the two passwords is right,
/// whole, with no login of the other left once the change is acknowledged.
#[tokio::test]
async fn a_fault_at_any_call_leaves_one_password_or_the_other() {
    use std::collections::BTreeMap;

    use latchkey_tests::tap::{Fault, Reach, Rule};

    let recorded = {
        let service = Service::start(&[]).await;
        let (pair, _other) = (service.login().await, service.login().await);
        let _ = service.tap.take_calls();
        assert_eq!(change(&service, &pair.access, &body(DEMO_USER, DEMO_PASSWORD, NEW)).await.status, 200);
        service.tap.take_calls()
    };
    let mut counted: BTreeMap<&'static str, usize> = BTreeMap::new();
    for operation in ["BatchGetItem", "GetItem", "PutItem", "Query", "TransactWriteItems", "DeleteItem"] {
        counted.insert(operation, recorded.iter().filter(|call| *call == operation).count());
    }
    assert_eq!(counted.values().sum::<usize>(), recorded.len(), "{recorded:?}");
    let mut acknowledged = 0;
    for (operation, calls) in counted {
        for nth in 1..=calls {
            for fault in [Fault::LostBefore, Fault::LostAfter, Fault::Error(400, "ProvisionedThroughputExceededException")] {
                let service = Service::start(&[("LOGIN_FREE_FAILURES", "50")]).await;
                let (pair, other) = (service.login().await, service.login().await);
                service.tap.arm(vec![Rule { operation, nth, reach: Reach::OneCall, fault: fault.clone() }]);
                let answer = change(&service, &pair.access, &body(DEMO_USER, DEMO_PASSWORD, NEW)).await;
                let _ = service.tap.disarm();
                let cell = format!("{operation} {nth} {fault:?}: {}", answer.text);
                assert!([200, 503].contains(&answer.status), "{cell}");
                if answer.status == 200 {
                    acknowledged += 1;
                    service.assert_allowed(&Pair::of(&answer).access).await;
                    service.assert_refused(&other.access).await;
                }
                let passwords = (login(&service, DEMO_PASSWORD).await, login(&service, NEW).await);
                let expected: &[(u16, u16)] = if answer.status == 200 { &[(401, 200)] } else { &[(401, 200), (200, 401)] };
                assert!(expected.contains(&passwords), "{cell}: {passwords:?}");
            }
        }
    }
    assert!(acknowledged > 5, "{acknowledged}");
}

/// The calls and what they consume. docs/scale.md has the operations that users do every day; this one is rare.
#[tokio::test]
async fn a_change_asks_as_often_as_promised() {
    let service = Service::start(&[]).await;
    let (pair, _other) = (service.login().await, service.login().await);
    let _ = service.tap.take_calls();
    assert_eq!(change(&service, &pair.access, &body(DEMO_USER, DEMO_PASSWORD, NEW)).await.status, 200);
    let mut calls = service.tap.take_calls();
    // Parallel calls have no order.
    calls.sort_unstable();
    assert_eq!(
        calls,
        // The counts; the user and the register; a place and its verdict; the authorizer's read, the session's login, the sweep of its
        // session and the other logins; the transaction. The other login and two sessions are deleted.
        [
            "BatchGetItem",
            "DeleteItem",
            "DeleteItem",
            "DeleteItem",
            "GetItem",
            "GetItem",
            "PutItem",
            "PutItem",
            "Query",
            "Query",
            "Query",
            "Query",
            "TransactWriteItems"
        ]
    );
}
