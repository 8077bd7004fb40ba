use reqwest::header::{AUTHORIZATION, HeaderValue};

use super::*;

#[tokio::test]
async fn noise_is_refused_without_asking() {
    let stand = Stand::up().await;
    let cases: &[Option<&[u8]>] = &[
        None,
        Some(b""),
        Some(b"   "),
        Some(b"Bearer"),
        Some(b"Bearer  allow"),
        Some(b"Bearer allow!"),
        Some(b"Bearer allow, Bearer allow"),
        Some(b"xBearer allow"),
        Some(b"Bearer all\xf6w"),
        Some("Bearer allöw".as_bytes()),
    ];
    for value in cases {
        let mut request = stand.request(Method::GET, "/me");
        if let Some(value) = value {
            request = request.header(AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{value:?}");
        assert_eq!(response.headers()["www-authenticate"], "Bearer", "a gateway response keeps the name");
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert_eq!(response.text().await.unwrap(), r#"{"message":"Unauthorized"}"#);
    }
    assert!(stand.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn answers_of_the_authorizer() {
    let stand = Stand::up().await;
    let cases = [
        ("allow", 200, None),
        ("me-only", 200, None),
        ("deny", 401, Some("AccessDeniedException")),
        ("elsewhere", 401, Some("AccessDeniedException")),
        ("unauthorized", 401, Some("UnauthorizedException")),
        ("almost", 503, Some("AuthorizerFailureException")),
        ("panic", 503, Some("AuthorizerFailureException")),
        ("hang", 503, Some("AuthorizerFailureException")),
        ("nested", 500, Some("AuthorizerConfigurationException")),
        ("malformed", 500, Some("AuthorizerConfigurationException")),
    ];
    for (token, status, error) in cases {
        let response = stand.bearer(Method::GET, "/me", token).await;
        assert_eq!(response.status().as_u16(), status, "{token}");
        let found = response.headers().get("x-amzn-errortype").map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(found.as_deref(), error, "{token}");
    }
    assert_eq!(stand.events("sessions").len(), 2, "only what was allowed reached the function");
    assert_eq!(stand.bearer(Method::GET, "/sessions", "me-only").await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_authorizer_gets_a_token_event() {
    let stand = Stand::up().await;
    stand.bearer(Method::DELETE, "/sessions/abc?keep=current", "allow").await;
    assert_eq!(
        stand.events("authorizer"),
        [json!({
            "type": "TOKEN",
            "authorizationToken": "Bearer allow",
            "methodArn": "arn:aws:execute-api:us-east-1:123456789012:latchkey00/v1/DELETE/sessions/abc",
        })]
    );
}

#[tokio::test]
async fn of_two_authorization_headers_the_authorizer_sees_the_last() {
    let stand = Stand::up().await;
    let both = |first: &str, last: &str| stand.request(Method::GET, "/me").header(AUTHORIZATION, first).header(AUTHORIZATION, last).send();
    assert_eq!(both("Bearer deny", "Bearer allow").await.unwrap().status(), StatusCode::OK);
    assert_eq!(both("Bearer allow", "Bearer deny").await.unwrap().status(), StatusCode::UNAUTHORIZED);
    let event = &stand.events("sessions")[0];
    assert_eq!(event["headers"]["Authorization"], "Bearer allow");
    assert_eq!(event["multiValueHeaders"]["Authorization"], json!(["Bearer deny", "Bearer allow"]));
}

#[tokio::test]
async fn the_context_arrives_as_strings() {
    let stand = Stand::up().await;
    stand.bearer(Method::GET, "/me", "allow").await;
    let mut authorizer = stand.events("sessions")[0]["requestContext"]["authorizer"].clone();
    assert!(authorizer.as_object_mut().unwrap().remove("integrationLatency").unwrap().is_u64());
    assert_eq!(authorizer, json!({"principalId": "user-1", "user_id": "user-1", "generation": "7", "fresh": "true"}));
}

#[tokio::test]
async fn without_a_result_ttl_every_request_asks() {
    let stand = Stand::up().await;
    for _ in 0..3 {
        stand.bearer(Method::GET, "/me", "allow").await;
    }
    assert_eq!(stand.events("authorizer").len(), 3);
}

/// A1: a kept policy is judged against the method at hand (auth0-samples #8 is what happens to a narrow one).
#[tokio::test]
async fn a_kept_policy_is_judged_anew() {
    let stand = Stand::with(&[("ResultTtl", "60")], GatewayOptions::default()).await;
    let status = async |method, path, token| stand.bearer(method, path, token).await.status().as_u16();
    assert_eq!(status(Method::GET, "/me", "me-only").await, 200);
    assert_eq!(status(Method::GET, "/sessions", "me-only").await, 401, "the kept policy names one method");
    assert_eq!(status(Method::GET, "/me", "me-only").await, 200);
    assert_eq!(stand.events("authorizer").len(), 1);
    assert_eq!(status(Method::GET, "/me", "deny").await, 401);
    assert_eq!(status(Method::GET, "/me", "deny").await, 401);
    assert_eq!(stand.events("authorizer").len(), 2, "another identity asks, a refusal is kept too");
    assert_eq!(status(Method::GET, "/me", "almost").await, 503);
    assert_eq!(status(Method::GET, "/me", "almost").await, 503);
    assert_eq!(stand.events("authorizer").len(), 4, "failures aren't kept");
}

#[tokio::test]
async fn a_kept_policy_ends() {
    let stand = Stand::with(&[("ResultTtl", "1")], GatewayOptions::default()).await;
    stand.bearer(Method::GET, "/me", "allow").await;
    stand.bearer(Method::GET, "/me", "allow").await;
    assert_eq!(stand.events("authorizer").len(), 1);
    tokio::time::sleep(Duration::from_millis(1_050)).await;
    stand.bearer(Method::GET, "/me", "allow").await;
    assert_eq!(stand.events("authorizer").len(), 2);
}
