//! The time limits of production, on a paused clock that advances only to the next timer.

use std::time::Duration;

use aws_sdk_dynamodb::{
    Client,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig, timeout::TimeoutConfig},
};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
    orchestrator::HttpRequest,
};
use latchkey::{
    entropy::Random,
    limits::Limits,
    model::{Device, Lifetimes},
    operations::{OnFirstUse, issue::issue_login},
    store::Store,
    token::ImportedTokens,
};
use latchkey_authorizer::{Authorizer, AuthorizerError};
use latchkey_tests::clock::TestClock;
use serde_json::json;
use tokio::time::Instant;

/// A connection that is open and never answers.
#[derive(Debug)]
struct Silence;

impl HttpConnector for Silence {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(std::future::pending())
    }
}

fn silent(timeouts: TimeoutConfig, retries: RetryConfig) -> Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("latchkey", "test", None, None, "test"))
        .http_client(http_client_fn(|_, _| SharedHttpConnector::new(Silence)))
        .timeout_config(timeouts)
        .retry_config(retries)
        .build();
    Client::from_conf(config)
}

/// How long a call takes to fail when DynamoDB doesn't respond.
async fn fails_after(limits: Limits, retries: RetryConfig) -> Duration {
    let since = Instant::now();
    assert!(silent(limits.timeouts(), retries).list_tables().send().await.is_err());
    since.elapsed()
}

#[tokio::test(start_paused = true)]
async fn a_silent_dynamodb_ends_an_attempt_after_one_second() {
    assert_eq!(fails_after(Limits::PRODUCTION, RetryConfig::disabled()).await, Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_silent_dynamodb_ends_a_call_after_three_seconds() {
    // With a longer limit for the attempt, the limit of the call ends it.
    let limits = Limits { attempt: Duration::from_secs(60), ..Limits::PRODUCTION };
    assert_eq!(fails_after(limits, RetryConfig::disabled()).await, Duration::from_secs(3));
    assert!(fails_after(Limits::PRODUCTION, RetryConfig::standard()).await <= Duration::from_secs(3));
}

/// The authorizer's answer for a valid token when DynamoDB doesn't respond, and the time it takes.
async fn asked_in_silence(timeouts: TimeoutConfig) -> (AuthorizerError, Duration) {
    const LIFETIMES: Lifetimes = Lifetimes { access: Duration::from_secs(300), refresh: Duration::from_secs(604_800) };
    let clock = TestClock::default();
    let token = issue_login("ada", Device::default(), LIFETIMES, None, clock.now(), &Random::system()).unwrap().pair.access;
    let authorizer = Authorizer::new(
        Store::new(silent(timeouts, RetryConfig::standard()), "sessions"),
        ImportedTokens::Refused,
        OnFirstUse::LeaveUnmarked,
        clock.clock(),
        Limits::PRODUCTION,
    );
    let event = json!({
        "type": "TOKEN",
        "authorizationToken": format!("Bearer {}", token.expose()),
        "methodArn": "arn:aws:execute-api:eu-central-1:123456789012:a/v1/GET/me",
    });
    let since = Instant::now();
    let answer = authorizer.answer(serde_json::from_value(event).unwrap(), "invocation".into()).await;
    (answer.err().unwrap(), since.elapsed())
}

/// With production's timeouts a single call ends before the request does.
#[tokio::test(start_paused = true)]
async fn a_silent_dynamodb_ends_a_call_of_the_authorizer() {
    let (error, after) = asked_in_silence(Limits::PRODUCTION.timeouts()).await;
    assert!(matches!(error, AuthorizerError::Store(_)), "{error:?}");
    assert!(after <= Limits::PRODUCTION.operation, "{after:?}");
}

/// Two calls, as an imported token needs, would exceed the function's limit; the budget ends both.
#[tokio::test(start_paused = true)]
async fn the_authorizer_answers_within_its_budget() {
    let (error, after) = asked_in_silence(TimeoutConfig::disabled()).await;
    assert_eq!((error, after), (AuthorizerError::Deadline(Limits::PRODUCTION.request), Limits::PRODUCTION.request));
}
