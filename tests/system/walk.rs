//! Log in, call the API, refresh, get refused.

use chrono::TimeDelta;
use latchkey_tests::service::{Pair, Service, send};

fn looks_like_a_token(token: &str, prefix: &str) -> bool {
    token.len() == 256 && token.starts_with(prefix) && latchkey::ids::is_url_safe(token)
}

#[tokio::test]
async fn log_in_call_refresh_and_replay() {
    let service = Service::start(&[]).await;

    let first = service.login().await;
    assert!(looks_like_a_token(&first.access, "lka_") && looks_like_a_token(&first.refresh, "lkr_"), "{first:?}");
    assert_ne!(first.access[4..], first.refresh[4..]);
    assert_eq!(first.access_expires_at - service.clock.now(), TimeDelta::minutes(5));
    assert_eq!(first.refresh_expires_at - service.clock.now(), TimeDelta::days(7));

    let me = service.me(&first.access).await;
    assert_eq!((me.status, me.body["login_id"].as_str()), (200, Some(first.login_id.as_str())));
    assert_eq!(me.headers["cache-control"], "no-store");

    let rotated = service.refresh(&first.refresh).await;
    let second = Pair::of(&rotated);
    assert_eq!(rotated.headers["cache-control"], "no-store");
    assert_eq!(second.login_id, first.login_id);
    service.assert_refused(&first.access).await;
    service.assert_allowed(&second.access).await;

    let replayed = service.refresh(&first.refresh).await;
    assert_eq!(replayed.text, rotated.text, "the very same pair");
    service.assert_allowed(&second.access).await;

    let third = Pair::of(&service.refresh(&second.refresh).await);
    service.assert_allowed(&third.access).await;
    service.assert_refused(&second.access).await;
}

/// R3, R6: afterwards only the user's register is left in the table.
#[tokio::test]
async fn after_its_window_an_old_refresh_token_ends_the_login() {
    let service = Service::start(&[]).await;
    let first = service.login().await;
    let second = Pair::of(&service.refresh(&first.refresh).await);
    service.assert_allowed(&second.access).await;

    service.clock.advance(TimeDelta::milliseconds(29_999));
    assert_eq!(Pair::of(&service.refresh(&first.refresh).await), second);

    service.clock.advance(TimeDelta::milliseconds(1));
    for within_the_tolerance in [TimeDelta::zero(), TimeDelta::milliseconds(4_999)] {
        service.clock.advance(within_the_tolerance);
        assert_eq!(service.refresh(&first.refresh).await.outcome(), (409, "superseded"));
        service.assert_allowed(&second.access).await;
    }

    service.clock.advance(TimeDelta::milliseconds(1));
    let reuse = service.refresh(&first.refresh).await;
    assert_eq!(reuse.outcome(), (401, "invalid_token"));
    assert_eq!(reuse.headers["x-amzn-remapped-www-authenticate"], "Bearer error=\"invalid_token\"");
    service.assert_refused(&second.access).await;
    assert_eq!(service.refresh(&second.refresh).await.outcome(), (401, "invalid_token"));
    assert_eq!(service.database.sort_keys().await, ["!user"], "the login is deleted");
}

#[tokio::test]
async fn without_a_window_the_second_use_ends_the_login() {
    let service = Service::start(&[("REPLAY_WINDOW", "0s")]).await;
    let first = service.login().await;
    let second = Pair::of(&service.refresh(&first.refresh).await);
    assert_eq!(service.refresh(&first.refresh).await.outcome(), (409, "superseded"), "within the tolerance");
    service.clock.advance(TimeDelta::seconds(5));
    assert_eq!(service.refresh(&first.refresh).await.outcome(), (401, "invalid_token"));
    service.assert_refused(&second.access).await;
}

