//! A1, A2, A3: real events of every kind of gateway, through the authorizer.

use latchkey::{ids::is_url_safe, store::Store, token::ImportedTokens};
use latchkey_authorizer::{Authorizer, AuthorizerError};
use latchkey_tests::{
    database::{TEST_LIMITS, first_use},
    service::{Pair, Service},
    tap::Line,
};
use serde_json::{Value, json};

/// Where an event carries its credentials, the ARN that its policy must name, and whether it accepts a simple response.
struct Shape {
    name: &'static str,
    event: &'static str,
    token_at: fn(&mut Value, &str),
    stage: Option<&'static str>,
}

fn in_headers(event: &mut Value, value: &str) {
    event["headers"]["authorization"] = json!(value);
}

const SHAPES: [Shape; 8] = [
    Shape {
        name: "REST TOKEN",
        event: include_str!("../fixtures/example-apigw-custom-auth-request.json"),
        token_at: |event, value| event["authorizationToken"] = json!(value),
        stage: Some("arn:aws:execute-api:us-west-2:123456789012:ymy8tbxw7b/*/*"),
    },
    Shape {
        name: "REST REQUEST",
        event: include_str!("../fixtures/example-apigw-custom-auth-request-type-request.json"),
        token_at: |event, value| {
            event["headers"]["Authorization"] = json!(value);
            event["multiValueHeaders"]["Authorization"] = json!([value]);
        },
        stage: Some("arn:aws:execute-api:us-east-1:123456789012:s4x3opwd6i/test/*"),
    },
    Shape {
        name: "HTTP API 1.0",
        event: include_str!("../fixtures/example-apigw-v2-custom-authorizer-v1-request.json"),
        token_at: in_headers,
        stage: Some("arn:aws:execute-api:us-east-1:123456789012:abcdef123/test/*"),
    },
    Shape {
        name: "HTTP API 2.0",
        event: include_str!("../fixtures/example-apigw-v2-custom-authorizer-v2-request.json"),
        token_at: in_headers,
        stage: None,
    },
    Shape {
        name: "HTTP API 2.0, null maps",
        event: include_str!("../fixtures/example-apigw-v2-custom-authorizer-v2-request-null-maps.json"),
        token_at: in_headers,
        stage: None,
    },
    Shape {
        name: "HTTP API 2.0, no cookies",
        event: include_str!("../fixtures/example-apigw-v2-custom-authorizer-v2-request-without-cookies.json"),
        token_at: in_headers,
        stage: None,
    },
    Shape {
        name: "HTTP API 2.0, no identity source",
        event: include_str!("../fixtures/example-apigw-v2-custom-authorizer-v2-request-without-identity-source.json"),
        token_at: in_headers,
        stage: None,
    },
    Shape {
        name: "WebSocket $connect",
        event: include_str!("../fixtures/example-apigw-v2-custom-authorizer-websocket-request.json"),
        token_at: |event, value| event["multiValueHeaders"]["AUTHORIZATION"] = json!([value]),
        stage: Some("arn:aws:execute-api:eu-west-1:123456789012:abcdef123/test/*"),
    },
];

fn authorizer(service: &Service) -> Authorizer {
    let store = Store::new(service.database.tapped(&service.tap), service.database.table("SessionsTable"));
    Authorizer::new(store, ImportedTokens::Refused, first_use(), service.clock.clock(), TEST_LIMITS)
}

async fn ask(authorizer: &Authorizer, event: Value) -> Result<Value, AuthorizerError> {
    let answer = authorizer.answer(serde_json::from_value(event).unwrap(), "invocation".into()).await;
    answer.map(|answer| serde_json::to_value(answer).unwrap())
}

fn event_with(shape: &Shape, credentials: &str) -> Value {
    let mut event = serde_json::from_str(shape.event).unwrap();
    (shape.token_at)(&mut event, credentials);
    event
}

fn allows(answer: &Value) -> bool {
    let policy = answer["policyDocument"]["Statement"][0]["Effect"] == "Allow";
    policy || answer["isAuthorized"] == true
}

fn assert_context(context: &Value, pair: &Pair) {
    let context = context.as_object().unwrap();
    assert!(context.values().all(Value::is_string), "flat strings: {context:?}");
    let names: Vec<_> = context.keys().map(String::as_str).collect();
    assert_eq!(names, ["access_token_expires_at", "generation", "login_id", "refresh_token_expires_at", "user_id"]);
    assert_eq!((&context["login_id"], &context["generation"]), (&json!(pair.login_id), &json!("0")));
    assert!(is_url_safe(context["user_id"].as_str().unwrap()));
}

