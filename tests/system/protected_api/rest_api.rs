//! examples/protect-your-api: the same answers as Latchkey's own API.

use latchkey_tests::{service::Pair, tap::Line};

use super::*;

const TEMPLATE: &str = include_str!("../../../examples/protect-your-api/template.yaml");

#[tokio::test]
async fn a_walk() {
    let team = Team::start(TEMPLATE, &[]).await;
    let pair = team.service.login().await;
    team.assert_seen(&team.hello(&pair.access).await, &pair.login_id).await;
    let post = exchange(team.request(Method::POST, "/hello").bearer_auth(&pair.access)).await;
    team.assert_seen(&post, &pair.login_id).await;

    let missing = exchange(team.request(Method::GET, "/hello").header("x-user-id", "root")).await;
    assert_eq!((missing.outcome(), missing.headers["www-authenticate"].to_str().unwrap()), ((401, "missing_token"), "Bearer"));
    let refused = team.hello(&pair.refresh).await;
    assert_eq!(refused.outcome(), (401, "invalid_token"), "case K1");
    assert_eq!(refused.headers["www-authenticate"], "Bearer error=\"invalid_token\"");
    let claiming = exchange(team.request(Method::GET, "/hello").bearer_auth(&pair.access).header("x-user-id", "root")).await;
    team.assert_seen(&claiming, &pair.login_id).await;
    assert_eq!(exchange(team.request(Method::GET, "/health")).await.body, json!({"status": "ok"}));

    let next = Pair::of(&team.service.refresh(&pair.refresh).await);
    assert_eq!(team.hello(&pair.access).await.outcome(), (401, "invalid_token"), "replaced");
    team.assert_seen(&team.hello(&next.access).await, &pair.login_id).await;
    assert_eq!(team.service.logout(&next.access).await.status, 204);
    assert_eq!(team.hello(&next.access).await.outcome(), (401, "invalid_token"), "logged out");
}

/// A1: the answer cached for one route admits the same token to the next.
#[tokio::test]
async fn a_kept_answer_serves_every_route() {
    let team = Team::start(TEMPLATE, &[("AuthorizerResultTtl", "60")]).await;
    let pair = team.service.login().await;
    let _ = team.queries();
    assert_eq!(team.hello(&pair.access).await.status, 200);
    assert_eq!(exchange(team.request(Method::POST, "/hello").bearer_auth(&pair.access)).await.status, 200);
    assert_eq!(team.queries(), 1);
}

#[tokio::test]
async fn an_outage_is_503() {
    let team = Team::start(TEMPLATE, &[]).await;
    let pair = team.service.login().await;
    team.service.tap.set_line(Line::Refused);
    let answer = team.hello(&pair.access).await;
    assert_eq!((answer.outcome(), answer.headers["retry-after"].to_str().unwrap()), ((503, "unavailable"), "1"));
    team.service.tap.set_line(Line::Open);
    team.assert_seen(&team.hello(&pair.access).await, &pair.login_id).await;
}

/// The refusals equal Latchkey's own, to the byte.
#[test]
fn the_gateway_responses_are_those_of_the_main_template() {
    let none = std::collections::BTreeMap::new();
    let main = Template::parse(latchkey_cli::dev::TEMPLATE, &none).unwrap();
    let parameters = [("AuthorizerFunctionArn".to_owned(), main.function("AuthorizerFunction").unwrap().arn())].into();
    let template = Template::parse_beside(TEMPLATE, &parameters, &main.functions).unwrap();
    assert_eq!(template.gateway_responses.len(), 4);
    for (name, response) in &template.gateway_responses {
        let own = &main.gateway_responses[name];
        assert_eq!((response.status, &response.bodies), (own.status, &own.bodies), "{name}");
        assert!(response.headers.iter().all(|(header, value)| own.headers.get(header) == Some(value)), "{name}");
    }
    let (ours, theirs) = (template.authorizer.unwrap(), main.authorizer.unwrap());
    assert_eq!(ours.validation.unwrap().as_str(), theirs.validation.unwrap().as_str());
    assert_eq!(ours.result_ttl, theirs.result_ttl);
}
