//! The metrics that the functions emit.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::TimeDelta;
use latchkey::{
    clock::{Clock, rfc3339},
    entropy::Random,
    import::{ImportRow, ImportedSession},
    operations::import_session,
    store::Store,
    telling::{
        Refused,
        signals::{Function, Metric},
    },
};
use latchkey_cli::dev::{DEMO_PASSWORD, DEMO_USER};
use latchkey_tests::{
    database::Item,
    emitted::{Series, series},
    proofs::App,
    service::{Pair, Service, send},
    tap::{Fault, Line, Reach, Rule},
};
use serde_json::json;
use strum::VariantArray as _;

/// A metric of one function, by reason if one is given.
fn one(metric: Metric, function: Function, reason: Option<Refused>) -> Series {
    let reason = reason.map(|refused| ("Reason".to_owned(), refused.word().to_owned()));
    let dimensions = [("Function".to_owned(), function.name().to_owned())].into_iter().chain(reason).collect();
    Series { metric: metric.name().to_owned(), dimensions }
}

/// All metrics that the code declares.
pub(crate) fn declared() -> BTreeSet<Series> {
    let of = |metric: Metric, function: Function| {
        let reasons = metric.reasons().iter().map(|refused| Some(*refused));
        std::iter::once(None).chain(reasons).map(move |reason| one(metric, function, reason)).collect::<Vec<_>>()
    };
    Metric::VARIANTS.iter().flat_map(|&metric| metric.functions().iter().flat_map(move |function| of(metric, *function))).collect()
}

/// The metrics emitted since the last call, summed.
fn told(service: &Service) -> BTreeMap<Series, f64> {
    let mut sums = BTreeMap::new();
    for line in service.emitted.take() {
        for (one, value) in series(&line) {
            *sums.entry(one).or_default() += value;
        }
    }
    sums
}

/// A copied token, a copied proof, and a client that refreshes in a loop.
async fn proofs(service: &Service) {
    let app = App::with_key(service, 1);
    let mut pair = app.log_in().await;
    service.refresh(&pair.refresh).await;
    let proof = app.proof("/refresh");
    pair = Pair::of(&app.refresh_with(&pair.refresh, &proof).await);
    app.refresh_with(&pair.refresh, &proof).await;
    for _ in 0..7 {
        pair = Pair::of(&app.refresh(&pair.refresh).await);
    }
    app.refresh(&pair.refresh).await;
}

async fn guess(service: &Service, password: &str) {
    service.login_with(&json!({"username": DEMO_USER, "password": password})).await;
}

#[tokio::test]
async fn a_request_is_one_line_at_the_most() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    let login = service.emitted.take();
    assert_eq!(login.len(), 1);
    let login = series(&login[0]);
    assert_eq!(login[&one(Metric::LoginsSucceeded, Function::Login, None)], 1.0);
    assert_eq!(login[&one(Metric::ColdStarts, Function::Login, None)], 1.0);
    assert!(login[&one(Metric::StoreLatency, Function::Login, None)] > 0.0);

    // "Allowed" is counted and not logged. The handler behind the authorizer makes no DynamoDB call.
    service.assert_allowed(&pair.access).await;
    drop(service.emitted.take());
    service.assert_allowed(&pair.access).await;
    let lines = service.emitted.take();
    assert_eq!(lines.len(), 1);
    let (allowed, latency) =
        (one(Metric::AccessAllowed, Function::Authorizer, None), one(Metric::StoreLatency, Function::Authorizer, None));
    assert_eq!(series(&lines[0]).into_keys().collect::<Vec<_>>(), [allowed, latency]);
    // CloudWatch bills each byte; docs/metrics.md says 290, and bench/scale.py computes the costs with them.
    assert!((270..=300).contains(&lines[0].len()), "{}: {}", lines[0].len(), lines[0]);
}

#[tokio::test]
async fn a_refusal_is_told_by_its_reason_too() {
    let service = Service::start(&[]).await;
    let first = service.login().await;
    service.refresh(&first.refresh).await;
    drop(service.emitted.take());
    service.assert_refused(&first.access).await;
    let told = told(&service);
    assert_eq!(told[&one(Metric::AccessDenied, Function::Authorizer, None)], 1.0);
    assert_eq!(told[&one(Metric::AccessDenied, Function::Authorizer, Some(Refused::Rotated))], 1.0);
}

