//! examples/http-api. A refusal is 403 there, an outage 500, and only a missing header 401.

use std::time::Duration;

use latchkey_cli::template::IdentitySource;
use latchkey_tests::{service::Pair, tap::Line};

use super::*;

const TEMPLATE: &str = include_str!("../../../examples/http-api/template.yaml");

fn message(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.body["message"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn a_walk() {
    let team = Team::start(TEMPLATE, &[]).await;
    let pair = team.service.login().await;
    team.assert_seen(&team.hello(&pair.access).await, &pair.login_id).await;
    // A1: the cached policy covers the next route.
    let post = exchange(team.request(Method::POST, "/hello").bearer_auth(&pair.access)).await;
    team.assert_seen(&post, &pair.login_id).await;

    let _ = team.queries();
    assert_eq!(message(&exchange(team.request(Method::GET, "/hello")).await), (401, "Unauthorized"));
    assert_eq!(message(&team.hello("garbage").await), (403, "Forbidden"));
    assert_eq!(message(&team.hello(&pair.refresh).await), (403, "Forbidden"), "case K1");
    assert_eq!(message(&exchange(team.request(Method::GET, "/nothing").bearer_auth(&pair.access)).await), (404, "Not Found"));
    assert_eq!(exchange(team.request(Method::GET, "/health")).await.body, json!({"status": "ok"}));
    assert_eq!(team.queries(), 0, "none of these needs the table");

    let next = Pair::of(&team.service.refresh(&pair.refresh).await);
    assert_eq!(message(&team.hello(&pair.access).await), (403, "Forbidden"), "replaced");
    team.assert_seen(&team.hello(&next.access).await, &pair.login_id).await;
    assert_eq!(team.service.logout(&next.access).await.status, 204);
    assert_eq!(message(&team.hello(&next.access).await), (403, "Forbidden"), "logged out");
}

#[tokio::test]
async fn an_access_token_ends_at_its_expiry() {
    let team = Team::start(TEMPLATE, &[]).await;
    let pair = team.service.login().await;
    team.service.clock.set(pair.access_expires_at - chrono::TimeDelta::milliseconds(1));
    assert_eq!(team.hello(&pair.access).await.status, 200);
    team.service.clock.set(pair.access_expires_at);
    assert_eq!(message(&team.hello(&pair.access).await), (403, "Forbidden"));
}

/// A4: over an HTTP API.
#[tokio::test]
async fn a_header_that_claims_an_identity_is_ignored() {
    let team = Team::start(TEMPLATE, &[]).await;
    let pair = team.service.login().await;
    let claim = |request: RequestBuilder| request.header("x-user-id", "root").header("user_id", "root");
    assert_eq!(message(&exchange(claim(team.request(Method::GET, "/hello?user_id=root"))).await), (401, "Unauthorized"));
    let answer = exchange(claim(team.request(Method::GET, "/hello?user_id=root").bearer_auth(&pair.access))).await;
    team.assert_seen(&answer, &pair.login_id).await;
}

/// If the team forgets the authorizer, every request gets an error and no identity.
#[tokio::test]
async fn without_an_authorizer_there_is_no_caller() {
    let template = TEMPLATE.replace("DefaultAuthorizer: Latchkey", "");
    let team = Team::start(&template, &[]).await;
    let pair = team.service.login().await;
    let answer = exchange(team.request(Method::GET, "/hello").bearer_auth(&pair.access).header("x-user-id", "root")).await;
    assert_eq!(message(&answer), (500, "This route has no authorizer"));
}

/// B3: two headers reach the authorizer joined by a comma, and are refused.
#[tokio::test]
async fn two_authorization_headers_are_refused() {
    let team = Team::start(TEMPLATE, &[]).await;
    let pair = team.service.login().await;
    let _ = team.queries();
    let twice = team.request(Method::GET, "/hello").bearer_auth(&pair.access).bearer_auth(&pair.access);
    assert_eq!(message(&exchange(twice).await), (403, "Forbidden"));
    assert_eq!(team.queries(), 0);
}

/// A3: an outage is not a verdict.
#[tokio::test]
async fn an_outage_is_500() {
    let team = Team::start(TEMPLATE, &[("AuthorizerResultTtl", "60")]).await;
    let pair = team.service.login().await;
    for line in [Line::Refused, Line::Silent] {
        team.service.tap.set_line(line);
        assert_eq!(message(&team.hello(&pair.access).await), (500, "Internal Server Error"), "{line:?}");
    }
    team.service.tap.set_line(Line::Open);
    team.assert_seen(&team.hello(&pair.access).await, &pair.login_id).await;
}

/// With a result TTL, the gateway keeps Allow and Deny for that time, by token and route. This is the revocation lag.
#[tokio::test]
async fn a_result_ttl_is_the_revocation_lag() {
    let team = Team::start(TEMPLATE, &[("AuthorizerResultTtl", "60")]).await;
    let (pair, other) = (team.service.login().await, team.service.login().await);
    let _ = team.queries();
    for _ in 0..3 {
        team.assert_seen(&team.hello(&pair.access).await, &pair.login_id).await;
    }
    assert_eq!(team.queries(), 1, "kept");
    let post = || exchange(team.request(Method::POST, "/hello").bearer_auth(&pair.access));
    assert_eq!((post().await.status, post().await.status), (200, 200));
    assert_eq!(team.queries(), 1, "once for each route");
    team.assert_seen(&team.hello(&other.access).await, &other.login_id).await;
    assert_eq!(team.queries(), 1, "another token isn't cached");

    let next = Pair::of(&team.service.refresh(&pair.refresh).await);
    assert_eq!(team.hello(&pair.access).await.status, 200, "the lag: replaced, and still allowed");
    team.assert_seen(&team.hello(&next.access).await, &pair.login_id).await;
    team.service.logout(&other.access).await;
    let _ = team.queries();
    assert_eq!(
        exchange(team.request(Method::POST, "/hello").bearer_auth(&other.access)).await.status,
        403,
        "a route without a cached answer"
    );
    assert_eq!(exchange(team.request(Method::POST, "/hello").bearer_auth(&other.access)).await.status, 403);
    assert_eq!(team.queries(), 1, "a refusal is cached too");
}

#[test]
fn what_the_template_declares() {
    let main = Template::parse(latchkey_cli::dev::TEMPLATE, &std::collections::BTreeMap::new()).unwrap();
    let authorizer = main.function("AuthorizerFunction").unwrap();
    let parameters = [("AuthorizerFunctionArn".to_owned(), authorizer.arn())].into();
    let template = Template::parse_beside(TEMPLATE, &parameters, &main.functions).unwrap();
    let api = template.http_api.unwrap();
    let declared = api.authorizer.unwrap();
    assert_eq!((declared.function.as_str(), declared.result_ttl), ("AuthorizerFunction", Duration::ZERO));
    assert_eq!(declared.identity, [IdentitySource::Header("Authorization".to_owned()), IdentitySource::RouteKey]);
    let mut routes: Vec<_> = api.routes.iter().map(|route| (route.method.as_str(), route.path.as_str(), route.authorized)).collect();
    routes.sort_unstable();
    assert_eq!(routes, [("GET", "/health", false), ("GET", "/hello", true), ("POST", "/hello", true)]);
    assert!(Template::parse(TEMPLATE, &parameters).is_err(), "another stack has its authorizer");
}
