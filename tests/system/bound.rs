//! Logins that are bound to a key (RFC 9449). The rule is in `docs/adr/0041-a-refresh-token-bound-to-a-key.md`.

use chrono::TimeDelta;
use latchkey_cli::dev::{DEMO_PASSWORD, DEMO_USER};
use latchkey_tests::{
    proofs::App,
    service::{Pair, Service, send},
    tap::{Fault, Reach, Rule},
};
use serde_json::json;

use crate::{admin::ISSUE, own_password};

const OPTIONAL: [(&str, &str); 1] = [("DPOP", "optional")];

const REFUSED: (u16, &str) = (401, "invalid_token");
const BAD_PROOF: (u16, &str) = (400, "invalid_dpop_proof");

#[tokio::test]
async fn a_stolen_refresh_token_alone_yields_nothing_and_ends_nothing() {
    let service = Service::start(&OPTIONAL).await;
    let (app, thief) = (App::with_key(&service, 1), App::with_key(&service, 2));
    let first = app.log_in().await;
    let second = Pair::of(&app.refresh(&first.refresh).await);
    service.clock.advance(TimeDelta::hours(1));
    let third = Pair::of(&app.refresh(&second.refresh).await);
    for stolen in [&first, &second, &third] {
        assert_eq!(service.refresh(&stolen.refresh).await.outcome(), REFUSED, "without a proof");
        assert_eq!(thief.refresh(&stolen.refresh).await.outcome(), REFUSED, "with a proof by another key");
        for _ in 0..2 {
            service.clock.advance(TimeDelta::hours(1));
            assert_eq!(service.refresh(&stolen.refresh).await.outcome(), REFUSED, "after every window");
        }
    }
    let next = app.refresh(&third.refresh).await;
    assert_eq!(next.body["dpop_jkt"], app.key.thumbprint());
    service.assert_allowed(&Pair::of(&next).access).await;
}

#[tokio::test]
async fn a_proof_is_answered_once_on_any_newer_token() {
    let service = Service::start(&OPTIONAL).await;
    let app = App::with_key(&service, 1);
    let first = app.log_in().await;
    let proof = app.proof("/refresh");
    let second = Pair::of(&app.refresh_with(&first.refresh, &proof).await);
    assert_eq!(app.refresh_with(&first.refresh, &proof).await.outcome(), BAD_PROOF, "the same request once more");
    assert_eq!(app.refresh_with(&second.refresh, &proof).await.outcome(), BAD_PROOF, "with the token that it led to");
    let third = Pair::of(&app.refresh(&second.refresh).await);
    assert_eq!(app.refresh_with(&third.refresh, &proof).await.outcome(), BAD_PROOF, "handed on by the rotation");
    service.clock.advance(TimeDelta::minutes(4));
    assert_eq!(app.refresh_with(&first.refresh, &proof).await.outcome(), BAD_PROOF, "an old token isn't judged with it");
    service.clock.advance(TimeDelta::minutes(2));
    assert_eq!(app.refresh_with(&third.refresh, &proof).await.outcome(), BAD_PROOF, "too old");
    service.assert_allowed(&Pair::of(&app.refresh(&third.refresh).await).access).await;
}

