//! Helpers for races.

use std::time::Duration;

use latchkey_tests::service::Answer;
use tokio::task::JoinSet;

use crate::{sizes::full, subject::Subject};

/// The number of rounds of a race.
pub(crate) fn rounds(quick: usize) -> usize {
    if full() { 1_000 } else { quick }
}

/// Runs `count` futures in parallel; the results are in no order.
pub(crate) async fn together<T: Send + 'static, F: Future<Output = T> + Send + 'static>(count: usize, act: impl Fn(usize) -> F) -> Vec<T> {
    let mut running: JoinSet<T> = (0..count).map(act).collect();
    let mut done = Vec::new();
    while let Some(one) = running.join_next().await {
        done.push(one.unwrap());
    }
    done
}

/// Sends the request as an app does: it retries after a 503. A hundred requests take a while on a laptop.
pub(crate) async fn patiently<F: Future<Output = Answer>>(ask: impl Fn() -> F) -> Answer {
    let mut answer = ask().await;
    for _ in 0..50 {
        if answer.status != 503 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        answer = ask().await;
    }
    answer
}

/// A refresh by an app that retries.
pub(crate) async fn patient_refresh(subject: &Subject, token: &str) -> Answer {
    patiently(|| subject.refresh(token)).await
}
