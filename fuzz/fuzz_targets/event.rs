//! Any JSON event gets an answer, and no event alone grants access. Access needs an item of the table, and no table is
//! reachable here.
#![no_main]

use std::{convert::Infallible, sync::LazyLock};

use aws_sdk_dynamodb::{
    Client,
    config::{BehaviorVersion, Region, retry::RetryConfig},
};
use lambda_http::{Body, Request, Response, Service as _, service_fn};
use lambda_runtime::{Context, LambdaEvent};
use latchkey::{
    clock::Clock,
    entropy::Random,
    http::front::{Front, GatewayEvent},
    limits::Limits,
    operations::OnFirstUse,
    store::Store,
    token::ImportedTokens,
};
use latchkey_authorizer::{Authorizer, AuthorizerError, AuthorizerEvent};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Builder::new_current_thread().enable_time().build().unwrap());

/// The functions with a client that can't connect to anything.
static AUTHORIZER: LazyLock<Authorizer> = LazyLock::new(|| {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("local"))
        .retry_config(RetryConfig::disabled())
        .build();
    Authorizer::new(Store::new(Client::from_conf(config), "sessions"), ImportedTokens::Accepted, OnFirstUse::LeaveUnmarked, Clock::system(), Limits::PRODUCTION)
});

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(event) = serde_json::from_str(text) {
        authorizer_event(event);
    }
    match serde_json::from_str(text) {
        Ok(event) => gateway_event(event),
        Err(_) => assert!(serde_json::from_str::<Value>(text).is_err(), "the front answers whatever JSON comes"),
    }
});

fn authorizer_event(event: AuthorizerEvent) {
    match RUNTIME.block_on(AUTHORIZER.answer(event, "invocation".to_owned())) {
        Ok(answer) => {
            let answer = serde_json::to_value(answer).unwrap();
            let refused = answer["isAuthorized"] == false || answer["policyDocument"]["Statement"][0]["Effect"] == "Deny";
            let misrouted = answer["statusCode"] == 500;
            let contexts = ["context", "resolverContext", "handlerContext"];
            assert!((refused || misrouted) && contexts.iter().all(|name| answer.get(name).is_none()), "{answer}");
        }
        Err(AuthorizerError::Store(_) | AuthorizerError::NotAnAuthorizerEvent) => {}
        Err(error @ AuthorizerError::Deadline(_)) => panic!("{error}"),
    }
}

/// The answer is the handler's or the front's.
fn gateway_event(event: GatewayEvent) {
    let handler = service_fn(async |_: Request| Ok::<_, Infallible>(Response::builder().status(204).body(Body::Empty).unwrap()));
    let answer =
        RUNTIME.block_on(Front::new(handler, None, Limits::PRODUCTION, Random::system()).call(LambdaEvent::new(event, Context::default())));
    let Ok(answer) = answer;
    assert!(matches!(answer.status_code, 204 | 400), "{}", answer.status_code);
}
