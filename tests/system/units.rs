//! The DynamoDB units of each operation, as DynamoDB counts them. They determine the service's cost, so a change must be
//! noticed.

use std::collections::BTreeMap;

use latchkey::{
    clock::rfc3339,
    entropy::Random,
    import::{ImportRow, ImportedSession},
    operations::{ImportOutcome, SessionImport, import_session, import_sessions},
    store::Store,
};
use latchkey_cli::dev::{DEMO_PASSWORD, DEMO_USER};
use latchkey_tests::service::{Pair, Service, send};
use serde_json::json;

/// Other emulators report nothing for a batch.
fn is_counted(operation: &str) -> bool {
    #[expect(clippy::disallowed_methods, reason = "the variable configures the test run, not the service")]
    let other = std::env::var("LATCHKEY_TEST_DYNAMODB").is_ok_and(|url| !url.is_empty());
    operation != "BatchGetItem" || !other
}

/// Units by operation since the last call, including those of indexes.
fn consumed(service: &Service) -> Vec<(String, f64)> {
    let mut consumed: BTreeMap<String, f64> = BTreeMap::new();
    for call in service.tap.disarm().into_iter().filter(|call| is_counted(&call.operation)) {
        *consumed.entry(call.operation).or_default() += call.capacity.unwrap();
    }
    service.tap.arm(Vec::new());
    consumed.into_iter().collect()
}

fn units(expected: &[(&str, f64)]) -> Vec<(String, f64)> {
    expected.iter().filter(|(operation, _)| is_counted(operation)).map(|(operation, units)| ((*operation).to_owned(), *units)).collect()
}

#[tokio::test]
async fn each_operation_consumes_what_is_promised() {
    let service = Service::start(&[]).await;
    service.tap.count_capacity();
    service.tap.arm(Vec::new());
    let user_and_register = ("GetItem", 2.0);
    // The counts of account and network, and the network's budget: a strong read each.
    let read = ("BatchGetItem", 3.0);
    // A place in both counts, and the verdict in both. From a known network one of them is enough.
    let (counts, known) = (("PutItem", 4.0), ("PutItem", 2.0));

    let first = service.login().await;
    let seen = consumed(&service);
    // DynamoDB Local counts each write of a transaction with its index writes twice. Which way is right, only AWS can say. An
    // emulator has to keep to one of the two.
    let is_local = seen.contains(&("TransactWriteItems".to_owned(), 20.0));
    let by_emulator = |embedded: f64, local: f64| if is_local { local } else { embedded };
    // The register, the user, the login and its session: two units each; and one into each index.
    let creation = ("TransactWriteItems", by_emulator(4.0 * 2.0 + 2.0, 20.0));
    assert_eq!(seen, units(&[read, user_and_register, counts, creation]));
    let second = service.login().await;
    // Also the previous login.
    let creation = ("TransactWriteItems", by_emulator(5.0 * 2.0 + 2.0, 20.0));
    assert_eq!(consumed(&service), units(&[read, user_and_register, known, creation]));

    service.assert_allowed(&first.access).await;
    assert_eq!(consumed(&service), units(&[("Query", 1.0)]));
    let next = Pair::of(&service.refresh(&first.refresh).await);
    // The login, its session and the successor: two units each; one out of each index, one into each.
    let rotation = ("TransactWriteItems", by_emulator(3.0 * 2.0 + 4.0, 16.0));
    assert_eq!(consumed(&service), units(&[("Query", 1.0), rotation]));
    service.refresh(&first.refresh).await;
    assert_eq!(consumed(&service), units(&[("Query", 1.0)]), "a replay reads");
    service.assert_refused(&first.access).await;
    assert_eq!(consumed(&service), units(&[("Query", 1.0)]), "a refusal reads");

    service.logout(&next.access).await;
    let swept_session_and_both_indexes = 3.0;
    assert_eq!(consumed(&service), units(&[("DeleteItem", 1.0 + swept_session_and_both_indexes)]));
    service.assert_allowed(&second.access).await;
}

/// The device's item costs two units a login, and two more to end the login that it names. Its session is swept.
#[tokio::test]
async fn a_device_costs_what_is_promised() {
    let service = Service::start(&[]).await;
    service.login().await;
    service.tap.count_capacity();
    service.tap.arm(Vec::new());
    let log_in = async || {
        let device = json!({"username": DEMO_USER, "password": DEMO_PASSWORD, "device_id": "0123456789abcdef"});
        assert_eq!(service.login_with(&device).await.status, 200);
        consumed(&service)
    };
    let read = ("GetItem", 3.0);
    // The device has a count of its own. From a known network it is only made known. Then its count is the one that matters.
    let (batch, counts, known) = (("BatchGetItem", 4.0), ("PutItem", 3.0), ("PutItem", 2.0));
    let first = log_in().await;
    if first.contains(&("TransactWriteItems".to_owned(), 24.0)) {
        return; // DynamoDB Local; see above.
    }
    // The register, the user, the login, its session, the predecessor and the device: two units each; and one into each index.
    assert_eq!(first, units(&[batch, read, counts, ("TransactWriteItems", 6.0 * 2.0 + 2.0)]));
    let swept = [("DeleteItem", 3.0), ("Query", 1.0)];
    // The predecessor is the device's login.
    assert_eq!(log_in().await, units(&[batch, swept[0], read, known, swept[1], ("TransactWriteItems", 6.0 * 2.0 + 2.0)]));
    service.login().await;
    consumed(&service);
    assert_eq!(log_in().await, units(&[batch, swept[0], read, known, swept[1], ("TransactWriteItems", 7.0 * 2.0 + 2.0)]));
}

