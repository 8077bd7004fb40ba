//! Imported sessions of another service: no user has to log in again.

use chrono::{DateTime, TimeDelta, Utc};
use latchkey::{
    clock::rfc3339,
    entropy::Random,
    import::{ImportRow, ImportedSession},
    operations::{Everywhere, ImportOutcome, end_all, import_session},
    store::Store,
};
use latchkey_tests::{
    service::{Pair, Service},
    tap::{Fault, Line, Reach, Rule},
};
use serde_json::json;

const ACCESS: &str = "theirs-access-0123456789";
const REFRESH: &str = "theirs-refresh-0123456789";

async fn accepting() -> Service {
    Service::start_by(&[("AcceptImportedTokens", "true")], &[]).await
}

fn store(service: &Service) -> Store {
    Store::new(service.database.client.clone(), service.database.table("SessionsTable"))
}

/// A session whose tokens expire in 4 minutes and in 6 days.
fn session(service: &Service, user_id: &str, access_token: &str, refresh_token: &str) -> ImportedSession {
    let now = service.clock.now();
    ImportedSession::parse(ImportRow {
        user_id,
        access_token,
        refresh_token,
        access_token_expires_at: &rfc3339(access_expiry(now)),
        refresh_token_expires_at: &rfc3339(refresh_expiry(now)),
    })
    .unwrap()
}

fn access_expiry(now: DateTime<Utc>) -> DateTime<Utc> {
    now + TimeDelta::minutes(4)
}

fn refresh_expiry(now: DateTime<Utc>) -> DateTime<Utc> {
    now + TimeDelta::days(6)
}

async fn import(service: &Service, user_id: &str, access: &str, refresh: &str) -> ImportOutcome {
    import_session(&store(service), &session(service, user_id, access, refresh), service.clock.now(), &Random::system()).await.unwrap()
}

async fn imported() -> Service {
    let service = accepting().await;
    assert_eq!(import(&service, "ada", ACCESS, REFRESH).await, ImportOutcome::Imported);
    drop(service.tap.take_calls());
    service
}

#[tokio::test]
async fn an_imported_access_token_passes_until_its_own_expiry() {
    let service = imported().await;
    let now = service.clock.now();
    let me = service.me(ACCESS).await;
    assert_eq!(me.status, 200, "{}", me.text);
    assert_eq!(
        (&me.body["user_id"], &me.body["access_token_expires_at"], &me.body["refresh_token_expires_at"]),
        (&json!("ada"), &json!(rfc3339(access_expiry(now))), &json!(rfc3339(refresh_expiry(now))))
    );
    assert_eq!(service.tap.take_calls(), ["Query", "Query"], "the index finds, the table decides");
    service.clock.advance(access_expiry(now) - now - TimeDelta::milliseconds(1));
    service.assert_allowed(ACCESS).await;
    service.clock.advance(TimeDelta::milliseconds(1));
    service.assert_refused(ACCESS).await;
}

#[tokio::test]
async fn its_first_refresh_gives_a_pair_of_our_own_for_the_same_login() {
    let service = imported().await;
    let login_id = service.me(ACCESS).await.body["login_id"].clone();
    drop(service.tap.take_calls());
    let first = Pair::of(&service.refresh(REFRESH).await);
    assert_eq!(service.tap.take_calls(), ["Query", "Query", "TransactWriteItems"]);
    assert_eq!((first.access.len(), first.refresh.len(), json!(first.login_id)), (256, 256, login_id));
    service.assert_refused(ACCESS).await;
    service.assert_allowed(&first.access).await;

    assert_eq!(Pair::of(&service.refresh(REFRESH).await), first, "a lost answer is replayed");
    let second = Pair::of(&service.refresh(&first.refresh).await);
    assert_eq!(service.refresh(REFRESH).await.outcome(), (409, "superseded"), "two generations old, its window still open");
    assert_eq!(Pair::of(&service.refresh(&first.refresh).await), second);
    service.assert_allowed(&second.access).await;
}

