//! One start of a process, up to its first answer.

use std::time::{Duration, Instant};

use crate::{
    dynamodb::DynamoDb,
    error::BenchError,
    process::{Process, evict},
    runtime_api::{RuntimeApi, Said},
    subject::Subject,
    throttle::Throttle,
};

/// How a process is started.
#[derive(Debug, Clone, Copy)]
pub enum Start<'a> {
    /// Normally.
    Plain,
    /// With its file dropped from the page cache.
    Evicted,
    /// Throttled after it requests its first event, as on Lambda after the initialisation.
    Throttled(&'a Throttle),
}

/// The times of a start, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct Started {
    /// From the start to the first `next`.
    pub cold: f64,
    /// From the first event to its answer.
    pub first: f64,
}

/// The simulated services and the common environment of all programs.
pub struct Bench {
    /// DynamoDB.
    pub dynamodb: DynamoDb,
    /// DynamoDB's delay in the second part of a warm measurement.
    pub delay: Duration,
}

/// As long as those that Lambda issues.
const SESSION_TOKEN_CHARACTERS: usize = 900;

impl Bench {
    /// Starts `subject` and sends it one event.
    ///
    /// # Errors
    /// [`BenchError`] if the process gives no right answer.
    pub async fn start(&self, subject: &Subject, how: Start<'_>) -> Result<Started, BenchError> {
        if matches!(how, Start::Evicted) {
            evict(&subject.program)?;
        }
        if let Start::Throttled(throttle) = how {
            throttle.rest().await;
        }
        let mut running = self.run(subject).await?;
        let (ready, event) = running.next(subject).await?;
        if let Start::Throttled(throttle) = how {
            throttle.hold(running.process.pid).map_err(|source| BenchError::Io { what: "throttling a process".into(), source })?;
        }
        let first = running.answer(subject, event).await?;
        let started = Started { cold: milliseconds(ready - running.process.started), first: milliseconds(first) };
        running.process.end().await;
        Ok(started)
    }

    pub(crate) async fn run(&self, subject: &Subject) -> Result<Running, BenchError> {
        let api = RuntimeApi::start().await?;
        let _of_the_process_before = self.dynamodb.take_seen();
        let process = Process::start(subject, &self.environment(subject, &api.address))?;
        Ok(Running { api, process })
    }

    /// The variables that Lambda sets, as far as any of the programs reads them.
    fn environment(&self, subject: &Subject, runtime_api: &str) -> Vec<(String, String)> {
        let session_token = "IQoJb3JpZ2luX2VjE".chars().cycle().take(SESSION_TOKEN_CHARACTERS).collect::<String>();
        let mut variables: Vec<(String, String)> = [
            ("PATH", "/usr/local/bin:/usr/bin:/bin"),
            ("LANG", "en_US.UTF-8"),
            ("TZ", ":UTC"),
            ("AWS_LAMBDA_RUNTIME_API", runtime_api),
            ("AWS_LAMBDA_FUNCTION_NAME", subject.name),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/bench"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/01/01/[$LATEST]0123456789abcdef"),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_DEFAULT_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "ASIAIOSFODNN7EXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
            ("AWS_SESSION_TOKEN", &session_token),
            ("AWS_ENDPOINT_URL_DYNAMODB", &self.dynamodb.url),
            ("_HANDLER", "authorizer.handler"),
            // As the template sets it. The peers write no metrics.
            ("METRICS_NAMESPACE", "Latchkey/bench"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        variables.extend(subject.variables.iter().cloned());
        variables
    }
}

/// A started program with its own Runtime API.
pub(crate) struct Running {
    api: RuntimeApi,
    pub(crate) process: Process,
}

type Event = tokio::sync::oneshot::Sender<bytes::Bytes>;

impl Running {
    /// The process's next message; `None` after half a minute without one.
    async fn said(&mut self, subject: &Subject) -> Result<Option<Said>, BenchError> {
        tokio::select! {
            biased;
            said = self.api.said() => Ok(said),
            status = self.process.ended() => Err(wrong(subject, "it ended", status)),
        }
    }

    async fn next(&mut self, subject: &Subject) -> Result<(Instant, Event), BenchError> {
        match self.said(subject).await? {
            Some(Said::Next { at, event }) => Ok((at, event)),
            other => Err(wrong(subject, "it asks for no event", instead(other))),
        }
    }

    /// Hands over the event and returns the time until the answer.
    async fn answer(&mut self, subject: &Subject, event: Event) -> Result<Duration, BenchError> {
        let handed = Instant::now();
        let _asks_no_more = event.send(subject.event.clone());
        match self.said(subject).await? {
            Some(Said::Answer { at, body }) => {
                let text: String = String::from_utf8_lossy(&body).split_whitespace().collect();
                if text.contains(subject.expected) { Ok(at - handed) } else { Err(wrong(subject, "a wrong answer", text)) }
            }
            other => Err(wrong(subject, "no answer", instead(other))),
        }
    }

    pub(crate) async fn ask(&mut self, subject: &Subject, calls: usize) -> Result<Vec<Duration>, BenchError> {
        let mut times = Vec::with_capacity(calls);
        for _ in 0..calls {
            let (_, event) = self.next(subject).await?;
            times.push(self.answer(subject, event).await?);
        }
        Ok(times)
    }
}

fn wrong(subject: &Subject, problem: &str, instead: String) -> BenchError {
    BenchError::Subject { subject: subject.name.into(), problem: format!("{problem}: {instead}") }
}

fn instead(said: Option<Said>) -> String {
    match said {
        Some(Said::Failed(report)) => report,
        Some(Said::Next { .. }) => "it asks for an event".into(),
        Some(Said::Answer { .. }) => "it answers".into(),
        None => "nothing came for half a minute".into(),
    }
}

pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

pub(crate) fn microseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// The median; NaN if there is no value.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        length if length % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}
