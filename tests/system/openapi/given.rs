//! Every answer in the description is given.

use std::collections::BTreeSet;

use latchkey_cli::dev::{DEMO_PASSWORD, DEMO_USER};
use latchkey_tests::{
    openapi::Contract,
    service::{Answer, Pair, Service, send},
    tap::{Fault, Line, Reach, Rule},
};
use reqwest::RequestBuilder;
use serde_json::json;

use super::broken_off;

/// Why no client gets this answer here.
fn out_of_reach(operation: &str, status: u16) -> Option<&'static str> {
    match (operation, status) {
        ("POST /login", 429) => None,
        (_, 429) => Some("API Gateway's throttling; the local gateway throttles nothing"),
        _ => None,
    }
}

/// An unknown login id.
const NOBODYS: &str = "/sessions/AAAAAAAAAAAAAAAAAAAAAA";

/// The answers seen, by operation and status.
#[derive(Default)]
struct Seen(BTreeSet<(&'static str, u16)>);

impl Seen {
    async fn each<const N: usize>(&mut self, status: u16, requests: [RequestBuilder; N]) {
        for request in requests {
            self.note(status, &send(request).await);
        }
    }

    fn note(&mut self, status: u16, answer: &Answer) {
        assert_eq!(answer.status, status, "{answer:?}");
        self.0.insert((&answer.operation.label, status));
    }
}

fn login(service: &Service, password: &str) -> RequestBuilder {
    service.request("POST", "/login").json(&json!({"username": DEMO_USER, "password": password}))
}

fn change(new_password: &str) -> serde_json::Value {
    json!({"username": DEMO_USER, "current_password": DEMO_PASSWORD, "new_password": new_password})
}

#[tokio::test]
async fn every_described_answer_is_given() {
    let mut seen = Seen::default();
    succeed(&mut seen).await;
    are_refused(&mut seen).await;
    are_too_large(&mut seen).await;
    fail(&mut seen).await;

    let described = Contract::of_the_service().operations().flat_map(|operation| {
        let label = operation.label.as_str();
        operation.statuses().map(move |status| (label, status))
    });
    let (given, missed): (Vec<_>, Vec<_>) = described.partition(|answer| seen.0.contains(answer));
    let unexplained: Vec<_> = missed.iter().filter(|(operation, status)| out_of_reach(operation, *status).is_none()).collect();
    assert!(unexplained.is_empty(), "described but never given: {unexplained:?}");
    assert_eq!((given.len(), missed.len()), (60, 8), "given, and not reachable here");
}

async fn succeed(seen: &mut Seen) {
    let service = Service::start(&[]).await;
    let (pair, other) = (service.login().await, service.login().await);
    let by_access = |method: &str, path: &str| service.request(method, path).bearer_auth(&pair.access);
    seen.each(200, [login(&service, DEMO_PASSWORD), by_access("GET", "/me"), by_access("GET", "/sessions")]).await;
    seen.each(204, [by_access("DELETE", &format!("/sessions/{}", other.login_id)), by_access("DELETE", "/sessions?keep=current")]).await;
    let pair = Pair::of(&{
        let changed = send(by_access("PUT", "/me/password").json(&change("violin gravel postcode heron"))).await;
        seen.note(200, &changed);
        changed
    });
    let next = service.refresh(&pair.refresh).await;
    seen.note(200, &next);
    seen.note(204, &service.logout(&Pair::of(&next).access).await);
}

async fn are_refused(seen: &mut Seen) {
    let service = Service::start(&[("LOGIN_FREE_FAILURES", "1")]).await;
    let pair = service.login().await;
    let request = |method: &str, path: &str| service.request(method, path);
    let by_access = |method: &str, path: &str| request(method, path).bearer_auth(&pair.access);
    let refresh = || request("POST", "/refresh").bearer_auth(&pair.refresh);

    let no_object = request("POST", "/login").header("content-type", "application/json").body("[]");
    let no_key = refresh().header("Idempotency-Key", "with space");
    seen.each(400, [no_object, no_key, by_access("GET", "/sessions?limit=0"), by_access("DELETE", "/sessions?keep=x")]).await;
    for (method, path) in [("POST", "/logout"), ("GET", "/me"), ("DELETE", NOBODYS), ("PUT", "/me")] {
        seen.note(400, &broken_off::answer(&service, method, path).await);
    }
    seen.each(404, [by_access("DELETE", NOBODYS), by_access("PUT", "/me")]).await;
    seen.each(415, [request("POST", "/login").body("{}"), by_access("PUT", "/me/password").body("{}")]).await;
    seen.each(400, [by_access("PUT", "/me/password").json(&change("too short"))]).await;
    seen.each(401, [request("PUT", "/me/password")]).await;

    let acting = service.admin("/admin/impersonations", &json!({"user_id": "ada", "act": "support"})).await;
    let acting = acting.body["access_token"].as_str().unwrap();
    seen.each(403, ["/sessions", NOBODYS].map(|path| request("DELETE", path).bearer_auth(acting))).await;
    seen.each(403, [request("PUT", "/me/password").bearer_auth(acting).json(&change("violin gravel postcode heron"))]).await;

    seen.each(401, [request("POST", "/refresh"), request("POST", "/logout"), request("GET", "/me"), request("GET", "/sessions")]).await;
    seen.each(401, [request("DELETE", "/sessions"), request("DELETE", NOBODYS), login(&service, "wrong")]).await;
    seen.each(429, [login(&service, "wrong")]).await;

    let next = Pair::of(&service.refresh(&pair.refresh).await);
    service.refresh(&next.refresh).await;
    service.clock.advance(chrono::TimeDelta::seconds(1));
    let reject = [("MAX_SESSIONS_PER_USER", "1"), ("ON_SESSION_LIMIT", "reject")];
    let full = Service::over(service.database.clone(), service.clock.clone(), &reject).await;
    seen.each(409, [refresh(), login(&full, DEMO_PASSWORD)]).await;
}

async fn are_too_large(seen: &mut Seen) {
    let service = Service::start(&[]).await;
    let over_10_mib = |method: &str, path: &str| service.request(method, path).body(vec![b' '; (10 << 20) + 1]);
    seen.each(413, [over_10_mib("POST", "/login"), over_10_mib("POST", "/refresh"), over_10_mib("POST", "/logout")]).await;
    seen.each(413, [over_10_mib("GET", "/me"), over_10_mib("GET", "/sessions"), over_10_mib("DELETE", "/sessions")]).await;
    seen.each(413, [over_10_mib("DELETE", NOBODYS), over_10_mib("GET", "/nothing"), over_10_mib("PUT", "/me/password")]).await;
}

async fn fail(seen: &mut Seen) {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    let by_access = |method: &str, path: &str| service.request(method, path).bearer_auth(&pair.access);
    let requests = || {
        [
            ("GetItem", 1, login(&service, DEMO_PASSWORD)),
            ("TransactWriteItems", 1, service.request("POST", "/refresh").bearer_auth(&pair.refresh)),
            ("DeleteItem", 1, service.request("POST", "/logout").bearer_auth(&pair.access)),
            // The first query is the authorizer's.
            ("Query", 2, by_access("GET", "/sessions")),
            ("GetItem", 1, by_access("PUT", "/me/password").json(&change("violin gravel postcode heron"))),
            ("UpdateItem", 1, by_access("DELETE", "/sessions")),
            ("DeleteItem", 1, by_access("DELETE", NOBODYS)),
        ]
    };
    for (operation, nth, request) in requests() {
        let fault = Fault::Error(400, "ValidationException");
        service.tap.arm(vec![Rule { operation, nth, reach: Reach::FromThenOn, fault }]);
        seen.each(500, [request]).await;
    }
    let _ = service.tap.disarm();
    // A template without the authorizer.
    let mut unwired = service.database.clone();
    unwired.template.routes.iter_mut().for_each(|route| route.authorized = false);
    let unwired = Service::over(unwired, service.clock.clone(), &[]).await;
    seen.each(500, [unwired.request("GET", "/me").bearer_auth(&pair.access)]).await;

    service.tap.set_line(Line::Refused);
    seen.each(503, requests().map(|(.., request)| request)).await;
    seen.each(503, [by_access("GET", "/me")]).await;
}