/// "Log out everywhere" ends logins in parallel tasks; their calls count as the request's.
#[tokio::test]
async fn calls_made_side_by_side_are_measured() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    for _ in 0..3 {
        service.login().await;
    }
    drop(service.emitted.take());
    drop(service.tap.take_calls());
    assert_eq!(send(service.request("DELETE", "/sessions").bearer_auth(&pair.access)).await.status, 204);
    let lines = service.emitted.take();
    let measured: usize =
        lines.iter().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["StoreLatency"].as_array().unwrap().len()).sum();
    assert_eq!(measured, service.tap.take_calls().len());
    assert!(measured > 8);
}

/// Causes every declared metric, and finds none that isn't declared.
#[tokio::test]
async fn whatever_is_declared_is_emitted() {
    let service =
        Service::start_by(&[("AcceptImportedTokens", "true")], &[("MAX_SESSIONS_PER_USER", "2"), ("ON_SESSION_LIMIT", "reject")]).await;
    let (first, other) = (service.login().await, service.login().await);
    guess(&service, DEMO_PASSWORD).await;
    send(service.request("POST", "/login").header("content-type", "application/json").body("{")).await;
    let second = Pair::of(&service.refresh(&first.refresh).await);
    service.refresh(&first.refresh).await;
    send(service.request("POST", "/refresh").bearer_auth(&first.refresh).header("Idempotency-Key", "another")).await;
    let third = Pair::of(&service.refresh(&second.refresh).await);
    service.refresh(&first.refresh).await;
    service.refresh(&third.access).await;
    service.assert_allowed(&third.access).await;
    service.assert_refused(&first.access).await;
    for _ in 0..7 {
        guess(&service, "wrong").await;
    }

    let of = |operation, nth, reach, fault| vec![Rule { operation, nth, reach, fault }];
    service.tap.arm(of("Query", 1, Reach::OneAttempt, Fault::Error(500, "InternalServerError")));
    service.assert_allowed(&third.access).await;
    service.tap.arm(of("Query", 1, Reach::OneAttempt, Fault::Error(400, "ThrottlingException")));
    service.assert_allowed(&third.access).await;
    // The login is ended, and its session isn't deleted yet.
    service.tap.arm(of("DeleteItem", 2, Reach::FromThenOn, Fault::Error(500, "InternalServerError")));
    assert_eq!(service.logout(&other.access).await.status, 204);
    drop(service.tap.disarm());
    let unheard = service.with_budget(Duration::from_secs(1)).await;
    unheard.tap.arm(of("TransactWriteItems", 1, Reach::FromThenOn, Fault::SilentBefore));
    assert_eq!(unheard.refresh(&third.refresh).await.status, 503);
    service.tap.set_line(Line::Refused);
    service.me(&third.access).await;
    service.tap.set_line(Line::Open);
    service.clock.advance(TimeDelta::seconds(60));
    let fourth = Pair::of(&service.refresh(&third.refresh).await);
    service.clock.advance(TimeDelta::seconds(60));
    assert_eq!(Pair::of(&service.refresh(&third.refresh).await), fourth);
    service.tap.arm(of("UpdateItem", 1, Reach::OneCall, Fault::Error(400, "AccessDeniedException")));
    service.assert_allowed(&fourth.access).await;
    drop(service.tap.disarm());
    assert_eq!(service.refresh(&first.refresh).await.status, 401);
    service.logout(&third.access).await;
    let last = service.login().await;
    super::password_change::add_user(&service, "berta", DEMO_PASSWORD).await;
    let berta = Pair::of(&service.login_with(&json!({"username": "berta", "password": DEMO_PASSWORD})).await);
    let change = json!({"username": "berta", "current_password": DEMO_PASSWORD, "new_password": "violin gravel postcode heron"});
    assert_eq!(send(service.request("PUT", "/me/password").bearer_auth(&berta.access).json(&change)).await.status, 200);
    let skewed = skewed(&service).await;
    skewed.assert_allowed(&last.access).await;
    let last = Pair::of(&skewed.refresh(&last.refresh).await);
    send(service.request("DELETE", "/sessions").bearer_auth(&last.access)).await;
    assert_eq!(service.admin("/admin/logins/search", &json!({"user_id": "unknown"})).await.status, 200);
    let hurried = deadline_passed(&service, &last.refresh).await;
    two_logins_of_one_token(&service).await;
    damaged_items(&service).await;
    let binding = Service::start(&[("DPOP", "optional")]).await;
    proofs(&binding).await;

    let emitted: BTreeSet<_> =
        [&service, &unheard, &hurried, &skewed, &binding].into_iter().flat_map(|service| told(service).into_keys()).collect();
    let declared = declared();
    let undeclared: Vec<_> = emitted.difference(&declared).collect();
    assert!(undeclared.is_empty(), "Metric::functions and Metric::reasons don't know {undeclared:?}");
    for metric in Metric::VARIANTS {
        assert!(emitted.iter().any(|one| one.metric == metric.name()), "no case caused {metric:?}");
    }
    // Each function emits the metrics that its alarms use.
    for metric in [Metric::InternalErrors, Metric::TokensAmbiguous, Metric::RefreshesReused, Metric::LoginsFailed, Metric::LoginsThrottled]
    {
        for function in metric.functions() {
            assert!(emitted.contains(&one(metric, *function, None)), "{metric:?} of {function:?}");
        }
    }
}