/// A client whose answers are lost signs anew each time. Neither a window nor a mark is needed, and no idempotency key is compared.
#[tokio::test]
async fn a_lost_answer_comes_back_to_the_key_however_late() {
    for rule in ["until_first_use", "window"] {
        let service = Service::start(&[OPTIONAL[0], ("LOST_ANSWER", rule)]).await;
        let app = App::with_key(&service, 1);
        let first = app.log_in().await;
        let lost = Pair::of(&app.refresh(&first.refresh).await);
        service.assert_allowed(&lost.access).await;
        for later in [TimeDelta::seconds(1), TimeDelta::hours(1), TimeDelta::days(5)] {
            service.clock.advance(later);
            let request = service.request("POST", "/refresh").bearer_auth(&first.refresh).header("DPoP", app.proof("/refresh"));
            let answer = send(request.header("idempotency-key", later.to_string())).await;
            assert_eq!(Pair::of(&answer), lost, "{later} later");
        }
        let items = service.database.items("SessionsTable").await;
        assert!(
            !items.iter().any(|item| ["awaits_use", "used_replay_until", "replay_key_hash"].iter().any(|name| item.contains_key(*name)))
        );
        let next = Pair::of(&app.refresh(&lost.refresh).await);
        assert_eq!(app.refresh(&first.refresh).await.outcome(), (409, "superseded"), "another tab had the old token");
        service.clock.advance(TimeDelta::hours(1));
        assert_eq!(app.refresh(&first.refresh).await.outcome(), REFUSED, "reused by the key's own holder");
        service.assert_refused(&next.access).await;
    }
}

#[tokio::test]
async fn the_ninth_proof_of_some_minutes_waits() {
    let service = Service::start(&OPTIONAL).await;
    let app = App::with_key(&service, 1);
    let mut pair = app.log_in().await;
    for _ in 0..8 {
        pair = Pair::of(&app.refresh(&pair.refresh).await);
    }
    let ninth = app.refresh(&pair.refresh).await;
    assert_eq!(ninth.outcome(), (429, "throttled"));
    let seconds: i64 = ninth.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((300..=361).contains(&seconds), "{seconds}");
    service.clock.advance(TimeDelta::seconds(seconds));
    service.assert_allowed(&Pair::of(&app.refresh(&pair.refresh).await).access).await;
}

/// Nothing is read, written or counted for a proof that proves nothing.
#[tokio::test]
async fn a_bad_proof_costs_no_call_to_the_store() {
    let service = Service::start(&OPTIONAL).await;
    let app = App::with_key(&service, 1);
    let pair = app.log_in().await;
    service.tap.arm(Vec::new());
    let elsewhere = app.key.prove("https://evil.example/refresh", service.clock.now());
    let early = app.key.prove(&app.url("/refresh"), service.clock.now() - TimeDelta::seconds(301));
    for bad in [&app.proof("/login"), &elsewhere, &early, "not.a.proof", "?"] {
        assert_eq!(app.refresh_with(&pair.refresh, bad).await.outcome(), BAD_PROOF, "{bad}");
    }
    for bad in [&app.proof("/refresh"), &elsewhere, "not.a.proof"] {
        let answer = app.log_in_with(Some(bad)).await;
        assert_eq!(answer.outcome(), BAD_PROOF, "{bad}");
        assert!(answer.body["detail"].is_string());
    }
    let twice = service.request("POST", "/refresh").bearer_auth(&pair.refresh).header("DPoP", app.proof("/refresh"));
    assert_eq!(send(twice.header("DPoP", app.proof("/refresh"))).await.outcome(), BAD_PROOF);
    assert!(service.tap.disarm().is_empty());
}

#[tokio::test]
async fn the_setting_decides_on_new_logins_only() {
    let service = Service::start(&OPTIONAL).await;
    let app = App::with_key(&service, 1);
    let bearer = Pair::of(&app.log_in_with(None).await);
    let bound = app.log_in().await;
    let over = async |dpop| Service::over(service.database.clone(), service.clock.clone(), &[("DPOP", dpop)]).await;

    let required = over("required").await;
    let strict = App::with_key(&required, 1);
    assert_eq!(strict.log_in_with(None).await.outcome(), BAD_PROOF);
    strict.log_in().await;
    let bearer = Pair::of(&required.refresh(&bearer.refresh).await);

    let off = over("off").await;
    let lax = App::with_key(&off, 1);
    let unbound = lax.log_in_with(Some("any header")).await;
    assert_eq!((unbound.status, &unbound.body["dpop_jkt"]), (200, &json!(null)));
    assert_eq!(off.refresh(&bound.refresh).await.outcome(), REFUSED);
    assert_eq!(lax.refresh(&bound.refresh).await.status, 200);
    // A bearer login takes a proof for what it is, a header more.
    let again = lax.refresh(&bearer.refresh).await;
    assert_eq!((again.status, &again.body["dpop_jkt"]), (200, &json!(null)));
}