#[tokio::test]
async fn a_refresh_token_that_comes_back_after_its_window_ends_the_login() {
    let service = imported().await;
    let pair = Pair::of(&service.refresh(REFRESH).await);
    service.assert_allowed(&pair.access).await;
    service.clock.advance(TimeDelta::seconds(35));
    assert_eq!(service.refresh(REFRESH).await.outcome(), (401, "invalid_token"));
    service.assert_refused(&pair.access).await;
    assert_eq!(service.refresh(&pair.refresh).await.outcome(), (401, "invalid_token"));
    assert_eq!(import(&service, "ada", ACCESS, REFRESH).await, ImportOutcome::AlreadyThere, "an ended login stays ended");
    service.assert_refused(ACCESS).await;
}

#[tokio::test]
async fn a_refresh_token_is_good_strictly_before_its_own_expiry() {
    let service = imported().await;
    service.clock.advance(TimeDelta::days(6) - TimeDelta::milliseconds(1));
    let pair = Pair::of(&service.refresh(REFRESH).await);
    service.clock.advance(TimeDelta::milliseconds(1));
    assert_eq!(Pair::of(&service.refresh(REFRESH).await), pair, "a retry across its expiry is still a retry");

    let service = imported().await;
    service.clock.advance(TimeDelta::days(6));
    assert_eq!(service.refresh(REFRESH).await.outcome(), (401, "invalid_token"));
}

/// DynamoDB deletes the alias some time after its expiry. The time of the deletion must not matter.
#[tokio::test]
async fn long_after_its_expiry_a_replaced_token_is_nobodys() {
    let service = imported().await;
    let pair = Pair::of(&service.refresh(REFRESH).await);
    service.clock.advance(TimeDelta::days(6));
    let pair = Pair::of(&service.refresh(&pair.refresh).await);
    service.clock.advance(TimeDelta::days(1));
    assert_eq!(service.refresh(REFRESH).await.outcome(), (401, "invalid_token"));
    assert_eq!(service.refresh(&pair.refresh).await.status, 200);
}

#[tokio::test]
async fn no_refresh_extends_the_lifetime_it_was_imported_with() {
    let service = accepting().await;
    let end = service.clock.now() + TimeDelta::days(8);
    let session = session(&service, "ada", ACCESS, REFRESH).ending_by(end);
    assert_eq!(session.refresh_token_expires_at, refresh_expiry(service.clock.now()), "the earlier of the two expiries");
    import_session(&store(&service), &session, service.clock.now(), &Random::system()).await.unwrap();
    service.clock.advance(TimeDelta::days(5));
    let first = Pair::of(&service.refresh(REFRESH).await);
    assert_eq!(first.refresh_expires_at, end);
    service.clock.set(end - TimeDelta::minutes(1));
    let last = Pair::of(&service.refresh(&first.refresh).await);
    assert_eq!((last.access_expires_at, last.refresh_expires_at), (end, end));
    service.clock.set(end);
    service.assert_refused(&last.access).await;
}

/// K1: an imported token has no prefix, so the index tells its kind.
#[tokio::test]
async fn the_kinds_are_told_apart_by_their_indexes() {
    let service = imported().await;
    service.assert_refused(REFRESH).await;
    assert_eq!(service.refresh(ACCESS).await.outcome(), (401, "invalid_token"));
    service.assert_allowed(ACCESS).await;
}

#[tokio::test]
async fn either_token_ends_the_login_before_its_first_refresh_and_after() {
    for token in [ACCESS, REFRESH] {
        let service = imported().await;
        assert_eq!(service.logout(token).await.status, 204);
        service.assert_refused(ACCESS).await;
        assert_eq!(service.refresh(REFRESH).await.outcome(), (401, "invalid_token"));
        assert_eq!(service.logout(token).await.status, 204, "of nothing");

        let service = imported().await;
        let pair = Pair::of(&service.refresh(REFRESH).await);
        assert_eq!(service.logout(token).await.status, 204);
        service.assert_refused(&pair.access).await;
    }
    let service = accepting().await;
    assert_eq!(service.logout("nobody-knows-this-token").await.status, 204);
}

