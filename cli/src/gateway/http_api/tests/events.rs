use aws_lambda_events::apigw::{ApiGatewayV2CustomAuthorizerV2Request, ApiGatewayV2httpRequest};
use chrono::DateTime;
use latchkey::clock::Clock;

use super::*;

/// Real events of API Gateway, and the sample of its documentation with an authorizer's context.
const PROXY_EVENT: &str = include_str!("../../../../../tests/fixtures/example-apigw-v2-request-no-authorizer.json");
const PROXY_EVENT_AUTHORIZED: &str = include_str!("../../../../../tests/fixtures/example-apigw-v2-request-lambda-authorizer.json");
const AUTHORIZER_EVENT: &str = include_str!("../../../../../tests/fixtures/example-apigw-v2-custom-authorizer-v2-request.json");

/// What the authorizer and the function were asked.
async fn events_of(request: impl FnOnce(&Stand) -> RequestBuilder) -> (Value, Value) {
    let options = GatewayOptions {
        clock: Clock::from_fn(|| DateTime::from_timestamp_millis(1_795_451_109_123).unwrap()),
        ..GatewayOptions::default()
    };
    let stand = stand_with(&[], options).await;
    let response = request(&stand).header("Authorization", "Bearer allow").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let request_id = response.headers()["apigw-requestid"].to_str().unwrap().to_owned();
    let (authorizer, proxy) = (stand.events("authorizer").pop().unwrap(), stand.events("team").pop().unwrap());
    assert_eq!(
        (&authorizer["requestContext"]["requestId"], &proxy["requestContext"]["requestId"]),
        (&json!(request_id), &json!(request_id))
    );
    // The crate that functions read their events with takes them.
    serde_json::from_value::<ApiGatewayV2CustomAuthorizerV2Request>(authorizer.clone()).unwrap();
    serde_json::from_value::<ApiGatewayV2httpRequest>(proxy.clone()).unwrap();
    (authorizer, proxy)
}

#[tokio::test]
async fn whole_events() {
    let (authorizer, proxy) = events_of(|stand| {
        stand
            .request(Method::POST, "/pets/a%2Fb%20c?x=1&y=%C3%B6+%25&x=2&flag")
            .header("Host", "api.example:8080")
            .header("User-Agent", "test/1")
            .header("X-Custom", "one")
            .header("X-Custom", "two")
            .header("Cookie", "a=1; b=2")
            .header("X-Forwarded-For", "203.0.113.7")
            .header("X-Amzn-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793")
            .body("{}")
    })
    .await;
    let common = json!({
        "version": "2.0",
        "routeKey": "ANY /pets/{id}",
        "rawPath": "/pets/a%2Fb%20c",
        "rawQueryString": "x=1&y=%C3%B6+%25&x=2&flag",
        "cookies": ["a=1", "b=2"],
        "headers": {
            "accept": "*/*", "authorization": "Bearer allow", "content-length": "2", "host": "api.example:8080",
            "user-agent": "test/1", "x-amzn-trace-id": "Root=1-5759e988-bd862e3fe1be46a994272793", "x-custom": "one,two",
            "x-forwarded-for": "203.0.113.7, 127.0.0.1", "x-forwarded-port": "8080", "x-forwarded-proto": "http",
        },
        "queryStringParameters": {"x": "1,2", "y": "ö %", "flag": ""},
        "pathParameters": {"id": "a/b c"},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "latchkey00",
            "domainName": "api.example:8080",
            "domainPrefix": "api",
            "http": {
                "method": "POST", "path": "/pets/a%2Fb%20c", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "test/1",
            },
            "requestId": proxy["requestContext"]["requestId"],
            "routeKey": "ANY /pets/{id}",
            "stage": "$default",
            "time": "23/Nov/2026:16:25:09 +0000",
            "timeEpoch": 1_795_451_109_123_i64,
        },
    });
    let with = |members: Value| {
        let mut event = common.clone();
        event.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        event
    };
    let arn = "arn:aws:execute-api:us-east-1:123456789012:latchkey00/$default/POST/pets/a%2Fb%20c";
    assert_eq!(authorizer, with(json!({"type": "REQUEST", "routeArn": arn, "identitySource": ["Bearer allow", "ANY /pets/{id}"]})));
    let mut expected = with(json!({"body": "{}", "isBase64Encoded": false}));
    expected["requestContext"]["authorizer"] = json!({"lambda": {"user_id": "user-1", "generation": "7"}});
    assert_eq!(proxy, expected);
}