/// Units and calls of what is done with attributes, less those of the same without.
#[tokio::test]
async fn attributes_cost_a_login_two_units_and_a_request_none() {
    for settings in [&[][..], &[("MAX_SESSIONS_PER_USER", "9")]] {
        let service = Service::start(settings).await;
        service.tap.count_capacity();
        service.tap.arm(Vec::new());
        let issued = async |body: serde_json::Value| Pair::of(&service.admin("/admin/logins", &body).await);
        let plain = issued(json!({"user_id": "ada", "device_id": "a phone"})).await;
        let mut expected = consumed(&service);
        let with = issued(json!({"user_id": "bob", "device_id": "a phone", "scope": "a", "attributes": {"role": "admin"}})).await;
        for (operation, units) in &mut expected {
            *units += if operation == "TransactWriteItems" { 2.0 } else { 0.0 };
        }
        assert_eq!(consumed(&service), expected, "{settings:?}");

        for pair in [&plain, &with] {
            service.assert_allowed(&pair.access).await;
            assert_eq!(consumed(&service), units(&[("Query", 1.0)]));
        }
        let (plain, with) = (Pair::of(&service.refresh(&plain.refresh).await), with);
        let rotation = consumed(&service);
        let mut with = Pair::of(&service.refresh(&with.refresh).await);
        assert_eq!(consumed(&service), rotation, "{settings:?}");

        // The register, the copy, the register again. A login without a copy is read, and gets one: two items, two units each. The
        // failed condition that showed it costs a unit, too, which no answer reports.
        let set = async |user_id: &str| {
            let body = json!({"user_id": user_id, "attributes": {"role": "reader"}});
            let request = service.request("PUT", "/admin/attributes").json(&body);
            assert_eq!(service.admin_sends(request).await.status, 204);
        };
        set("bob").await;
        assert_eq!(consumed(&service), units(&[("Query", 1.0), ("UpdateItem", 3.0)]));
        set("ada").await;
        assert_eq!(consumed(&service), units(&[("Query", 2.0), ("TransactWriteItems", 4.0), ("UpdateItem", 2.0)]));
        // The first use after a refresh is marked.
        service.assert_allowed(&plain.access).await;
        assert_eq!(consumed(&service), units(&[("Query", 1.0), ("UpdateItem", 1.0)]));
        let body = json!({"user_id": "bob", "login_id": with.login_id, "scope": "b"});
        assert_eq!(service.admin_sends(service.request("PATCH", "/admin/logins/attributes").json(&body)).await.status, 204);
        assert_eq!(consumed(&service), units(&[("Query", 1.0), ("UpdateItem", 1.0)]));

        // About once a month a rotation extends their time to live.
        let mut extended = 0;
        for _ in 0..6 {
            service.clock.advance(chrono::TimeDelta::days(6));
            with = Pair::of(&service.refresh(&with.refresh).await);
            let more = |consumed: Vec<(String, f64)>| consumed.iter().map(|(_, units)| units).sum::<f64>();
            match more(consumed(&service)) - more(rotation.clone()) {
                0.0 => {}
                2.0 => extended += 1,
                other => panic!("{other} units more"),
            }
        }
        assert_eq!(extended, 1, "{settings:?}");
    }
}

fn session(service: &Service, user: usize, n: usize) -> ImportedSession {
    let expires_at = &rfc3339(service.clock.now() + chrono::TimeDelta::days(1));
    ImportedSession::parse(ImportRow {
        user_id: &format!("user-{user}"),
        access_token: &format!("access-token-{user:03}-{n}"),
        refresh_token: &format!("refresh-token-{user:03}-{n}"),
        access_token_expires_at: expires_at,
        refresh_token_expires_at: expires_at,
    })
    .unwrap()
}

