//! Logins that the back office issues for users whom others have authenticated.

use chrono::TimeDelta;
use latchkey_tests::service::{Pair, Service};
use serde_json::json;

use crate::admin::{END_ALL, ISSUE, SEARCH, login_ids, user_id};

#[tokio::test]
async fn a_login_is_issued_for_a_user_of_ones_own() {
    let service = Service::start(&[]).await;
    let body = json!({
        "user_id": "ada@example.com", "device": "Ada’s phone", "device_id": "0123456789abcdef", "user_agent": "Latch/1.0", "ip": "192.0.2.7",
    });
    let answer = service.admin(ISSUE, &body).await;
    let pair = Pair::of(&answer);
    assert_eq!((&answer.body["user_id"], answer.headers["cache-control"].to_str().unwrap()), (&json!("ada@example.com"), "no-store"));
    assert_eq!(service.me(&pair.access).await.body["user_id"], "ada@example.com");
    assert_eq!(service.introspect(&pair.access).await.body["sub"], "ada@example.com");
    let row = &service.admin(SEARCH, &json!({"user_id": "ada@example.com"})).await.body["logins"][0];
    let shown = ["login_id", "device", "user_agent", "ip"].map(|name| row[name].as_str().unwrap());
    assert_eq!(shown, [&*pair.login_id, "Ada’s phone", "Latch/1.0", "192.0.2.7"]);
    let next = Pair::of(&service.refresh(&pair.refresh).await);
    service.assert_allowed(&next.access).await;
    assert_eq!(service.logout(&next.refresh).await.status, 204);
}

/// A call whose answer was lost is repeated: the login that no client has is gone.
#[tokio::test]
async fn a_repeated_issue_replaces_its_ghost() {
    let service = Service::start(&[]).await;
    let by_key = async |key: &str| {
        let request = service.request("POST", ISSUE).json(&json!({"user_id": "ada"})).header("idempotency-key", key);
        Pair::of(&service.admin_sends(request).await)
    };
    let (lost, again, other) = (by_key("one").await, by_key("one").await, by_key("two").await);
    service.assert_refused(&lost.access).await;
    for pair in [&again, &other] {
        service.assert_allowed(&pair.access).await;
    }
    let by_device = async || Pair::of(&service.admin(ISSUE, &json!({"user_id": "ada", "device_id": "0123456789abcdef"})).await);
    let (lost, again) = (by_device().await, by_device().await);
    service.assert_refused(&lost.access).await;
    service.assert_allowed(&again.access).await;
    assert_eq!(login_ids(&service.admin(SEARCH, &json!({"user_id": "ada"})).await).len(), 3);
}

/// A kiosk: no refresh goes beyond it. The setting is the bound.
#[tokio::test]
async fn a_lifetime_is_absolute() {
    let service = Service::start(&[("SESSION_MAX_LIFETIME", "30d")]).await;
    let issue =
        async |lifetime: u64| service.admin(ISSUE, &json!({"user_id": "ada", "device_id": "0123456789abcdef", "lifetime": lifetime})).await;
    let pair = Pair::of(&issue(600).await);
    let ends_at = service.clock.now() + TimeDelta::minutes(10);
    assert_eq!((pair.access_expires_at, pair.refresh_expires_at), (service.clock.now() + TimeDelta::minutes(5), ends_at));
    service.clock.advance(TimeDelta::minutes(8));
    let next = Pair::of(&service.refresh(&pair.refresh).await);
    assert_eq!((next.access_expires_at, next.refresh_expires_at), (ends_at, ends_at));
    service.clock.advance(TimeDelta::minutes(2));
    assert_eq!(service.refresh(&next.refresh).await.status, 401);
    service.assert_refused(&next.access).await;
    let month = 30 * 24 * 60 * 60;
    assert_eq!(issue(month).await.status, 200);
    assert_eq!(issue(month + 1).await.outcome(), (400, "invalid_request"));
    // A lifetime below the access token's caps that, too.
    assert_eq!(Pair::of(&issue(60).await).access_expires_at, service.clock.now() + TimeDelta::minutes(1));
}

/// The limits hold for both doors together.
#[tokio::test]
async fn an_issue_keeps_to_the_limits() {
    let service = Service::start(&[("MAX_SESSIONS_PER_USER", "2"), ("ON_SESSION_LIMIT", "reject")]).await;
    let login = service.login().await;
    let user_id = user_id(&service).await;
    let issued = Pair::of(&service.issue(&user_id).await);
    assert_eq!(service.issue(&user_id).await.outcome(), (409, "session_limit"));
    service.assert_allowed(&login.access).await;
    let evicting = Service::over(service.database.clone(), service.clock.clone(), &[("MAX_SESSIONS_PER_USER", "2")]).await;
    service.clock.advance(TimeDelta::seconds(1));
    let third = Pair::of(&evicting.issue(&user_id).await);
    evicting.assert_allowed(&third.access).await;
    let survivors = [&login, &issued].map(|pair| pair.access.clone());
    let allowed = [evicting.me(&survivors[0]).await.status, evicting.me(&survivors[1]).await.status];
    assert_eq!(allowed.iter().filter(|status| **status == 200).count(), 1, "one made room");
}

/// An issue decided before "everywhere" doesn't commit after it.
#[tokio::test]
async fn g9_an_issue_in_flight_does_not_survive_everywhere() {
    let service = Service::start(&[]).await;
    let before = Pair::of(&service.issue("ada").await);
    let mut transaction = service.tap.hold("TransactWriteItems");
    let issuing = tokio::spawn({
        let service = service.clone();
        async move { service.issue("ada").await }
    });
    transaction.reached().await;
    assert_eq!(service.admin(END_ALL, &json!({"user_id": "ada"})).await.status, 200);
    transaction.release();
    // It was decided anew, so it is a login from after the end.
    let after = Pair::of(&issuing.await.unwrap());
    service.assert_allowed(&after.access).await;
    service.assert_refused(&before.access).await;
}

/// Two sequential round trips: the register beside the device's item, then one transaction.
#[tokio::test]
async fn an_issue_costs_two_round_trips() {
    let service = Service::start(&[]).await;
    service.tap.count_capacity();
    service.tap.arm(Vec::new());
    let issue = async |device: &str| {
        assert_eq!(service.admin(ISSUE, &json!({"user_id": "ada", "device_id": device})).await.status, 200);
        let calls: Vec<_> = service.tap.disarm().into_iter().map(|call| (call.operation, call.capacity.unwrap())).collect();
        service.tap.arm(Vec::new());
        calls
    };
    let reads = [("GetItem".to_owned(), 1.0), ("GetItem".to_owned(), 1.0)];
    // The register, the login, its session and the device's item, two units each; one into each index.
    let first = ("TransactWriteItems".to_owned(), 4.0 * 2.0 + 2.0);
    let calls = issue("0123456789abcdef").await;
    assert_eq!((&calls[..2], &calls[2..]), (&reads[..], &[first][..]));
    // And the predecessor.
    let second = ("TransactWriteItems".to_owned(), 5.0 * 2.0 + 2.0);
    let calls = issue("another-device-id").await;
    assert_eq!((&calls[..2], &calls[2..]), (&reads[..], &[second][..]));
}
