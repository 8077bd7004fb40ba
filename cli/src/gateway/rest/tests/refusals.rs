use super::{super::response::render, *};
use crate::gateway::incoming::BODY_LIMIT;

#[tokio::test]
async fn a_body_of_ten_mebibytes_and_no_more() {
    let stand = Stand::up().await;
    let send = async |size| stand.request(Method::POST, "/refresh").body("a".repeat(size)).send().await.unwrap();
    assert_eq!(send(BODY_LIMIT).await.status(), StatusCode::OK);
    let response = send(BODY_LIMIT + 1).await;
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    // REQUEST_TOO_LARGE isn't in the template: DEFAULT_4XX gives everything but the status.
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let id = response.headers()["x-amzn-requestid"].to_str().unwrap().to_owned();
    assert_eq!(
        response.json::<Value>().await.unwrap(),
        json!({"type": "REQUEST_TOO_LARGE", "title": "Request Too Long", "raw": "Request Too Long", "id": id, "unknown": ""})
    );
    assert_eq!(stand.events("refresh").len(), 1);
}

#[tokio::test]
async fn the_templates_own_responses() {
    let stand = Stand::up().await;
    let denied = stand.bearer(Method::GET, "/me", "deny").await;
    assert_eq!(denied.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(denied.headers()["www-authenticate"], r#"Bearer error="invalid_token""#);
    assert_eq!(denied.headers()["content-type"], "application/json");
    assert_eq!(denied.text().await.unwrap(), r#"{"message":"User is not authorized to access this resource"}"#);
    let failed = stand.bearer(Method::GET, "/me", "almost").await;
    assert_eq!((failed.status(), failed.headers()["retry-after"].to_str().unwrap()), (StatusCode::SERVICE_UNAVAILABLE, "1"));
    assert_eq!(failed.text().await.unwrap(), r#"{"message":null}"#);
}

#[test]
fn inheritance() {
    let response = |status: Option<u16>| GatewayResponse { status, ..GatewayResponse::default() };
    let customised = |entries: &[(&str, Option<u16>)]| {
        entries.iter().map(|(name, status)| ((*name).to_owned(), response(*status))).collect::<BTreeMap<_, _>>()
    };
    use ResponseType::{AccessDenied, AuthorizerFailure, Default5xx, Unauthorized};
    let cases = [
        (AccessDenied, customised(&[]), 403),
        (AccessDenied, customised(&[("DEFAULT_4XX", None)]), 403),
        (AccessDenied, customised(&[("DEFAULT_4XX", Some(418))]), 418),
        (AccessDenied, customised(&[("DEFAULT_4XX", Some(418)), ("ACCESS_DENIED", None)]), 403),
        (AccessDenied, customised(&[("DEFAULT_4XX", Some(418)), ("ACCESS_DENIED", Some(401))]), 401),
        (AccessDenied, customised(&[("DEFAULT_5XX", Some(503))]), 403),
        (Unauthorized, customised(&[("ACCESS_DENIED", Some(404))]), 401),
        (AuthorizerFailure, customised(&[("DEFAULT_5XX", Some(503))]), 503),
        (AuthorizerFailure, customised(&[("DEFAULT_4XX", Some(418))]), 500),
        (Default5xx, customised(&[]), 502),
        (Default5xx, customised(&[("DEFAULT_5XX", None)]), 502),
        (Default5xx, customised(&[("DEFAULT_5XX", Some(500))]), 500),
    ];
    for (kind, customised, status) in cases {
        assert_eq!(
            render(&Refusal::new(kind, "a test"), &customised, &Variables::new()).status().as_u16(),
            status,
            "{kind:?} {customised:?}"
        );
    }
}