/// R3: the token before the previous one, inside its own window and after it.
#[tokio::test]
async fn two_refreshes_in_a_window_supersede_the_first_token_and_end_nothing() {
    let service = Service::start(&[]).await;
    let first = service.login().await;
    let second = Pair::of(&service.refresh(&first.refresh).await);
    service.clock.advance(TimeDelta::seconds(10));
    let third = Pair::of(&service.refresh(&second.refresh).await);

    let superseded = service.refresh(&first.refresh).await;
    assert_eq!(superseded.outcome(), (409, "superseded"));
    assert_eq!(superseded.body["retryable"], true);
    service.assert_allowed(&third.access).await;

    // A rotation is a first use: it has kept the window of the first token open for as long as its own.
    service.clock.advance(TimeDelta::milliseconds(34_999));
    assert_eq!(service.refresh(&first.refresh).await.outcome(), (409, "superseded"));
    service.clock.advance(TimeDelta::milliseconds(1));
    assert_eq!(service.refresh(&first.refresh).await.status, 401);
    service.assert_refused(&third.access).await;
}

#[tokio::test]
async fn two_logins_are_independent_and_logout_ends_one() {
    let service = Service::start(&[]).await;
    let (one, two) = (service.login().await, service.login().await);
    assert_ne!(one.login_id, two.login_id);
    service.assert_allowed(&one.access).await;

    assert_eq!(service.logout(&one.access).await.status, 204);
    service.assert_refused(&one.access).await;
    assert_eq!(service.refresh(&one.refresh).await.outcome(), (401, "invalid_token"));
    service.assert_allowed(&two.access).await;
    assert_eq!(service.logout(&one.access).await.status, 204, "also for a login that no longer exists");

    let two = Pair::of(&service.refresh(&two.refresh).await);
    assert_eq!(service.logout(&two.refresh).await.status, 204, "a refresh token works as well");
    service.assert_refused(&two.access).await;
    assert_eq!(service.database.sort_keys().await, ["!user"]);
}

/// Any genuine token of a login may end it, however old; a forged token of the same form may not.
#[tokio::test]
async fn an_expired_token_still_logs_out() {
    let service = Service::start(&[]).await;
    let first = service.login().await;
    let second = Pair::of(&service.refresh(&first.refresh).await);
    service.clock.advance(TimeDelta::days(6));
    assert_eq!(service.logout(&first.access).await.status, 204);
    assert_eq!(service.refresh(&second.refresh).await.status, 401);
}

/// K5: the answer to a replay comes from the table, not from a process's memory.
#[tokio::test]
async fn a_restart_between_rotation_and_replay_changes_nothing() {
    let service = Service::start(&[]).await;
    let first = service.login().await;
    let rotated = service.refresh(&first.refresh).await;
    let restarted = Service::over(service.database.clone(), service.clock.clone(), &[]).await;
    assert_eq!(restarted.refresh(&first.refresh).await.text, rotated.text);
}

/// R8: the same key, another key, and none.
#[tokio::test]
async fn a_replay_must_bring_the_key_of_the_rotation() {
    let service = Service::start(&[]).await;
    let first = service.login().await;
    let with = |key: Option<&'static str>| {
        let request = service.request("POST", "/refresh").bearer_auth(&first.refresh);
        send(key.into_iter().fold(request, |request, key| request.header("Idempotency-Key", key)))
    };
    let rotated = with(Some("one")).await;
    assert_eq!(with(Some("one")).await.text, rotated.text);
    assert_eq!(with(Some("two")).await.outcome(), (409, "superseded"));
    assert_eq!(with(None).await.outcome(), (409, "superseded"));
    let malformed = with(Some("with space")).await;
    assert_eq!(malformed.outcome(), (400, "invalid_request"));
    service.assert_allowed(&Pair::of(&rotated).access).await;
}

/// R1: in small. One rotation, identical answers, each works at once.
#[tokio::test]
async fn parallel_refreshes_rotate_once() {
    let service = Service::start(&[]).await;
    for clients in [2, 8, 20] {
        let first = service.login().await;
        let refreshes: Vec<_> = (0..clients)
            .map(|_| {
                let (service, refresh) = (service.clone(), first.refresh.clone());
                tokio::spawn(async move {
                    let pair = Pair::of(&service.refresh(&refresh).await);
                    service.assert_allowed(&pair.access).await;
                    pair
                })
            })
            .collect();
        let mut pairs = Vec::new();
        for refresh in refreshes {
            pairs.push(refresh.await.unwrap());
        }
        assert!(pairs.iter().all(|pair| *pair == pairs[0]));
        assert_eq!(service.logout(&first.access).await.status, 204);
    }
    assert_eq!(service.database.sort_keys().await, ["!user"]);
}