#[tokio::test]
async fn what_is_absent_has_no_member() {
    let (authorizer, proxy) = events_of(|stand| stand.request(Method::GET, "/me")).await;
    for event in [&authorizer, &proxy] {
        for member in ["cookies", "queryStringParameters", "pathParameters", "body", "stageVariables"] {
            assert_eq!(event.get(member), None, "{member}");
        }
        assert_eq!(event["rawQueryString"], "");
        assert_eq!(event["requestContext"].get("authentication"), None, "no mutual TLS");
    }
}

#[tokio::test]
async fn a_body_that_is_not_text_is_base64() {
    let (_, proxy) = events_of(|stand| stand.request(Method::POST, "/pets/cat").body(vec![0xff, 0x00, 0x80])).await;
    assert_eq!((&proxy["body"], &proxy["isBase64Encoded"]), (&json!("/wCA"), &json!(true)));
}

/// A4: what a client claims to be reaches no place where the authorizer's word stands.
#[tokio::test]
async fn a_client_cannot_write_the_request_context() {
    let claims = |stand: &Stand| {
        let request =
            stand.request(Method::GET, "/me?authorizer=root").header("X-User-Id", "root").header("X-Forwarded-For", "198.51.100.1");
        request.header("requestContext", r#"{"authorizer":{"lambda":{"user_id":"root"}}}"#)
    };
    let (_, proxy) = events_of(claims).await;
    assert_eq!(proxy["requestContext"]["authorizer"], json!({"lambda": {"user_id": "user-1", "generation": "7"}}));
    assert_eq!(proxy["requestContext"]["http"]["sourceIp"], "127.0.0.1");
}

/// Members and types as in API Gateway's own events, as far as a request without mutual TLS and stage variables has them.
#[tokio::test]
async fn the_shape_is_that_of_real_events() {
    let (authorizer, proxy) = events_of(|stand| {
        let request = stand.request(Method::POST, "/pets/a?parameter1=value1&parameter1=value2&parameter2=value");
        request.header("Cookie", "cookie1; cookie2").body("hello")
    })
    .await;
    let (_, bare) = events_of(|stand| stand.request(Method::GET, "/me")).await;
    for (made, real) in [(&authorizer, AUTHORIZER_EVENT), (&proxy, PROXY_EVENT_AUTHORIZED), (&bare, PROXY_EVENT)] {
        let real: Value = serde_json::from_str(real).unwrap();
        let without = ["stageVariables", "requestContext.authentication"];
        let real: Vec<_> = shape(&real).into_iter().filter(|(place, _)| !without.iter().any(|prefix| place.starts_with(prefix))).collect();
        let made = shape(made).into_iter().filter(|(place, _)| !place.starts_with("requestContext.authorizer") || has(&real, place));
        assert_eq!(made.collect::<Vec<_>>(), real);
    }
}

fn has(shape: &[(String, &'static str)], place: &str) -> bool {
    shape.iter().any(|(other, _)| other == place)
}

/// Every place of an event with its kind of value. Names that a request or an authorizer chooses are left out.
fn shape(event: &Value) -> Vec<(String, &'static str)> {
    const FREE: [&str; 4] = ["headers", "queryStringParameters", "pathParameters", "requestContext.authorizer.lambda"];
    fn walk(value: &Value, place: &str, into: &mut Vec<(String, &'static str)>) {
        let kind = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "number",
            Value::String(_) => "text",
            Value::Array(_) => "list",
            Value::Object(members) => {
                for (name, member) in members.iter().filter(|_| !FREE.contains(&place)) {
                    walk(member, format!("{place}.{name}").trim_start_matches('.'), into);
                }
                "object"
            }
        };
        into.push((place.to_owned(), kind));
    }
    let mut places = Vec::new();
    walk(event, "", &mut places);
    places.sort_unstable();
    places
}
