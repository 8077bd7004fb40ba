//! The limit on a user's logins, and the effect of a device id.

use latchkey_cli::dev::{DEMO_PASSWORD, DEMO_USER};
use latchkey_tests::service::{Answer, Pair, Service};
use serde_json::json;

#[tokio::test]
async fn the_oldest_login_makes_room() {
    let service = Service::start(&[("MAX_SESSIONS_PER_USER", "2")]).await;
    let mut pairs = Vec::new();
    for _ in 0..3 {
        service.clock.advance(chrono::TimeDelta::seconds(1));
        pairs.push(service.login().await);
    }
    service.assert_refused(&pairs[0].access).await;
    service.assert_allowed(&pairs[1].access).await;
    service.assert_allowed(&pairs[2].access).await;
    assert_eq!(service.database.sort_keys().await.len(), 5, "the register, two logins, two sessions");
}

/// Only a client with the right password learns of the limit.
#[tokio::test]
async fn one_too_many_is_rejected_after_the_right_password_only() {
    let service = Service::start(&[("MAX_SESSIONS_PER_USER", "1"), ("ON_SESSION_LIMIT", "reject")]).await;
    let pair = service.login().await;
    let login = |password: &'static str| {
        let service = service.clone();
        async move { service.login_with(&json!({"username": DEMO_USER, "password": password})).await }
    };
    assert_eq!(login(DEMO_PASSWORD).await.outcome(), (409, "session_limit"));
    assert_eq!(login("wrong").await.outcome(), (401, "invalid_credentials"));
    service.assert_allowed(&pair.access).await;
    assert_eq!(service.logout(&pair.access).await.status, 204);
    assert_eq!(login(DEMO_PASSWORD).await.status, 200);
}

/// Exact under parallel logins, at limit 1.
#[tokio::test]
async fn parallel_logins_leave_one_at_limit_one() {
    let service = Service::start(&[("MAX_SESSIONS_PER_USER", "1")]).await;
    let answers = together(&service, 4).await;
    let mut allowed = 0;
    for pair in answers.iter().filter(|answer| answer.status == 200).map(Pair::of) {
        allowed += usize::from(service.me(&pair.access).await.status == 200);
    }
    assert_eq!((logins(&service).await, allowed), (1, 1));
}

/// Exact under parallel logins, when the one over the limit is refused.
#[tokio::test]
async fn parallel_logins_never_get_past_a_limit_that_rejects() {
    let service = Service::start(&[("MAX_SESSIONS_PER_USER", "3"), ("ON_SESSION_LIMIT", "reject")]).await;
    let answers = together(&service, 8).await;
    let granted = answers.iter().filter(|answer| answer.status == 200).count();
    assert!(granted <= 3, "{granted}");
    // On a busy machine some logins may time out; exactly the remaining places are free.
    let mut last = service.login_with(&json!({"username": DEMO_USER, "password": DEMO_PASSWORD})).await;
    while last.status == 200 {
        last = service.login_with(&json!({"username": DEMO_USER, "password": DEMO_PASSWORD})).await;
    }
    assert_eq!(last.outcome(), (409, "session_limit"));
    assert_eq!(logins(&service).await, 3);
    for pair in answers.iter().filter(|answer| answer.status == 200).map(Pair::of) {
        service.assert_allowed(&pair.access).await;
    }
}

/// The limit drops from a hundred to one. Making room takes more than one transaction, also with parallel logins.
#[tokio::test]
async fn a_limit_lowered_from_a_hundred_to_one_takes_effect_at_the_next_login() {
    let before = Service::start(&[("MAX_SESSIONS_PER_USER", "100")]).await;
    let mut last = None;
    for _ in 0..100 {
        last = Some(before.login().await);
    }
    assert_eq!(logins(&before).await, 100);
    let lowered = Service::over(before.database.clone(), before.clock.clone(), &[("MAX_SESSIONS_PER_USER", "1")]).await;
    let only = lowered.login().await;
    lowered.assert_allowed(&only.access).await;
    lowered.assert_refused(&last.unwrap().access).await;
    assert_eq!(logins(&lowered).await, 1);
    together(&lowered, 3).await;
    assert_eq!(logins(&lowered).await, 1);
}

async fn together(service: &Service, count: usize) -> Vec<Answer> {
    let logins: Vec<_> = (0..count)
        .map(|_| {
            let service = service.clone();
            tokio::spawn(async move { service.login_with(&json!({"username": DEMO_USER, "password": DEMO_PASSWORD})).await })
        })
        .collect();
    let mut answers = Vec::new();
    for login in logins {
        answers.push(login.await.unwrap());
    }
    answers
}

async fn logins(service: &Service) -> usize {
    service.database.sort_keys().await.into_iter().filter(|key| key.len() == 22).count()
}

/// A lost login answer leaves no orphaned login: the app logs in again with the same device id.
#[tokio::test]
async fn a_device_id_replaces_the_same_devices_login() {
    let service = Service::start(&[]).await;
    let login = |device: &'static str| {
        let service = service.clone();
        async move {
            let body = json!({"username": DEMO_USER, "password": DEMO_PASSWORD, "device": "Phone", "device_id": device});
            Pair::of(&service.login_with(&body).await)
        }
    };
    let (phone, tablet) = (login("phone-0123456789").await, login("tablet-0123456789").await);
    let again = login("phone-0123456789").await;
    service.assert_refused(&phone.access).await;
    service.assert_allowed(&tablet.access).await;
    service.assert_allowed(&again.access).await;
}