/// The back office names the key, and sends no proof. It can't rely on a key that the setting would leave out.
#[tokio::test]
async fn a_login_of_the_back_office_is_bound_to_the_key_that_it_names() {
    let service = Service::start(&OPTIONAL).await;
    let app = App::with_key(&service, 1);
    let bound = json!({"user_id": "ada", "device_id": "phone", "dpop_jkt": app.key.thumbprint()});
    let issued = service.admin(ISSUE, &bound).await;
    assert_eq!((issued.status, &issued.body["dpop_jkt"]), (200, &json!(app.key.thumbprint())));
    let pair = Pair::of(&issued);
    assert_eq!(service.refresh(&pair.refresh).await.outcome(), REFUSED, "without a proof");
    assert_eq!(app.refresh(&pair.refresh).await.status, 200);

    let unbound = json!({"user_id": "ada", "device_id": "phone"});
    for (dpop, body, status) in [("off", &bound, 400), ("off", &unbound, 200), ("required", &unbound, 400), ("required", &bound, 200)] {
        let over = Service::over(service.database.clone(), service.clock.clone(), &[("DPOP", dpop)]).await;
        assert_eq!(over.admin(ISSUE, body).await.status, status, "{dpop} {body}");
    }
}

/// A change of the password is no way to lose the key. It may take another one, as a login may.
#[tokio::test]
async fn the_login_of_a_changed_password_is_bound_as_the_one_before() {
    let service = Service::start(&OPTIONAL).await;
    let (app, other) = (App::with_key(&service, 1), App::with_key(&service, 2));
    let first = app.log_in().await;
    let to_new = own_password::body(DEMO_USER, DEMO_PASSWORD, own_password::NEW);
    let changed = send(own_password::request(&service, &first.access, &to_new)).await;
    assert_eq!(changed.body["dpop_jkt"], app.key.thumbprint());
    let second = Pair::of(&changed);
    assert_eq!(service.refresh(&second.refresh).await.outcome(), REFUSED, "without a proof");
    let second = Pair::of(&app.refresh(&second.refresh).await);

    let back = own_password::body(DEMO_USER, own_password::NEW, "candle orbit mustard fjord");
    let request = || own_password::request(&service, &second.access, &back);
    assert_eq!(send(request().header("DPoP", other.proof("/me/password"))).await.outcome(), BAD_PROOF, "of a POST");
    let proof = other.key.prove_by("PUT", &other.url("/me/password"), service.clock.now());
    let changed = send(request().header("DPoP", proof)).await;
    assert_eq!(changed.body["dpop_jkt"], other.key.thumbprint());
    assert_eq!(other.refresh(&Pair::of(&changed).refresh).await.status, 200);
}

#[tokio::test]
async fn where_a_login_needs_a_key_a_changed_password_does_too() {
    let service = Service::start(&OPTIONAL).await;
    let bearer = service.login().await;
    let required = Service::over(service.database.clone(), service.clock.clone(), &[("DPOP", "required")]).await;
    let app = App::with_key(&required, 1);
    let to_new = own_password::body(DEMO_USER, DEMO_PASSWORD, own_password::NEW);
    let request = || own_password::request(&required, &bearer.access, &to_new);
    assert_eq!(send(request()).await.outcome(), BAD_PROOF);
    required.assert_allowed(&bearer.access).await;
    let proof = app.key.prove_by("PUT", &app.url("/me/password"), required.clock.now());
    assert_eq!(send(request().header("DPoP", proof)).await.body["dpop_jkt"], app.key.thumbprint());
}

