//! examples/http-api: recorded events of an HTTP API through the authorizer and the team's function.

use latchkey::{store::Store, token::ImportedTokens};
use latchkey_authorizer::Authorizer;

use super::*;

const AUTHORIZER_EVENT: &str = include_str!("../../fixtures/example-apigw-v2-custom-authorizer-v2-request.json");
const AUTHORIZED_EVENT: &str = include_str!("../../fixtures/example-apigw-v2-request-lambda-authorizer.json");
const UNAUTHORIZED_EVENT: &str = include_str!("../../fixtures/example-apigw-v2-request-no-authorizer.json");

/// The authorizer's answer to a recorded event that carries `token`.
async fn authorize(service: &Service, token: &str) -> Value {
    let store = Store::new(service.database.tapped(&service.tap), service.database.table("SessionsTable"));
    let authorizer = Authorizer::new(store, ImportedTokens::Refused, first_use(), service.clock.clock(), TEST_LIMITS);
    let mut event: Value = serde_json::from_str(AUTHORIZER_EVENT).unwrap();
    event["headers"]["authorization"] = json!(format!("Bearer {token}"));
    let answer = authorizer.answer(serde_json::from_value(event).unwrap(), "invocation".into()).await.unwrap();
    serde_json::to_value(answer).unwrap()
}

/// The function's status and body for `event`, sent to `/hello` by a client that claims to be root.
async fn greet(mut event: Value) -> (Value, Value) {
    event["rawPath"] = json!("/hello");
    event["headers"]["x-user-id"] = json!("root");
    event["queryStringParameters"] = json!({"user_id": "root"});
    let answer = hello()(event).await.unwrap();
    (answer["statusCode"].clone(), serde_json::from_str(answer["body"].as_str().unwrap()).unwrap())
}

#[tokio::test]
async fn the_function_sees_the_login_that_the_authorizer_let_in() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    let allowed = authorize(&service, &pair.access).await;
    assert_eq!(allowed["isAuthorized"], true, "{allowed}");

    // API Gateway copies the authorizer's context to this place of the function's event.
    let mut event: Value = serde_json::from_str(AUTHORIZED_EVENT).unwrap();
    event["requestContext"]["authorizer"]["lambda"] = allowed["context"].clone();
    let expected = json!({"hello": user_id(&service).await, "login_id": pair.login_id});
    assert_eq!(greet(event).await, (json!(200), expected));
}

#[tokio::test]
async fn an_ended_login_and_a_token_of_the_other_kind_are_refused() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    let refused = json!({"isAuthorized": false});
    assert_eq!(authorize(&service, &pair.refresh).await, refused);
    assert_eq!(authorize(&service, "garbage").await, refused);
    assert_eq!(service.logout(&pair.access).await.status, 204);
    assert_eq!(authorize(&service, &pair.access).await, refused);
}

/// A route without its authorizer is an error, and the client's claim is no identity.
#[tokio::test]
async fn without_an_authorizer_there_is_no_caller() {
    let event = serde_json::from_str(UNAUTHORIZED_EVENT).unwrap();
    assert_eq!(greet(event).await, (json!(500), json!({"message": "This route has no authorizer"})));
}
