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

const SHAPES: [Shape; 13] = [
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
    Shape {
        name: "WebSocket $connect of a browser",
        event: include_str!("../fixtures/websocket-browser-connect-authorizer.json"),
        token_at: |event, value| {
            let list = format!("latchkey, {}", value.trim_start_matches("Bearer "));
            event["headers"]["Sec-WebSocket-Protocol"] = json!(list);
            event["multiValueHeaders"]["Sec-WebSocket-Protocol"] = json!([list]);
        },
        stage: Some("arn:aws:execute-api:eu-central-1:123456789012:ws4example/prod/*"),
    },
    Shape {
        name: "AppSync GraphQL",
        event: include_str!("../fixtures/appsync-graphql-authorizer.json"),
        token_at: as_appsync_clients_send_it,
        stage: None,
    },
    Shape {
        name: "AppSync Events, connect",
        event: include_str!("../fixtures/appsync-events-connect-authorizer.json"),
        token_at: as_appsync_clients_send_it,
        stage: None,
    },
    Shape {
        name: "AppSync Events, subscribe",
        event: include_str!("../fixtures/appsync-events-subscribe-authorizer.json"),
        token_at: as_appsync_clients_send_it,
        stage: None,
    },
    Shape {
        name: "AppSync Events, publish",
        event: include_str!("../fixtures/appsync-events-publish-authorizer.json"),
        token_at: |event, value| event["authorizationToken"] = json!(value),
        stage: None,
    },
];

/// Requests for which this function is the wrong target.
const REQUESTS: [(&str, &str); 6] = [
    ("function URL", include_str!("../fixtures/function-url-request.json")),
    ("ALB", include_str!("../fixtures/alb-request.json")),
    ("ALB, lists", include_str!("../fixtures/alb-request-multi-value.json")),
    ("VPC Lattice 1.0", include_str!("../fixtures/lattice-v1-request.json")),
    ("VPC Lattice 2.0", include_str!("../fixtures/lattice-v2-request.json")),
    ("REST proxy", include_str!("../fixtures/rest-proxy-request.json")),
];

/// Without the scheme, which AppSync's other modes forbid.
fn as_appsync_clients_send_it(event: &mut Value, value: &str) {
    event["authorizationToken"] = json!(value.trim_start_matches("Bearer "));
}

/// Where this door's answer has the context.
fn context_of(answer: &Value) -> Option<&Value> {
    ["context", "resolverContext", "handlerContext"].into_iter().find_map(|name| answer.get(name))
}

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
        assert_context(context_of(&allowed).unwrap(), &pair);

        let refused = ask(&authorizer, event_with(shape, &format!("Bearer {}", pair.refresh))).await.unwrap();
        assert!(!allows(&refused), "{}: {refused}", shape.name);
        assert_eq!(context_of(&refused), None);

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
            None if shape.name.starts_with("AppSync") => {
                assert_eq!(refused, json!({"isAuthorized": false, "ttlOverride": 0}), "{}", shape.name);
                assert_eq!(allowed["ttlOverride"], 0, "{}: an answer that is kept outlives a logout", shape.name);
                assert_eq!(allowed.get("handlerContext").is_some(), shape.name.contains("Events"), "{}", shape.name);
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

/// A6: a browser's handshake is judged by one of its two places, and never by the query, which is logged.
#[tokio::test]
async fn a_handshake_with_both_places_or_the_query_is_refused() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    let authorizer = authorizer(&service);
    let browser = SHAPES.iter().find(|shape| shape.name.ends_with("of a browser")).unwrap();
    let event = event_with(browser, &pair.access);
    assert!(allows(&ask(&authorizer, event.clone()).await.unwrap()));
    let mut both = event;
    both["multiValueHeaders"]["Authorization"] = json!([format!("Bearer {}", pair.access)]);
    assert!(!allows(&ask(&authorizer, both).await.unwrap()));
    let mut query: Value = serde_json::from_str(browser.event).unwrap();
    for map in ["queryStringParameters", "multiValueQueryStringParameters"] {
        query[map] = json!({"access_token": pair.access, "Authorization": format!("Bearer {}", pair.access)});
    }
    assert!(!allows(&ask(&authorizer, query).await.unwrap()));
}

/// A6: an operator who points a function URL or a load balancer at the authorizer reads why that can't work, and no store is asked.
#[tokio::test]
async fn a_request_instead_of_a_question_is_answered_over_http() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    let authorizer = authorizer(&service);
    let _ = service.tap.take_calls();
    for (name, event) in REQUESTS {
        let event: Value = serde_json::from_str(&event.replace("TOKEN", &pair.access)).unwrap();
        let answer = ask(&authorizer, event).await.unwrap();
        assert!(!allows(&answer), "{name}");
        let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        assert_eq!((&answer["statusCode"], &body["code"]), (&json!(500), &json!("internal")), "{name}");
        assert!(body["detail"].as_str().unwrap().contains("authorizer"), "{name}: {body}");
        assert!(!answer.to_string().contains(&pair.access[4..40]), "{name}");
    }
    assert!(service.tap.take_calls().is_empty());
}

#[tokio::test]
async fn an_event_of_something_else_is_an_error() {
    let service = Service::start(&[]).await;
    let error = ask(&authorizer(&service), json!({"Records": []})).await.unwrap_err();
    assert_eq!(error, AuthorizerError::NotAnAuthorizerEvent);
}
