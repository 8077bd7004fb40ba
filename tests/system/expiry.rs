//! K2, K4: a token is valid strictly before its expiry, whatever the clock does and whatever DynamoDB hasn't deleted yet.

use chrono::TimeDelta;
use latchkey_tests::service::{Pair, Service};

const MS: TimeDelta = TimeDelta::milliseconds(1);

#[tokio::test]
async fn access_is_refused_from_its_exact_instant() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    service.clock.set(pair.access_expires_at - MS);
    service.assert_allowed(&pair.access).await;
    service.clock.set(pair.access_expires_at);
    service.assert_refused(&pair.access).await;
    service.clock.set(pair.access_expires_at + MS);
    service.assert_refused(&pair.access).await;
}

#[tokio::test]
async fn refresh_is_refused_from_its_exact_instant_and_login_works_again() {
    let service = Service::start(&[]).await;
    let first = service.login().await;
    service.clock.set(first.refresh_expires_at - MS);
    let second = Pair::of(&service.refresh(&first.refresh).await);

    service.clock.set(second.refresh_expires_at);
    assert_eq!(service.refresh(&second.refresh).await.outcome(), (401, "invalid_token"));
    assert_eq!(service.refresh(&first.refresh).await.outcome(), (401, "invalid_token"), "expired, not reuse: no event");
    assert_eq!(service.database.sort_keys().await.len(), 3, "the expired login is left to ttl");

    let again = service.login().await;
    service.assert_allowed(&again.access).await;
}

/// A replay never gets more than the pair that the rotation made.
#[tokio::test]
async fn a_replay_renews_no_expiry() {
    let service = Service::start(&[]).await;
    let first = service.login().await;
    let second = Pair::of(&service.refresh(&first.refresh).await);
    service.clock.advance(TimeDelta::seconds(20));
    assert_eq!(Pair::of(&service.refresh(&first.refresh).await), second);
}

/// A clock that runs backwards between two requests restores no ended login.
#[tokio::test]
async fn a_clock_that_runs_backwards_resurrects_nothing() {
    let service = Service::start(&[]).await;
    let first = service.login().await;
    let second = Pair::of(&service.refresh(&first.refresh).await);
    service.clock.advance(TimeDelta::minutes(-3));
    service.assert_refused(&first.access).await;
    service.assert_allowed(&second.access).await;
    let third = Pair::of(&service.refresh(&second.refresh).await);
    service.assert_allowed(&third.access).await;
    assert_eq!(service.logout(&third.access).await.status, 204);
    service.clock.advance(TimeDelta::minutes(-30));
    service.assert_refused(&third.access).await;
}

#[tokio::test]
async fn no_refresh_extends_the_maximum_lifetime() {
    let service = Service::start(&[("SESSION_MAX_LIFETIME", "7d"), ("REFRESH_TOKEN_TTL", "5d")]).await;
    let first = service.login().await;
    let end = service.clock.now() + TimeDelta::days(7);
    service.clock.advance(TimeDelta::days(4));
    let second = Pair::of(&service.refresh(&first.refresh).await);
    assert_eq!(second.refresh_expires_at, end);
    service.clock.set(end - TimeDelta::minutes(1));
    let third = Pair::of(&service.refresh(&second.refresh).await);
    assert_eq!((third.access_expires_at, third.refresh_expires_at), (end, end));
    service.clock.set(end);
    service.assert_refused(&third.access).await;
    assert_eq!(service.refresh(&third.refresh).await.status, 401);
}
