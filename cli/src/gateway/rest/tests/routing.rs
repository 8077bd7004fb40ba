use super::*;

#[tokio::test]
async fn methods_and_paths_find_their_function() {
    let stand = Stand::up().await;
    let cases = [
        (Method::POST, "/open/a%20b", "/open/{item}", "POST"),
        (Method::PUT, "/refresh", "/refresh", "PUT"),
        (Method::HEAD, "/refresh", "/refresh", "HEAD"),
        (Method::GET, "/refresh/", "/refresh", "GET"),
        (Method::GET, "/me", "/me", "GET"),
        (Method::DELETE, "/sessions", "/sessions", "DELETE"),
        (Method::DELETE, "/sessions/x?keep=current", "/sessions/{login_id}", "DELETE"),
    ];
    for (method, path, resource, seen) in cases {
        assert_eq!(stand.bearer(method, path, "allow").await.status(), StatusCode::OK, "{path}");
        let (_, event) = stand.asked.lock().unwrap().last().cloned().unwrap();
        assert_eq!((&event["resource"], &event["httpMethod"]), (&json!(resource), &json!(seen)), "{path}");
    }
}

#[tokio::test]
async fn what_the_template_does_not_route_is_missing_authentication_token() {
    let stand = Stand::up().await;
    let cases = [
        (Method::GET, "/"),
        (Method::GET, "/login"),
        (Method::POST, "/login/x"),
        (Method::POST, "/Login"),
        (Method::POST, "/me"),
        (Method::GET, "/sessions/x"),
        (Method::OPTIONS, "/nowhere"),
        (Method::from_bytes(b"BREW").unwrap(), "/me"),
    ];
    for (method, path) in cases {
        let response = stand.bearer(method.clone(), path, "allow").await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{method} {path}");
        assert_eq!(response.headers()["x-amzn-errortype"], "MissingAuthenticationTokenException");
    }
    assert!(stand.asked.lock().unwrap().is_empty(), "no function is asked");
}

#[tokio::test]
async fn preflight_asks_nobody() {
    let stand = Stand::up().await;
    for (path, methods) in
        [("/me", "GET,OPTIONS"), ("/sessions", "DELETE,GET,OPTIONS"), ("/refresh", "DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT")]
    {
        let response = stand.request(Method::OPTIONS, path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let headers = response.headers().clone();
        let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap());
        assert_eq!(header("access-control-allow-origin"), Some("https://app.example"));
        assert_eq!(header("access-control-allow-methods"), Some(methods), "{path}");
        assert_eq!(header("access-control-allow-headers"), Some("Authorization"));
        assert_eq!(header("access-control-max-age"), Some("600"));
        assert_eq!(header("access-control-allow-credentials"), None);
        assert!(header("x-amzn-requestid").is_some());
        assert_eq!(response.text().await.unwrap(), "{}\n");
    }
    assert!(stand.asked.lock().unwrap().is_empty());
}

/// What happens to whoever forgets `AddDefaultAuthorizerToCorsPreflight: false`.
#[tokio::test]
async fn preflight_asks_the_authorizer_where_the_template_lets_it() {
    let stand = Stand::with(&[("PreflightAsks", "true")], GatewayOptions::default()).await;
    let response = stand.request(Method::OPTIONS, "/me").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(stand.bearer(Method::OPTIONS, "/me", "allow").await.status(), StatusCode::OK);
}