#[tokio::test]
async fn logging_out_needs_no_proof() {
    let service = Service::start(&OPTIONAL).await;
    let app = App::with_key(&service, 1);
    let pair = app.log_in().await;
    assert_eq!(service.logout(&pair.refresh).await.status, 204);
    assert_eq!(app.refresh(&pair.refresh).await.outcome(), REFUSED);
}

#[tokio::test]
async fn behind_a_domain_of_ones_own_a_proof_names_that() {
    let urls = [("DpopUrls", "https://app.example/api,https://m.example")];
    let service = Service::start_by(&urls, &OPTIONAL).await;
    let app = App::with_key(&service, 1);
    assert_eq!(app.log_in_with(Some(&app.proof("/login"))).await.outcome(), BAD_PROOF);
    let pair = Pair::of(&app.log_in_with(Some(&app.key.prove("https://app.example/api/login", service.clock.now()))).await);
    let proof = app.key.prove("https://M.example/refresh?x", service.clock.now());
    assert_eq!(app.refresh_with(&pair.refresh, &proof).await.status, 200);
}

/// Of two requests with one token and one proof, sent at once, one is answered.
#[tokio::test]
async fn one_proof_sent_twice_at_once_is_answered_once() {
    let service = Service::start(&OPTIONAL).await;
    let app = App::with_key(&service, 1);
    let first = app.log_in().await;
    let second = Pair::of(&app.refresh(&first.refresh).await);
    for token in [&first.refresh, &second.refresh] {
        let proof = app.proof("/refresh");
        let (one, other) = tokio::join!(app.refresh_with(token, &proof), app.refresh_with(token, &proof));
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 400]);
    }
}

/// What a rotation costs, and a replay. DynamoDB counts a transaction's writes twice.
#[tokio::test]
async fn a_bound_login_writes_no_mark_and_a_replay_writes_its_proof() {
    let service = Service::start(&OPTIONAL).await;
    let app = App::with_key(&service, 1);
    let first = app.log_in().await;
    let next = Pair::of(&app.refresh(&first.refresh).await);
    let calls = async |what: &str| {
        let operations: Vec<_> = service.tap.disarm().into_iter().map(|call| (call.operation, call.capacity.unwrap())).collect();
        service.tap.arm(Vec::new());
        assert!(!operations.is_empty(), "{what}");
        operations
    };
    service.tap.count_capacity();
    service.tap.arm(Vec::new());
    let of = |calls: &[(&str, f64)]| calls.iter().map(|(operation, units)| ((*operation).to_owned(), *units)).collect::<Vec<_>>();
    service.assert_allowed(&next.access).await;
    assert_eq!(calls("the first use").await, of(&[("Query", 1.0)]), "a bearer login's is marked by one unit more");
    app.refresh(&first.refresh).await;
    assert_eq!(calls("a replay").await, of(&[("Query", 1.0), ("UpdateItem", 1.0)]));
    service.refresh(&next.refresh).await;
    assert_eq!(calls("without the key").await, of(&[("Query", 1.0)]));
    app.refresh(&next.refresh).await;
    assert_eq!(calls("a rotation").await[0], ("Query".to_owned(), 1.0));
}

/// An outage at the write of a proof is a 503. Whether the proof was written or not, a new one gets the pair.
#[tokio::test]
async fn a_replay_whose_proof_may_not_be_written_is_not_answered() {
    for fault in [Fault::LostAfter, Fault::LostBefore, Fault::Error(500, "InternalServerError")] {
        let service = Service::start(&OPTIONAL).await;
        let app = App::with_key(&service, 1);
        let first = app.log_in().await;
        let lost = Pair::of(&app.refresh(&first.refresh).await);
        service.tap.arm(vec![Rule { operation: "UpdateItem", nth: 1, reach: Reach::FromThenOn, fault }]);
        let answer = app.refresh(&first.refresh).await;
        drop(service.tap.disarm());
        assert!(matches!(answer.outcome(), (503, "unavailable") | BAD_PROOF), "{answer:?}");
        assert_eq!(Pair::of(&app.refresh(&first.refresh).await), lost);
    }
}
