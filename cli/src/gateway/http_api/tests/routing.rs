use super::*;

#[tokio::test]
async fn methods_and_paths_find_their_route() {
    let stand = stand().await;
    let cases = [
        (Method::GET, "/me", "GET /me", Value::Null),
        (Method::GET, "/pets/dog", "GET /pets/dog", Value::Null),
        (Method::GET, "/pets/a%2Fb%20c", "GET /pets/{id}", json!({"id": "a/b c"})),
        (Method::PUT, "/pets/dog", "ANY /pets/{id}", json!({"id": "dog"})),
        (Method::GET, "/pets/dog/toys", "ANY /pets/{proxy+}", json!({"proxy": "dog/toys"})),
        (Method::GET, "/dogs/toys", "GET /{kind}/toys", json!({"kind": "dogs"})),
        (Method::GET, "/pets/toys", "GET /pets/{id}", json!({"id": "toys"})),
        (Method::GET, "/shops/x/y", "ANY /shops/{proxy+}", json!({"proxy": "x/y"})),
        // A full match before a greedy one, where a REST API would take the literal of the first place.
        (Method::GET, "/shops/toys", "GET /{kind}/toys", json!({"kind": "shops"})),
        // And another method of a matching path doesn't end the search.
        (Method::PUT, "/shops/toys", "ANY /shops/{proxy+}", json!({"proxy": "toys"})),
        (Method::DELETE, "/open/x", "ANY /open/{item}", json!({"item": "x"})),
    ];
    for (method, path, key, parameters) in cases {
        assert_eq!(stand.bearer(method, path, "allow").await.status(), StatusCode::OK, "{path}");
        let event = stand.events("team").pop().unwrap();
        assert_eq!((&event["routeKey"], &event["requestContext"]["routeKey"]), (&json!(key), &json!(key)), "{path}");
        assert_eq!(event["pathParameters"], parameters, "{path}");
    }
}

#[tokio::test]
async fn what_no_route_takes_is_not_found() {
    let stand = stand().await;
    let cases = [
        (Method::GET, "/"),
        (Method::POST, "/me"),
        (Method::GET, "/me/"),
        (Method::GET, "/ME"),
        (Method::GET, "/pets"),
        (Method::OPTIONS, "/me"),
    ];
    for (method, path) in cases {
        let response = stand.bearer(method.clone(), path, "allow").await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{method} {path}");
        assert_eq!(response.text().await.unwrap(), r#"{"message":"Not Found"}"#);
    }
    assert!(stand.asked.lock().unwrap().is_empty(), "no function is asked");
}

#[tokio::test]
async fn the_default_route_takes_the_rest() {
    let template = format!("{TEMPLATE}{DEFAULT}");
    let stand =
        Stand::serve(&template, &[], GatewayOptions::default(), &[("else", echo), ("team", echo), ("authorizer", authorizer)]).await;
    for (method, path) in [(Method::GET, "/"), (Method::POST, "/me"), (Method::GET, "/nowhere/at/all")] {
        assert_eq!(stand.request(method, path).send().await.unwrap().status(), StatusCode::OK, "{path}");
        let event = stand.events("else").pop().unwrap();
        assert_eq!((&event["routeKey"], &event["rawPath"]), (&json!("$default"), &json!(path)));
    }
    stand.bearer(Method::GET, "/me", "allow").await;
    assert_eq!(stand.events("team").len(), 1);
}