/// A service with a very short budget, whose read is never answered.
async fn deadline_passed(service: &Service, refresh: &str) -> Service {
    let hurried = service.with_budget(Duration::from_millis(10)).await;
    let read = hurried.tap.hold("Query");
    assert_eq!(hurried.refresh(refresh).await.outcome(), (503, "unavailable"));
    read.release();
    hurried
}

/// A service in an environment whose clock is a minute behind.
async fn skewed(service: &Service) -> Service {
    let time = service.clock.clone();
    let local = Clock::from_fn(move || time.now() - TimeDelta::minutes(1));
    Service::in_environment(service.database.clone(), service.clock.clone(), local, &[]).await
}

/// Caused in each function that takes tokens.
async fn two_logins_of_one_token(service: &Service) {
    const ACCESS: &str = "theirs-access-0123456789";
    const REFRESH: &str = "theirs-refresh-0123456789";
    let store = Store::new(service.database.client.clone(), service.database.table("SessionsTable"));
    let now = service.clock.now();
    for user_id in ["ada", "grace"] {
        let in_an_hour = rfc3339(now + TimeDelta::hours(1));
        let row = ImportRow {
            user_id,
            access_token: ACCESS,
            refresh_token: REFRESH,
            access_token_expires_at: &in_an_hour,
            refresh_token_expires_at: &in_an_hour,
        };
        import_session(&store, &ImportedSession::parse(row).unwrap(), now, &Random::system()).await.unwrap();
    }
    service.assert_refused(ACCESS).await;
    assert_eq!(service.refresh(REFRESH).await.status, 401);
    assert_eq!(service.logout(ACCESS).await.status, 204);
    assert_eq!(service.introspect(ACCESS).await.body, json!({"active": false}));
}

/// Caused in each function.
async fn damaged_items(service: &Service) {
    let (damaged, whole) = (service.login().await, service.login().await);
    let is_of_demo = |item: &Item| item["username"] == AttributeValue::S(DEMO_USER.into());
    let is_of = |item: &Item, sk: &str| item.get("sk").is_some_and(|value| value.as_s().is_ok_and(|text| text == sk));
    for item in service.database.items("SessionsTable").await {
        if is_of(&item, &damaged.login_id) {
            write_without(service, "SessionsTable", item, "logged_in_at").await;
        }
    }
    service.me(&damaged.access).await;
    assert_eq!(service.refresh(&damaged.refresh).await.status, 500);
    assert_eq!(send(service.request("GET", "/sessions").bearer_auth(&whole.access)).await.status, 500);
    let users = service.database.items("UsersTable").await;
    let user = users.into_iter().find(|user| is_of_demo(user)).unwrap();
    let user_id = user["user_id"].as_s().unwrap();
    assert_eq!(service.admin("/admin/logins/search", &json!({"user_id": user_id})).await.status, 500);
    write_without(service, "UsersTable", user, "password_hash").await;
    guess(service, DEMO_PASSWORD).await;
}

async fn write_without(service: &Service, table: &str, mut item: Item, attribute: &str) {
    assert!(item.remove(attribute).is_some_and(|value: AttributeValue| value.is_s()));
    let put = service.database.client.put_item().table_name(service.database.table(table)).set_item(Some(item));
    put.send().await.unwrap();
}
