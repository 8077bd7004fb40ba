use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use chrono::DateTime;
use reqwest::header::HeaderValue;

use super::*;

async fn event_of(request: impl FnOnce(&Stand) -> RequestBuilder) -> Value {
    let options = GatewayOptions {
        clock: Clock::from_fn(|| DateTime::from_timestamp_millis(1_795_451_109_123).unwrap()),
        ..GatewayOptions::default()
    };
    let stand = Stand::with(&[], options).await;
    let response = request(&stand).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let request_id = response.headers()["x-amzn-requestid"].to_str().unwrap().to_owned();
    let event = stand.events("refresh").pop().unwrap();
    assert_eq!(event["requestContext"]["requestId"], request_id);
    // The crate that the functions read their events with takes it.
    serde_json::from_value::<ApiGatewayProxyRequest>(event.clone()).unwrap();
    event
}

#[tokio::test]
async fn a_whole_event() {
    let event = event_of(|stand| {
        stand
            .request(Method::POST, "/open/a%2Fb%20c?x=1&y=%C3%B6+%25&x=2&flag")
            .header("Host", "api.example:8080")
            .header("User-Agent", "test/1")
            .header("X-Custom", "one")
            .header("X-Custom", "two")
            .header("X-Forwarded-For", "203.0.113.7")
            .header("X-Amzn-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793")
            .header("Connection", "keep-alive")
            .body("{}")
    })
    .await;
    let context = &event["requestContext"];
    let expected = json!({
        "resource": "/open/{item}",
        "path": "/open/a%2Fb%20c",
        "httpMethod": "POST",
        "headers": {
            "Host": "api.example:8080", "User-Agent": "test/1", "x-custom": "two", "accept": "*/*",
            "X-Forwarded-For": "203.0.113.7, 127.0.0.1", "X-Forwarded-Port": "8080", "X-Forwarded-Proto": "http",
            "X-Amzn-Trace-Id": "Root=1-5759e988-bd862e3fe1be46a994272793",
        },
        "multiValueHeaders": {
            "Host": ["api.example:8080"], "User-Agent": ["test/1"], "x-custom": ["one", "two"], "accept": ["*/*"],
            "X-Forwarded-For": ["203.0.113.7, 127.0.0.1"], "X-Forwarded-Port": ["8080"], "X-Forwarded-Proto": ["http"],
            "X-Amzn-Trace-Id": ["Root=1-5759e988-bd862e3fe1be46a994272793"],
        },
        "queryStringParameters": {"x": "2", "y": "ö %", "flag": ""},
        "multiValueQueryStringParameters": {"x": ["1", "2"], "y": ["ö %"], "flag": [""]},
        "pathParameters": {"item": "a/b c"},
        "stageVariables": null,
        "requestContext": {
            "resourceId": context["resourceId"],
            "resourcePath": "/open/{item}",
            "httpMethod": "POST",
            "extendedRequestId": context["extendedRequestId"],
            "requestTime": "23/Nov/2026:16:25:09 +0000",
            "requestTimeEpoch": 1_795_451_109_123_i64,
            "path": "/v1/open/a%2Fb%20c",
            "accountId": "123456789012",
            "protocol": "HTTP/1.1",
            "stage": "v1",
            "domainPrefix": "api",
            "domainName": "api.example:8080",
            "requestId": context["requestId"],
            "apiId": "latchkey00",
            "identity": {
                "cognitoIdentityPoolId": null, "accountId": null, "cognitoIdentityId": null, "caller": null,
                "sourceIp": "127.0.0.1", "principalOrgId": null, "accessKey": null, "cognitoAuthenticationType": null,
                "cognitoAuthenticationProvider": null, "userArn": null, "userAgent": "test/1", "user": null,
            },
        },
        "body": "{}",
        "isBase64Encoded": false,
    });
    assert_eq!(event, expected);
    assert_eq!(context["requestId"].as_str().unwrap().len(), 36);
    assert_eq!(context["extendedRequestId"].as_str().unwrap().len(), 16);
    assert_eq!(context["resourceId"].as_str().unwrap().len(), 6);
}

#[tokio::test]
async fn what_is_absent_is_null() {
    let event = event_of(|stand| stand.request(Method::GET, "/refresh")).await;
    for member in ["queryStringParameters", "multiValueQueryStringParameters", "pathParameters", "body", "stageVariables"] {
        assert_eq!(event[member], Value::Null, "{member}");
    }
    assert_eq!(event["isBase64Encoded"], false);
    assert_eq!(event["requestContext"].get("authorizer"), None);
    let trace = event["headers"]["X-Amzn-Trace-Id"].as_str().unwrap();
    assert!(trace.starts_with("Root=1-6b0468e5-") && trace.len() == 40, "{trace}");
}

#[tokio::test]
async fn a_body_that_is_not_text_is_base64() {
    let event = event_of(|stand| stand.request(Method::POST, "/refresh").body(vec![0xff, 0x00, 0x80])).await;
    assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("/wCA"), &json!(true)));
    let event = event_of(|stand| stand.request(Method::POST, "/refresh").body("ö\0")).await;
    assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("ö\0"), &json!(false)));
}

#[tokio::test]
async fn a_header_that_is_not_utf8_is_latin1() {
    for (sent, seen) in [(b"caf\xe9".as_slice(), "café"), ("café".as_bytes(), "café")] {
        let event = event_of(|stand| stand.request(Method::GET, "/refresh").header("X-Name", HeaderValue::from_bytes(sent).unwrap())).await;
        assert_eq!(event["headers"]["x-name"], seen, "{sent:?}");
    }
}

#[tokio::test]
async fn a_semicolon_splits_the_query() {
    let event = event_of(|stand| stand.request(Method::GET, "/refresh?a=1;b=2")).await;
    assert_eq!(event["queryStringParameters"], json!({"a": "1", "b": "2"}));
}

/// A4, L2: identity and address that a client claims reach no place where the gateway's own stand.
#[tokio::test]
async fn a_client_cannot_write_the_request_context() {
    let event = event_of(|stand| {
        stand
            .request(Method::GET, "/refresh")
            .header("X-Forwarded-For", "198.51.100.1")
            .header("X-Real-Ip", "198.51.100.1")
            .header("X-User-Id", "root")
    })
    .await;
    assert_eq!(event["requestContext"]["identity"]["sourceIp"], "127.0.0.1");
    assert_eq!(event["requestContext"].get("authorizer"), None);
}
