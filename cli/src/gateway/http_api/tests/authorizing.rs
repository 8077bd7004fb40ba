use super::*;

#[tokio::test]
async fn answers_of_the_authorizer() {
    let stand = stand().await;
    let cases = [
        ("allow", 200, None),
        ("bare", 200, None),
        ("deny", 403, Some("Forbidden")),
        ("fail", 500, Some("Internal Server Error")),
        ("panic", 500, Some("Internal Server Error")),
        ("hang", 500, Some("Internal Server Error")),
        ("policy", 500, Some("Internal Server Error")),
        ("almost", 500, Some("Internal Server Error")),
    ];
    for (token, status, message) in cases {
        let response = stand.bearer(Method::GET, "/me", token).await;
        assert_eq!(response.status().as_u16(), status, "{token}");
        assert_eq!(response.headers()["content-type"], "application/json");
        assert!(response.headers().contains_key("apigw-requestid"));
        if let Some(message) = message {
            assert_eq!(response.json::<Value>().await.unwrap(), json!({"message": message}), "{token}");
        }
    }
    assert_eq!(stand.events("team").len(), 2, "only what was allowed reached the function");
}

#[tokio::test]
async fn without_an_identity_source_nobody_is_asked() {
    let stand = stand().await;
    for request in [stand.request(Method::GET, "/me"), stand.request(Method::GET, "/me").header("Authorization", "")] {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(response.json::<Value>().await.unwrap(), json!({"message": "Unauthorized"}));
    }
    assert!(stand.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn two_headers_come_joined() {
    let stand = stand().await;
    let both = stand.request(Method::GET, "/me").header("Authorization", "Bearer allow").header("Authorization", "Bearer allow");
    assert_eq!(both.send().await.unwrap().status(), StatusCode::FORBIDDEN);
    let event = stand.events("authorizer").pop().unwrap();
    assert_eq!(event["headers"]["authorization"], "Bearer allow,Bearer allow");
    assert_eq!(event["identitySource"], json!(["Bearer allow,Bearer allow", "GET /me"]));
}

#[tokio::test]
async fn the_context_arrives_as_it_was_given() {
    let stand = stand().await;
    stand.bearer(Method::GET, "/me", "allow").await;
    stand.bearer(Method::GET, "/me", "bare").await;
    let contexts: Vec<Value> = stand.events("team").iter().map(|event| event["requestContext"]["authorizer"].clone()).collect();
    assert_eq!(contexts, [json!({"lambda": {"user_id": "user-1", "generation": "7"}}), json!({"lambda": null})]);
}

#[tokio::test]
async fn without_a_result_ttl_every_request_asks() {
    let stand = stand().await;
    for _ in 0..3 {
        stand.bearer(Method::GET, "/me", "allow").await;
    }
    assert_eq!(stand.events("authorizer").len(), 3);
}

/// A1: an answer is kept by all identity sources, the route among them; a failure isn't kept.
#[tokio::test]
async fn answers_are_kept_by_identity_and_route() {
    let stand = stand_with(&[("ResultTtl", "60")], GatewayOptions::default()).await;
    let asked = async |path: &str, token: &str, status: u16| {
        assert_eq!(stand.bearer(Method::GET, path, token).await.status().as_u16(), status, "{path} {token}");
        stand.events("authorizer").len()
    };
    assert_eq!(asked("/me", "allow", 200).await, 1);
    assert_eq!(asked("/me", "allow", 200).await, 1);
    assert_eq!(asked("/pets/cat", "allow", 200).await, 2, "another route");
    assert_eq!(asked("/pets/cow", "allow", 200).await, 2, "the same route, with another path");
    assert_eq!(asked("/me", "deny", 403).await, 3);
    assert_eq!(asked("/me", "deny", 403).await, 3);
    assert_eq!(asked("/me", "fail", 500).await, 4);
    assert_eq!(asked("/me", "fail", 500).await, 5);
}
