use std::time::Duration;

use super::*;

async fn told(stand: &Stand, answer: &Value) -> reqwest::Response {
    stand.request(Method::POST, "/told").body(answer.to_string()).send().await.unwrap()
}

#[tokio::test]
async fn status_headers_cookies_and_body() {
    let stand = stand().await;
    let answer = json!({
        "statusCode": 401,
        "headers": {"WWW-Authenticate": "Bearer", "X-Flag": true, "Content-Type": "application/problem+json", "Content-Length": "999"},
        "multiValueHeaders": {},
        "cookies": ["one=1", "two=2"],
        "body": "hello",
        "isBase64Encoded": false,
    });
    let response = told(&stand, &answer).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let all = |name: &str| response.headers().get_all(name).iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(all("www-authenticate"), ["Bearer"], "no renaming");
    assert_eq!(all("x-flag"), ["true"]);
    assert_eq!(all("content-type"), ["application/problem+json"]);
    assert_eq!(all("set-cookie"), ["one=1", "two=2"]);
    assert_eq!(response.text().await.unwrap(), "hello");
    assert_eq!(told(&stand, &json!({"statusCode": "204"})).await.headers()["content-type"], "text/plain;charset=UTF-8");
    let binary = told(&stand, &json!({"statusCode": 200, "body": "/wCA", "isBase64Encoded": true})).await;
    assert_eq!(binary.bytes().await.unwrap().as_ref(), [0xff, 0x00, 0x80]);
}

/// The two examples of the documentation, and what else has no `statusCode`.
#[tokio::test]
async fn without_a_status_the_answer_is_the_body() {
    let stand = stand().await;
    let cases = [
        (json!("Hello from Lambda!"), "Hello from Lambda!"),
        (json!({"message": "Hello from Lambda!"}), r#"{"message":"Hello from Lambda!"}"#),
        (json!({"headers": {"X-A": "b"}, "body": "c"}), r#"{"body":"c","headers":{"X-A":"b"}}"#),
        (json!([1, 2]), "[1,2]"),
        (json!(null), "null"),
    ];
    for (answer, body) in cases {
        let response = told(&stand, &answer).await;
        assert_eq!((response.status(), response.headers()["content-type"].to_str().unwrap()), (StatusCode::OK, "application/json"));
        assert_eq!(response.text().await.unwrap(), body);
    }
}

#[tokio::test]
async fn what_is_no_answer_is_500_and_the_gateway_lives() {
    let stand = stand().await;
    let malformed = [
        json!({"statusCode": 99}),
        json!({"statusCode": "two hundred"}),
        json!({"statusCode": 200, "body": {"not": "text"}}),
        json!({"statusCode": 200, "headers": {"a": "b\r\nInjected: yes"}}),
        json!({"statusCode": 200, "body": "!", "isBase64Encoded": true}),
    ];
    let malformed = malformed.iter().map(Value::to_string);
    for body in malformed.chain(["panic", "fail", "hang"].map(str::to_owned)) {
        let response = stand.request(Method::POST, "/told").body(body.clone()).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR, "{body}");
        assert_eq!(response.text().await.unwrap(), r#"{"message":"Internal Server Error"}"#);
    }
    assert_eq!(stand.request(Method::GET, "/orphan").send().await.unwrap().status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(told(&stand, &json!({})).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_function_that_api_gateway_does_not_wait_for_is_503() {
    let options = GatewayOptions { integration_timeout: Duration::from_millis(50), ..GatewayOptions::default() };
    let stand = stand_with(&[], options).await;
    let response = stand.request(Method::POST, "/told").body("hang").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.text().await.unwrap(), r#"{"message":"Service Unavailable"}"#);
}

#[tokio::test]
async fn a_body_beyond_ten_mebibytes_is_413() {
    let stand = stand().await;
    let response = stand.request(Method::POST, "/told").body("a".repeat(crate::gateway::incoming::BODY_LIMIT + 1)).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert!(stand.asked.lock().unwrap().is_empty());
}
