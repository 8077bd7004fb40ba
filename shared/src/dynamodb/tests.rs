//! How long a call and its attempts take, on a clock that stands still until all tasks wait.

use std::time::Duration;

use aws_config::{retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_dynamodb::error::SdkError;
use serde_json::json;

use super::{Ask as _, Unheard};
use crate::store::script::{Answer, Script, error, output};

const DAY: Duration = Duration::from_secs(86_400);

fn within(attempt: Duration, call: Duration) -> TimeoutConfig {
    TimeoutConfig::builder().operation_attempt_timeout(attempt).operation_timeout(call).build()
}

fn at_once() -> RetryConfig {
    RetryConfig::standard().with_initial_backoff(Duration::ZERO)
}

/// What comes of a call, how many attempts it makes, and whether one of them may have been carried out without an answer.
async fn called(answers: impl IntoIterator<Item = Answer>, times: TimeoutConfig, again: RetryConfig) -> (&'static str, usize, bool) {
    let script = Script::new(answers);
    let (dynamodb, unheard) = (script.dynamodb_within(times, again), Unheard::default());
    let answer = dynamodb.delete_item().table_name("sessions").ask_noting(&dynamodb, &unheard).await;
    let answer = match answer {
        Ok(_) => "answered",
        Err(SdkError::TimeoutError(_)) => "timed out",
        Err(_) => "failed",
    };
    (answer, script.asked().len(), unheard.any())
}

#[tokio::test(start_paused = true)]
async fn an_attempt_without_an_answer_is_followed_by_another() {
    let times = within(Duration::from_secs(1), Duration::from_secs(10));
    assert_eq!(called([Answer::Never, output(json!({}))], times.clone(), at_once()).await, ("answered", 2, true));
    assert_eq!(called([Answer::Never, Answer::Never, Answer::Never], times, at_once()).await, ("timed out", 3, true));
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_in_an_attempt_that_would_have_had_more_time() {
    let times = within(Duration::from_secs(2), Duration::from_secs(3));
    assert_eq!(called([Answer::Never, Answer::Never], times, at_once()).await, ("timed out", 2, true));
    let times = within(Duration::from_secs(3), Duration::from_secs(3));
    assert_eq!(called([Answer::Never], times, at_once()).await, ("timed out", 1, true));
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_in_a_pause_between_two_attempts() {
    let again = RetryConfig::standard().with_initial_backoff(DAY).with_max_backoff(DAY);
    let times = within(Duration::from_millis(1), Duration::from_millis(2));
    assert_eq!(called([error("ThrottlingException")], times, again).await, ("timed out", 1, false));
}