#[tokio::test]
async fn every_shape_is_answered_in_its_own() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    let authorizer = authorizer(&service);
    for shape in &SHAPES {
        let allowed = ask(&authorizer, event_with(shape, &format!("Bearer {}", pair.access))).await.unwrap();
        assert!(allows(&allowed), "{}: {allowed}", shape.name);
        assert_context(&allowed["context"], &pair);

        let refused = ask(&authorizer, event_with(shape, &format!("Bearer {}", pair.refresh))).await.unwrap();
        assert!(!allows(&refused), "{}: {refused}", shape.name);
        assert!(refused.get("context").is_none());

        match shape.stage {
            // A cached policy must not refuse the next route (case A1).
            Some(stage) => {
                for answer in [&allowed, &refused] {
                    let statement = &answer["policyDocument"]["Statement"][0];
                    assert_eq!(
                        (&statement["Action"], &statement["Resource"]),
                        (&json!("execute-api:Invoke"), &json!(stage)),
                        "{}",
                        shape.name
                    );
                    assert_eq!(answer["policyDocument"]["Version"], "2012-10-17");
                    assert!(answer["principalId"].is_string());
                }
            }
            None => assert_eq!(refused, json!({"isAuthorized": false}), "{}", shape.name),
        }
    }
}

/// A refusal is an answer, whatever the client sent. It costs no store call if the event has nothing like a token.
#[tokio::test]
async fn what_is_no_token_is_refused_without_a_call() {
    let service = Service::start(&[]).await;
    let authorizer = authorizer(&service);
    let _ = service.tap.take_calls();
    for shape in &SHAPES {
        for credentials in
            ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer garbage", "Bearer a,Bearer b", "Bearer \u{0}\r\né", &"x".repeat(1 << 20)]
        {
            let answer = ask(&authorizer, event_with(shape, credentials)).await.unwrap();
            assert!(!allows(&answer), "{}", shape.name);
        }
        let mut bare: Value = serde_json::from_str(shape.event).unwrap();
        assert!(!allows(&ask(&authorizer, bare.clone()).await.unwrap()), "{}: nothing", shape.name);
        for map in ["headers", "multiValueHeaders", "authorizationToken"] {
            bare[map] = Value::Null;
        }
        assert!(!allows(&ask(&authorizer, bare).await.unwrap()), "{}: null", shape.name);
    }
    assert!(service.tap.take_calls().is_empty());
}

/// B3: for events that have all headers.
#[tokio::test]
async fn two_headers_are_refused() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    let authorizer = authorizer(&service);
    let value = format!("Bearer {}", pair.access);
    let mut event = event_with(&SHAPES[1], &value);
    event["multiValueHeaders"]["Authorization"] = json!([value, value]);
    assert!(!allows(&ask(&authorizer, event).await.unwrap()));
    let joined = event_with(&SHAPES[3], &format!("{value},{value}"));
    assert!(!allows(&ask(&authorizer, joined).await.unwrap()));
}

/// A3: an outage is a function error, and never the "Unauthorized" that the gateway turns into a 401.
#[tokio::test]
async fn an_outage_is_a_function_error() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    let authorizer = authorizer(&service);
    service.tap.set_line(Line::Refused);
    for shape in &SHAPES {
        let error = ask(&authorizer, event_with(shape, &format!("Bearer {}", pair.access))).await.unwrap_err();
        assert!(matches!(error, AuthorizerError::Store(_)), "{}: {error:?}", shape.name);
        assert_ne!(error.to_string(), "Unauthorized");
        assert!(!format!("{error:?}").contains(&pair.access[4..40]));
    }
    service.tap.set_line(Line::Open);
    assert!(allows(&ask(&authorizer, event_with(&SHAPES[0], &format!("Bearer {}", pair.access))).await.unwrap()));
}

#[tokio::test]
async fn an_event_of_something_else_is_an_error() {
    let service = Service::start(&[]).await;
    let error = ask(&authorizer(&service), json!({"Records": []})).await.unwrap_err();
    assert_eq!(error, AuthorizerError::NotAnAuthorizerEvent);
}