/// An import of many is fewer calls, and no other price: neither when it writes nor when all of it is there.
#[tokio::test]
async fn sessions_imported_together_cost_what_each_costs_alone() {
    const ROWS: usize = 25;
    let service = Service::start_by(&[("AcceptImportedTokens", "true")], &[]).await;
    let store = Store::new(service.database.tapped(&service.tap), service.database.table("SessionsTable"));
    let (now, random) = (service.clock.now(), Random::system());
    let session = |user, n| session(&service, user, n);
    let import = async |sessions: Vec<ImportedSession>| {
        let mut imports: Vec<_> = sessions.into_iter().map(SessionImport::new).collect();
        import_sessions(&store, &mut imports, now, &random).await.unwrap();
        imports.into_iter().map(|import| import.into_outcome(&Ok(())).unwrap()).collect::<Vec<_>>()
    };
    service.tap.count_capacity();
    service.tap.arm(Vec::new());
    // The first login of each user, the same again, and a second login of each.
    for (n, outcome) in [(1, ImportOutcome::Imported), (1, ImportOutcome::AlreadyThere), (2, ImportOutcome::Imported)] {
        assert_eq!(import_session(&store, &session(0, n), now, &random).await, Ok(outcome));
        let alone = consumed(&service);
        let of = |operation: &str| alone.iter().find(|(name, _)| name == operation).map_or(0.0, |(_, units)| *units);
        assert_eq!(import((1..=ROWS).map(|user| session(user, n)).collect()).await, [outcome; ROWS]);
        let together = consumed(&service);
        let rows = ROWS as f64;
        let mut expected = vec![("BatchGetItem", rows * (of("GetItem") + of("Query")))];
        if outcome == ImportOutcome::Imported {
            expected.push(("TransactWriteItems", rows * of("TransactWriteItems")));
        }
        assert_eq!(together, units(&expected));
    }
}

/// A transaction takes a hundred actions: 25 first logins, or 20 that follow another.
#[tokio::test]
async fn sessions_imported_together_are_few_calls() {
    let service = Service::start_by(&[("AcceptImportedTokens", "true")], &[]).await;
    let store = Store::new(service.database.tapped(&service.tap), service.database.table("SessionsTable"));
    let (now, random) = (service.clock.now(), Random::system());
    for (n, transactions) in [(1, 1), (2, 2)] {
        let mut imports: Vec<_> = (0..25).map(|user| SessionImport::new(session(&service, user, n))).collect();
        import_sessions(&store, &mut imports, now, &random).await.unwrap();
        let mut calls = vec!["BatchGetItem"];
        calls.extend(vec!["TransactWriteItems"; transactions]);
        assert_eq!(service.tap.take_calls(), calls);
    }
}

/// The user has two logins: the one that asks is replaced, and the other is ended. Both sessions are swept.
#[tokio::test]
async fn a_change_of_the_password_consumes_what_is_promised() {
    let service = Service::start(&[]).await;
    service.login().await;
    let own = service.login().await;
    service.tap.count_capacity();
    service.tap.arm(Vec::new());
    let body = json!({"username": DEMO_USER, "current_password": DEMO_PASSWORD, "new_password": "violin gravel postcode heron"});
    let changed = send(service.request("PUT", "/me/password").bearer_auth(&own.access).json(&body)).await;
    assert_eq!(changed.status, 200);
    let seen = consumed(&service);
    if seen.contains(&("TransactWriteItems".to_owned(), 22.0)) {
        return; // DynamoDB Local; see above.
    }
    // The user, the register, the new login, its session and the login that asks: two units each; and one into each index.
    let change = ("TransactWriteItems", 5.0 * 2.0 + 2.0);
    let (swept, ended) = (3.0, 1.0 + 3.0);
    let reads = [("BatchGetItem", 3.0), ("GetItem", 2.0), ("Query", 4.0)];
    assert_eq!(seen, units(&[reads[0], ("DeleteItem", swept + ended), reads[1], ("PutItem", 2.0), reads[2], change]));
}

/// Of a user without logins.
#[tokio::test]
async fn the_back_offices_users_consume_what_is_promised() {
    let service = Service::start(&[]).await;
    service.tap.count_capacity();
    service.tap.arm(Vec::new());
    let ada = json!({"username": "ada"});
    let with = |member: &str, value: &str| json!({"username": "ada", member: value});
    // The transaction writes the user and the register. The user is read twice, the register before the change and before its logins are
    // ended, which moves it once more.
    let changed = [("GetItem", 4.0), ("Query", 1.0), ("TransactWriteItems", 4.0), ("UpdateItem", 1.0)];
    let removed = [("DeleteItem", 1.0), ("GetItem", 4.0), ("Query", 2.0), ("TransactWriteItems", 4.0), ("UpdateItem", 2.0)];
    for (method, path, body, expected) in [
        ("POST", "/admin/users", with("password", "violin gravel postcode heron"), &[("TransactWriteItems", 6.0)][..]),
        ("POST", "/admin/users/search", json!({}), &[("Scan", 0.5)]),
        ("POST", "/admin/users/show", ada.clone(), &[("GetItem", 1.0), ("Query", 1.0)]),
        ("PUT", "/admin/users/password", with("new_password", "candle orbit mustard fjord"), &changed),
        ("PUT", "/admin/users/status", with("status", "disabled"), &changed),
        ("PUT", "/admin/users/status", with("status", "active"), &changed),
        ("POST", "/admin/users/remove", ada, &removed),
    ] {
        let answer = service.admin_sends(service.request(method, path).json(&body)).await;
        assert!(answer.status < 300, "{path}: {}", answer.text);
        let mut seen = consumed(&service);
        seen.retain(|(_, units)| *units > 0.0);
        assert_eq!(seen, units(expected), "{path}");
    }
}