#[tokio::test]
async fn the_device_list_shows_and_ends_it() {
    let service = imported().await;
    let list = latchkey_tests::service::send(service.request("GET", "/sessions").bearer_auth(ACCESS)).await;
    let row = &list.body["sessions"][0];
    assert_eq!((list.status, &row["current"], &row["device"]), (200, &json!(true), &json!(null)), "{}", list.text);
    let path = format!("/sessions/{}", row["login_id"].as_str().unwrap());
    assert_eq!(latchkey_tests::service::send(service.request("DELETE", &path).bearer_auth(ACCESS)).await.status, 204);
    service.assert_refused(ACCESS).await;
}

#[tokio::test]
async fn where_imported_tokens_are_not_accepted_they_cost_no_call() {
    let service = Service::start(&[]).await;
    import(&service, "ada", ACCESS, REFRESH).await;
    drop(service.tap.take_calls());
    assert_eq!(service.me(ACCESS).await.status, 401);
    assert_eq!(service.refresh(REFRESH).await.outcome(), (401, "invalid_token"));
    assert_eq!(service.logout(ACCESS).await.outcome(), (401, "invalid_token"));
    assert!(service.tap.take_calls().is_empty());
}

#[tokio::test]
async fn an_unknown_token_costs_the_index_query_alone() {
    let service = accepting().await;
    drop(service.tap.take_calls());
    service.assert_refused("nobody-knows-this-token").await;
    assert_eq!(service.refresh("nobody-knows-this-token").await.outcome(), (401, "invalid_token"));
    assert_eq!(service.tap.take_calls(), ["Query", "Query"]);
}

/// F6: an index that still shows a deleted item, or doesn't show a new one yet.
#[tokio::test]
async fn an_index_that_lags_behind_decides_nothing() {
    let service = imported().await;
    let first = Pair::of(&service.refresh(REFRESH).await);
    // The alias still exists, but its session doesn't.
    service.assert_refused(ACCESS).await;
    end_all(&store(&service), &latchkey::ids::UserKey::of("ada"), Everywhere::All, &Random::system()).await.unwrap();
    assert_eq!(service.refresh(REFRESH).await.outcome(), (401, "invalid_token"));
    service.assert_refused(&first.access).await;

    // Latchkey's own tokens need no index.
    let own = service.login().await;
    let nothing = Fault::Answer(json!({"Items": [], "Count": 0, "ScannedCount": 0}));
    import(&service, "grace", "hers-access-0123456789", "hers-refresh-0123456789").await;
    service.tap.arm(vec![Rule { operation: "Query", nth: 1, reach: Reach::OneCall, fault: nothing }]);
    service.assert_refused("hers-access-0123456789").await;
    let calls = service.tap.disarm();
    assert_eq!(calls.len(), 1, "not in the index yet, so the table isn't read");
    service.assert_allowed("hers-access-0123456789").await;
    service.tap.arm(Vec::new());
    service.assert_allowed(&own.access).await;
    assert_eq!(service.refresh(&own.refresh).await.status, 200);
    assert!(service.tap.disarm().iter().all(|call| call.index.is_none()));
}

/// F7: the same token was imported for two users.
#[tokio::test]
async fn a_token_that_leads_to_two_logins_is_nobodys() {
    let service = imported().await;
    assert_eq!(import(&service, "grace", ACCESS, "hers-refresh-0123456789").await, ImportOutcome::Imported);
    service.assert_refused(ACCESS).await;
    assert_eq!(service.logout(ACCESS).await.status, 204);
    let ada = Pair::of(&service.refresh(REFRESH).await);
    let grace = Pair::of(&service.refresh("hers-refresh-0123456789").await);
    service.assert_allowed(&ada.access).await;
    service.assert_allowed(&grace.access).await;
}

