use super::*;

impl Stand {
    /// `POST /login`, whose function answers with exactly `answer`.
    async fn told(&self, answer: &Value) -> reqwest::Response {
        self.request(Method::POST, "/login").body(answer.to_string()).send().await.unwrap()
    }
}

#[tokio::test]
async fn status_headers_and_body() {
    let stand = Stand::up().await;
    let response = stand
        .told(&json!({
            "statusCode": 201,
            "headers": {"Content-Type": "application/problem+json", "X-Both": "b", "X-Same": "s", "X-Flag": true},
            "multiValueHeaders": {"x-both": ["a"], "X-Same": ["s"], "Set-Cookie": ["one=1", "two=2"]},
            "body": "hello",
            "isBase64Encoded": false,
        }))
        .await;
    assert_eq!(response.status(), StatusCode::CREATED);
    let all = |name: &str| response.headers().get_all(name).iter().map(|v| v.to_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(all("content-type"), ["application/problem+json"]);
    assert_eq!(all("x-both"), ["a", "b"]);
    assert_eq!(all("x-same"), ["s"]);
    assert_eq!(all("x-flag"), ["true"]);
    assert_eq!(all("set-cookie"), ["one=1", "two=2"]);
    assert_eq!(all("x-amzn-requestid").len(), 1);
    assert_eq!(response.text().await.unwrap(), "hello");
}

#[tokio::test]
async fn no_member_is_mandatory() {
    let stand = Stand::up().await;
    let response = stand.told(&json!({})).await;
    assert_eq!((response.status(), response.headers()["content-type"].to_str().unwrap()), (StatusCode::OK, "application/json"));
    assert_eq!(response.text().await.unwrap(), "");
    let nulls = json!({"statusCode": "204", "headers": null, "multiValueHeaders": null, "body": null});
    assert_eq!(stand.told(&nulls).await.status(), StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn base64_bodies_are_decoded() {
    let stand = Stand::up().await;
    let response = stand.told(&json!({"body": "/wCA", "isBase64Encoded": true})).await;
    assert_eq!(response.bytes().await.unwrap().as_ref(), [0xff, 0x00, 0x80]);
}

#[tokio::test]
async fn headers_that_belong_to_the_gateway_are_remapped() {
    let stand = Stand::up().await;
    let answer = json!({
        "statusCode": 401,
        "headers": {
            "WWW-Authenticate": "Bearer error=\"invalid_token\"", "Date": "then", "Server": "mine", "Content-Length": "999",
            "Transfer-Encoding": "chunked", "X-Amzn-RequestId": "mine",
        },
    });
    let response = stand.told(&answer).await;
    let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap());
    assert_eq!(header("www-authenticate"), None);
    assert_eq!(header("x-amzn-remapped-www-authenticate"), Some("Bearer error=\"invalid_token\""));
    assert_eq!(header("x-amzn-remapped-date"), Some("then"));
    assert_eq!(header("x-amzn-remapped-server"), Some("mine"));
    assert_eq!(header("x-amzn-remapped-content-length"), Some("999"));
    assert_eq!(header("transfer-encoding"), None);
    assert_ne!(header("x-amzn-requestid"), Some("mine"));
}

#[tokio::test]
async fn malformed_answers_are_502() {
    let stand = Stand::up().await;
    let cases = [
        json!(null),
        json!("text"),
        json!([]),
        json!({"statusCode": 200, "cookies": []}),
        json!({"statusCode": "two hundred"}),
        json!({"statusCode": 99}),
        json!({"statusCode": 70000}),
        json!({"statusCode": 200, "body": {"not": "text"}}),
        json!({"headers": {"a": 1}}),
        json!({"headers": {"a b": "c"}}),
        json!({"headers": {"a": "b\r\nInjected: yes"}}),
        json!({"multiValueHeaders": {"a": "b"}}),
        json!({"body": "!", "isBase64Encoded": true}),
        json!({"errorType": "E", "errorMessage": "m"}),
    ];
    for answer in cases {
        let response = stand.told(&answer).await;
        assert_eq!(response.status(), StatusCode::BAD_GATEWAY, "{answer}");
        assert_eq!(response.headers()["x-amzn-errortype"], "InternalServerErrorException");
        assert_eq!(response.text().await.unwrap(), r#"{"type":"DEFAULT_5XX","title":"Internal server error"}"#);
    }
}

#[tokio::test]
async fn a_function_that_fails_is_502_and_the_gateway_lives() {
    let stand = Stand::up().await;
    for body in ["panic", "fail", "hang"] {
        let response = stand.request(Method::POST, "/login").body(body).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::BAD_GATEWAY, "{body}");
        assert_eq!(response.headers()["content-type"], "application/problem+json", "the template's only body");
    }
    assert_eq!(stand.told(&json!({})).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_function_that_api_gateway_does_not_wait_for_is_504() {
    let options = GatewayOptions { integration_timeout: Duration::from_millis(50), ..GatewayOptions::default() };
    let stand = Stand::with(&[], options).await;
    let response = stand.request(Method::POST, "/login").body("hang").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
    let expected = r#"{"type":"INTEGRATION_TIMEOUT","title":"Endpoint request timed out"}"#;
    assert_eq!(response.text().await.unwrap(), expected);
}

#[tokio::test]
async fn a_function_that_is_not_there_is_an_integration_failure() {
    let stand = Stand::up().await;
    let response = stand.request(Method::GET, "/orphan").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
    let expected = r#"{"type":"INTEGRATION_FAILURE","title":"Internal server error"}"#;
    assert_eq!(response.text().await.unwrap(), expected);
}
