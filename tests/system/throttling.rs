//! L2: the limits on guesses, and their waits.

use chrono::TimeDelta;
use latchkey_cli::dev::{DEMO_PASSWORD, DEMO_USER};
use latchkey_tests::{
    service::{Answer, Service},
    tap::{Fault, Reach, Rule},
};
use serde_json::json;

async fn guess(service: &Service, password: &str) -> Answer {
    service.login_with(&json!({"username": DEMO_USER, "password": password})).await
}

#[tokio::test]
async fn after_five_failures_each_further_guess_waits_longer() {
    let service = Service::start(&[]).await;
    for _ in 0..5 {
        assert_eq!(guess(&service, "wrong").await.status, 401);
    }
    for wait in [1, 2, 4] {
        let throttled = guess(&service, DEMO_PASSWORD).await;
        assert_eq!(throttled.outcome(), (429, "throttled"), "even the right password waits");
        assert_eq!(throttled.headers["retry-after"], wait.to_string().as_str());
        service.clock.advance(TimeDelta::milliseconds(wait * 1000 - 1));
        assert_eq!(guess(&service, "wrong").await.status, 429);
        service.clock.advance(TimeDelta::milliseconds(1));
        assert_eq!(guess(&service, "wrong").await.status, 401);
    }
    service.clock.advance(TimeDelta::seconds(8));
    assert_eq!(guess(&service, DEMO_PASSWORD).await.status, 200);
    assert_eq!(guess(&service, "wrong").await.status, 401, "a success resets the count");
}

/// Parallel guesses get no more attempts than sequential ones.
#[tokio::test]
async fn parallel_guesses_are_counted_one_by_one() {
    let service = Service::start(&[]).await;
    let guesses: Vec<_> = (0..12)
        .map(|_| {
            let service = service.clone();
            tokio::spawn(async move { guess(&service, "wrong").await.status })
        })
        .collect();
    let mut looked_at = 0;
    for guess in guesses {
        looked_at += usize::from(guess.await.unwrap() == 401);
    }
    assert_eq!(looked_at, 5);
}

/// Each attempt counts as a failure until its password is verified, so the sixth at once may have to wait. It gets in like the
/// others, as its `Retry-After` says.
#[tokio::test]
async fn six_right_logins_at_once_all_get_in() {
    let service = Service::start(&[]).await;
    let login = |service: Service| async move {
        let mut waits = 0;
        loop {
            let answer = guess(&service, DEMO_PASSWORD).await;
            if answer.status == 200 {
                return waits;
            }
            assert_eq!((answer.outcome(), answer.headers["retry-after"].to_str().unwrap()), ((429, "throttled"), "1"));
            waits += 1;
            service.clock.advance(TimeDelta::seconds(1));
        }
    };
    let logins: Vec<_> = (0..6).map(|_| tokio::spawn(login(service.clone()))).collect();
    for login in logins {
        assert!(login.await.unwrap() <= 1, "one wait is enough");
    }
    assert_eq!(guess(&service, DEMO_PASSWORD).await.status, 200);
}

/// A network's budget counts the failures of all accounts together, and resets with the next window.
#[tokio::test]
async fn spraying_many_accounts_uses_up_the_networks_budget() {
    let service = Service::start(&[("LOGIN_NETWORK_FAILURES", "3")]).await;
    // The windows are fixed; start at the beginning of one.
    let now = service.clock.now().timestamp();
    service.clock.set(chrono::DateTime::from_timestamp((now / 300 + 1) * 300, 0).unwrap());
    for name in ["anna", "berta", "clara"] {
        assert_eq!(service.login_with(&json!({"username": name, "password": "wrong"})).await.status, 401);
    }
    let throttled = service.login_with(&json!({"username": "dora", "password": "wrong"})).await;
    assert_eq!((throttled.status, throttled.headers["retry-after"].to_str().unwrap()), (429, "300"));
    service.clock.advance(TimeDelta::seconds(300));
    assert_eq!(guess(&service, DEMO_PASSWORD).await.status, 200);
    assert_eq!(guess(&service, DEMO_PASSWORD).await.status, 200, "successes are refunded");
    assert_eq!(guess(&service, DEMO_PASSWORD).await.status, 200);
    assert_eq!(guess(&service, DEMO_PASSWORD).await.status, 200);
}

/// After too many failures in a row an unknown network gets one attempt an hour; a network with a recent success is known.
#[tokio::test]
async fn a_beleaguered_account_stays_open_to_its_own_network() {
    let service = Service::start(&[("LOGIN_ACCOUNT_FAILURES", "3"), ("LOGIN_FREE_FAILURES", "100")]).await;
    for _ in 0..3 {
        assert_eq!(guess(&service, "wrong").await.status, 401);
    }
    let stranger = guess(&service, DEMO_PASSWORD).await;
    assert_eq!((stranger.status, stranger.headers["retry-after"].to_str().unwrap()), (429, "3600"));
    service.clock.advance(TimeDelta::hours(1));
    assert_eq!(guess(&service, DEMO_PASSWORD).await.status, 200, "any network gets one attempt an hour");

    for _ in 0..3 {
        assert_eq!(guess(&service, "wrong").await.status, 401);
    }
    assert_eq!(guess(&service, DEMO_PASSWORD).await.status, 200, "the network is known now");
}

/// An outage isn't counted as a wrong guess: the right password works as soon as the outage is over.
#[tokio::test]
async fn an_outage_is_not_counted_as_a_guess() {
    let service = Service::start(&[]).await;
    for _ in 0..8 {
        // After the user, the register.
        let rule = Rule { operation: "GetItem", nth: 2, reach: Reach::FromThenOn, fault: Fault::LostBefore };
        service.tap.arm(vec![rule]);
        assert_eq!(guess(&service, DEMO_PASSWORD).await.status, 503);
        let _ = service.tap.disarm();
    }
    assert_eq!(guess(&service, DEMO_PASSWORD).await.status, 200);
}

/// The answer to each count is lost, and the SDK counts again. The last free attempt isn't throttled by itself.
#[tokio::test]
async fn an_attempt_whose_count_was_lost_is_not_throttled_by_itself() {
    let service = Service::start(&[("LOGIN_FREE_FAILURES", "1"), ("LOGIN_ACCOUNT_FAILURES", "1")]).await;
    let lost = |nth| Rule { operation: "UpdateItem", nth, reach: Reach::OneAttempt, fault: Fault::LostAfter };
    service.tap.arm([1, 2, 3].map(lost).into());
    assert_eq!(guess(&service, DEMO_PASSWORD).await.status, 200);
    let counts = service.tap.disarm().into_iter().filter(|call| call.operation == "UpdateItem" && call.nth <= 3).count();
    assert_eq!(counts, 6, "each was sent twice");
}

/// The attempts table holds no user name and no address.
#[tokio::test]
async fn attempts_are_kept_under_hashes() {
    let service = Service::start(&[]).await;
    guess(&service, "wrong").await;
    let dump = format!("{:?}", service.database.items("LoginAttemptsTable").await);
    assert!(!dump.contains(DEMO_USER) && !dump.contains("127.0.0.1"), "{dump}");
}