/// One token is ada's access token and the refresh token of two others. As a refresh token it leads to two logins, so it ends
/// none: neither theirs nor, as an access token, ada's.
#[tokio::test]
async fn an_ambiguous_refresh_token_ends_nothing_by_the_access_index() {
    let service = imported().await;
    for (user, access) in [("grace", "hers-access-0123456789"), ("alan", "his-access-0123456789")] {
        assert_eq!(import(&service, user, access, ACCESS).await, ImportOutcome::Imported);
    }
    assert_eq!(service.logout(ACCESS).await.status, 204);
    for access in [ACCESS, "hers-access-0123456789", "his-access-0123456789"] {
        service.assert_allowed(access).await;
    }
}

/// Promise G5.
#[tokio::test]
async fn an_index_that_is_out_of_reach_is_an_outage() {
    let service = imported().await;
    for line in [Line::Refused, Line::Silent] {
        service.tap.set_line(line);
        assert_eq!(service.me(ACCESS).await.outcome(), (503, "unavailable"));
        assert_eq!(service.refresh(REFRESH).await.outcome(), (503, "unavailable"));
        assert_eq!(service.logout(REFRESH).await.outcome(), (503, "unavailable"));
    }
    service.tap.set_line(Line::Open);
    service.assert_allowed(ACCESS).await;
}

#[tokio::test]
async fn importing_again_changes_nothing() {
    let service = imported().await;
    let before = service.database.items("SessionsTable").await.len();
    assert_eq!(import(&service, "ada", ACCESS, REFRESH).await, ImportOutcome::AlreadyThere);
    let pair = Pair::of(&service.refresh(REFRESH).await);
    assert_eq!(import(&service, "ada", ACCESS, REFRESH).await, ImportOutcome::AlreadyThere);
    assert_eq!(service.database.items("SessionsTable").await.len(), before);
    service.assert_allowed(&pair.access).await;

    service.clock.advance(TimeDelta::days(3));
    let now = service.clock.now();
    let expired = session(&service, "ada", "old-access-0123456789", "old-refresh-0123456789");
    assert_eq!(
        import_session(&store(&service), &expired, now + TimeDelta::days(6), &Random::system()).await.unwrap(),
        ImportOutcome::Expired
    );
}

/// Each session exists once, however many imports run in parallel, and even if the user logs out meanwhile.
#[tokio::test]
async fn parallel_imports_of_one_session_write_it_once() {
    let service = accepting().await;
    let (session, now) = (session(&service, "ada", ACCESS, REFRESH), service.clock.now());
    let imports: Vec<_> = (0..8)
        .map(|_| {
            let (store, session) = (store(&service), session.clone());
            tokio::spawn(async move { import_session(&store, &session, now, &Random::system()).await.unwrap() })
        })
        .collect();
    for import in imports {
        import.await.unwrap();
    }
    let keys = service.database.sort_keys().await;
    assert_eq!(keys.len(), 5, "the demo user's register; the register, the login, its session, its alias: {keys:?}");
    service.assert_allowed(ACCESS).await;
}

/// Promise G9: an import in progress doesn't survive "log out everywhere".
#[tokio::test]
async fn an_import_in_mid_commit_does_not_survive_the_end_of_all() {
    let service = imported().await;
    let tapped = Store::new(service.database.tapped(&service.tap), service.database.table("SessionsTable"));
    let other = session(&service, "ada", "late-access-0123456789", "late-refresh-0123456789");
    let mut held = service.tap.hold("TransactWriteItems");
    let now = service.clock.now();
    let importing = tokio::spawn(async move { import_session(&tapped, &other, now, &Random::system()).await });
    held.reached().await;
    assert_eq!(end_all(&store(&service), &latchkey::ids::UserKey::of("ada"), Everywhere::All, &Random::system()).await.unwrap(), 1);
    held.release();
    assert_eq!(importing.await.unwrap().unwrap(), ImportOutcome::Imported, "it read again and was written after the end");
    service.assert_refused(ACCESS).await;
    service.assert_allowed("late-access-0123456789").await;
}
