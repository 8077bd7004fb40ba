//! L2: the limits on guesses, and their waits.

use chrono::TimeDelta;
use latchkey::throttle::PENDING_SECONDS;
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
    assert_eq!(guess(&service, "wrong").await.status, 401, "eight seconds have passed since the last failure");
    let after_success = guess(&service, "wrong").await;
    assert_eq!(after_success.outcome(), (429, "throttled"));
    assert_eq!(after_success.headers["retry-after"], "16", "a success empties no count");
    service.clock.advance(TimeDelta::minutes(15 * 9));
    for _ in 0..5 {
        assert_eq!(guess(&service, "wrong").await.status, 401, "time does");
    }
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

/// Attempts that are being verified take the free places. The sixth waits for one of them to turn out right.
#[tokio::test]
async fn many_right_logins_at_once_all_get_in() {
    let service = Service::start(&[]).await;
    let login = async |service: Service| guess(&service, DEMO_PASSWORD).await.status;
    let logins: Vec<_> = (0..8).map(|_| tokio::spawn(login(service.clone()))).collect();
    for login in logins {
        assert_eq!(login.await.unwrap(), 200);
    }
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

/// A full account takes one attempt an hour from strangers. A network that has succeeded is known, and passes.
#[tokio::test]
async fn a_beleaguered_account_stays_open_to_its_own_network() {
    let service = Service::start(&[("LOGIN_ACCOUNT_FAILURES", "3"), ("LOGIN_FREE_FAILURES", "100")]).await;
    for _ in 0..3 {
        assert_eq!(guess(&service, "wrong").await.status, 401);
    }
    let stranger = guess(&service, DEMO_PASSWORD).await;
    assert_eq!((stranger.status, stranger.headers["retry-after"].to_str().unwrap()), (429, "3600"));
    service.clock.advance(TimeDelta::hours(1));
    assert_eq!(guess(&service, DEMO_PASSWORD).await.status, 200, "one failure has drained");

    for _ in 0..3 {
        assert_eq!(guess(&service, "wrong").await.status, 401);
    }
    assert_eq!(guess(&service, DEMO_PASSWORD).await.status, 200, "the network is known now");
}

fn rule(operation: &'static str, nth: usize, fault: Fault) -> Rule {
    Rule { operation, nth, reach: Reach::FromThenOn, fault }
}

/// Whatever fails, at whichever call: nothing of it is a failure, and the right password works when it is over.
#[tokio::test]
async fn an_outage_is_not_counted_as_a_guess() {
    // The counts' read, the first place, the second, the user, the user's register.
    let outages = [("BatchGetItem", 1), ("PutItem", 1), ("PutItem", 2), ("GetItem", 1), ("GetItem", 2)];
    for (operation, nth) in outages {
        let service = Service::start(&[("LOGIN_FREE_FAILURES", "1"), ("LOGIN_ACCOUNT_FAILURES", "1")]).await;
        for _ in 0..2 {
            service.tap.arm(vec![rule(operation, nth, Fault::LostBefore)]);
            assert_eq!(guess(&service, DEMO_PASSWORD).await.status, 503, "{operation} {nth}");
            let _ = service.tap.disarm();
            service.clock.advance(TimeDelta::seconds(PENDING_SECONDS));
        }
        assert_eq!(guess(&service, DEMO_PASSWORD).await.status, 200, "{operation} {nth}");
        let counts = service.database.items("LoginAttemptsTable").await;
        assert!(
            counts.iter().all(|item| !item.contains_key("drained_at") && !item.contains_key("failures")),
            "{operation} {nth}: {counts:?}"
        );
    }
}

/// Else it could be guessed at for nothing.
#[tokio::test]
async fn a_wrong_password_is_not_called_wrong_where_it_could_not_be_counted() {
    for (operation, nth) in [("PutItem", 3), ("PutItem", 4), ("UpdateItem", 1)] {
        let service = Service::start(&[]).await;
        service.tap.arm(vec![rule(operation, nth, Fault::LostBefore)]);
        assert_eq!(guess(&service, "wrong").await.status, 503, "{operation} {nth}");
        let _ = service.tap.disarm();
    }
}

/// The answer to each write of a count is lost, and the SDK writes again: each attempt has one place, and gives it back.
#[tokio::test]
async fn a_count_whose_answer_was_lost_counts_once() {
    let service = Service::start(&[("LOGIN_FREE_FAILURES", "1"), ("LOGIN_ACCOUNT_FAILURES", "1")]).await;
    let lost = |nth| Rule { operation: "PutItem", nth, reach: Reach::OneAttempt, fault: Fault::LostAfter };
    service.tap.arm([1, 2, 3, 4].map(lost).into());
    assert_eq!(guess(&service, DEMO_PASSWORD).await.status, 200);
    let sent = service.tap.disarm().into_iter().filter(|call| call.operation == "PutItem").count();
    assert_eq!(sent, 8, "each was sent twice");
    let counts = service.database.items("LoginAttemptsTable").await;
    assert!(counts.iter().all(|item| item["pending"].as_m().unwrap().is_empty() && !item.contains_key("drained_at")), "{counts:?}");
}

/// The attempts table holds no user name and no address.
#[tokio::test]
async fn attempts_are_kept_under_hashes() {
    let service = Service::start(&[]).await;
    guess(&service, "wrong").await;
    let dump = format!("{:?}", service.database.items("LoginAttemptsTable").await);
    assert!(!dump.contains(DEMO_USER) && !dump.contains("127.0.0.1"), "{dump}");
}
