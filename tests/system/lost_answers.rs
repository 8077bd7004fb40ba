//! A refresh whose answer was lost, by however long. The rule is in `docs/adr/0028-a-lost-answer-is-recovered-until-first-use.md`.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::TimeDelta;
use latchkey_tests::{
    service::{Pair, Service, send},
    tap::{Fault, Reach, Rule},
};

const WINDOW: TimeDelta = TimeDelta::seconds(30);
const TOLERANCE: TimeDelta = TimeDelta::seconds(5);

/// Refreshes with an idempotency key.
async fn refresh_with(service: &Service, refresh: &str, key: &str) -> latchkey_tests::service::Answer {
    send(service.request("POST", "/refresh").bearer_auth(refresh).header("idempotency-key", key)).await
}

/// The session items of the table.
async fn marks(service: &Service) -> Vec<Option<AttributeValue>> {
    let items = service.database.items("SessionsTable").await;
    items.iter().filter(|item| item.contains_key("replaces")).map(|item| item.get("used_replay_until").cloned()).collect()
}

/// H1.
#[tokio::test]
async fn the_pair_comes_back_days_later_and_after_its_access_token_has_expired() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    let lost = Pair::of(&service.refresh(&pair.refresh).await);
    for later in [TimeDelta::seconds(11), TimeDelta::hours(1), TimeDelta::days(6)] {
        service.clock.advance(later);
        assert_eq!(Pair::of(&service.refresh(&pair.refresh).await), lost, "{later} later");
    }
    service.assert_refused(&lost.access).await;
    let next = Pair::of(&service.refresh(&lost.refresh).await);
    service.assert_allowed(&next.access).await;
}

/// Two requests of one client bring the same token. One recovers the pair, finds its access token expired and refreshes at
/// once; the other arrives after that.
#[tokio::test]
async fn a_second_request_behind_a_recovery_ends_no_login() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    service.refresh(&pair.refresh).await;
    service.clock.advance(TimeDelta::hours(1));
    let recovered = Pair::of(&service.refresh(&pair.refresh).await);
    let next = Pair::of(&service.refresh(&recovered.refresh).await);
    assert_eq!(service.refresh(&pair.refresh).await.outcome(), (409, "superseded"));
    service.assert_allowed(&next.access).await;
    service.clock.advance(WINDOW + TOLERANCE);
    assert_eq!(service.refresh(&pair.refresh).await.outcome(), (401, "invalid_token"), "that window is over, too");
    service.assert_refused(&next.access).await;
}

/// H2: the transaction was sent; the handler gave up and answered 503; the transaction is carried out much later.
#[tokio::test]
async fn a_rotation_that_commits_after_its_503_is_recovered() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    service.tap.arm(vec![Rule {
        operation: "TransactWriteItems",
        nth: 1,
        reach: Reach::FromThenOn,
        fault: Fault::ArrivesLate(Duration::from_millis(100)),
    }]);
    let answer = service.refresh(&pair.refresh).await;
    drop(service.tap.disarm());
    service.tap.arrived().await;
    // Whatever the handler answered, the client has nothing but the token that it sent.
    assert!(matches!(answer.status, 200 | 503), "{answer:?}");
    service.clock.advance(TimeDelta::hours(1));
    let recovered = Pair::of(&service.refresh(&pair.refresh).await);
    let next = Pair::of(&service.refresh(&recovered.refresh).await);
    service.assert_allowed(&next.access).await;
}

#[tokio::test]
async fn a_first_use_closes_the_token_before_one_window_later() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    let next = Pair::of(&service.refresh(&pair.refresh).await);
    service.clock.advance(TimeDelta::hours(1));
    let next_again = Pair::of(&service.refresh(&pair.refresh).await);
    assert_eq!(next_again, next);
    assert_eq!(marks(&service).await, [None], "a refresh is no use");

    let current = Pair::of(&service.refresh(&next.refresh).await);
    service.assert_allowed(&current.access).await;
    let marked = marks(&service).await;
    assert!(matches!(&marked[..], [Some(AttributeValue::S(_))]), "{marked:?}");
    service.clock.advance(TimeDelta::seconds(29));
    service.assert_allowed(&current.access).await;
    assert_eq!(marks(&service).await, marked, "a mark is written once");
    // A retry that was on its way while the first answer was stored and used.
    assert_eq!(Pair::of(&service.refresh(&next.refresh).await), current);
    service.clock.advance(TimeDelta::seconds(1));
    assert_eq!(service.refresh(&next.refresh).await.outcome(), (409, "superseded"), "within the tolerance nothing is ended");
    service.clock.advance(TOLERANCE);
    assert_eq!(service.refresh(&next.refresh).await.outcome(), (401, "invalid_token"));
    service.assert_refused(&current.access).await;
}

/// A client whose token was rotated with another key, or by a thief without one, isn't left with 409 for ever.
#[tokio::test]
async fn unequal_keys_are_answered_409_no_longer_than_the_window() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    service.refresh(&pair.refresh).await;
    service.clock.advance(WINDOW + TOLERANCE - TimeDelta::milliseconds(1));
    assert_eq!(refresh_with(&service, &pair.refresh, "own").await.outcome(), (409, "superseded"));
    service.clock.advance(TimeDelta::milliseconds(1));
    assert_eq!(refresh_with(&service, &pair.refresh, "own").await.outcome(), (401, "invalid_token"));
}

/// Sessions of before, and of a stage with the other setting, say nothing of a first use: the window alone counts.
#[tokio::test]
async fn a_session_that_awaits_no_use_is_never_marked() {
    let service = Service::start(&[("LOST_ANSWER", "window")]).await;
    let other = Service::over(service.database.clone(), service.clock.clone(), &[]).await;
    let pair = service.login().await;
    let next = Pair::of(&service.refresh(&pair.refresh).await);
    other.assert_allowed(&next.access).await;
    assert_eq!(marks(&service).await, [None]);
    service.clock.advance(WINDOW + TOLERANCE);
    assert_eq!(other.refresh(&pair.refresh).await.outcome(), (401, "invalid_token"), "the item counts, not the setting");
}

/// A mark costs one write unit, once per rotation that is used.
#[tokio::test]
async fn only_the_first_request_after_a_rotation_writes() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    let calls = async |access: &str| {
        service.tap.arm(Vec::new());
        service.assert_allowed(access).await;
        service.tap.disarm().iter().map(|call| call.operation.clone()).collect::<Vec<_>>()
    };
    assert_eq!(calls(&pair.access).await, ["Query"], "a login's first session replaces nothing");
    let next = Pair::of(&service.refresh(&pair.refresh).await);
    assert_eq!(calls(&next.access).await, ["Query", "UpdateItem"]);
    assert_eq!(calls(&next.access).await, ["Query"]);
}
