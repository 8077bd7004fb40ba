//! DynamoDB's time, for environments whose own clock is wrong.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
    orchestrator::{HttpRequest, HttpResponse},
    runtime_components::RuntimeComponents,
};
use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

use super::Clock;

/// An answer that took longer says too little about the time it was made at.
const LONGEST_ANSWER: Duration = Duration::from_secs(1);

/// How far the local clock has to be set on to agree with DynamoDB's last answer.
#[derive(Debug, Clone, Default)]
pub struct ServerTime(Arc<AtomicI64>);

impl ServerTime {
    pub(super) fn offset(&self) -> TimeDelta {
        TimeDelta::milliseconds(self.0.load(Ordering::Relaxed))
    }
}

/// What has to be added to `local`, the time at which an answer with this `Date` was received, `took` after its request was
/// sent. The header has whole seconds, so any time from it to a second and `took` later agrees with it: nothing is added then.
fn correction(date: DateTime<Utc>, took: Duration, local: DateTime<Utc>) -> TimeDelta {
    let latest = super::later(date, Duration::from_secs(1) + took);
    local.clamp(date, latest) - local
}

/// An HTTP client for DynamoDB that sets a clock by the `Date` of each answer. The decision that follows a read so rests on the
/// time of that read, also where an environment was frozen for hours or its clock was stepped.
#[derive(Debug, Clone)]
pub struct SetClock<C> {
    inner: C,
    clock: Clock,
}

impl<C> SetClock<C> {
    /// Sends requests by `inner`, and sets `clock`, if that is one that is [set by DynamoDB](Clock::set_by_dynamodb).
    pub fn around(inner: C, clock: &Clock) -> Self {
        Self { inner, clock: clock.clone() }
    }
}

impl<C: HttpClient> HttpClient for SetClock<C> {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(SetClock { inner, clock: self.clock.clone() })
    }
}

impl HttpConnector for SetClock<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (answer, clock, sent) = (self.inner.call(request), self.clock.clone(), Instant::now());
        HttpConnectorFuture::new(async move {
            let answer = answer.await?;
            set(&clock, &answer, sent.elapsed());
            Ok(answer)
        })
    }
}

fn set(clock: &Clock, answer: &HttpResponse, took: Duration) {
    let Some(server) = &clock.server else { return };
    let date = answer.headers().get("date").and_then(|date| DateTime::parse_from_rfc2822(date).ok());
    if let Some(date) = date.filter(|_| took < LONGEST_ANSWER) {
        server.0.store(correction(date.to_utc(), took, clock.local()).num_milliseconds(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::body::SdkBody;

    use super::*;

    #[test]
    fn a_clock_that_agrees_is_left_alone_and_another_set_to_the_nearest_time_that_does() {
        let date = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let took = Duration::from_millis(200);
        for (local_ms, corrected_ms) in [(0, 0), (999, 999), (1_200, 1_200), (1_201, 1_200), (-1, 0), (-120_000, 0), (240_000, 1_200)] {
            let local = date + TimeDelta::milliseconds(local_ms);
            assert_eq!(local + correction(date, took, local), date + TimeDelta::milliseconds(corrected_ms), "{local_ms}");
        }
    }

    #[test]
    fn an_answer_sets_the_clock_unless_it_was_slow_or_shows_no_date() {
        let skew_after = |date: Option<&'static str>, took: Duration| {
            let local = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
            let clock = Clock::from_fn(move || local).set_by_dynamodb();
            let mut answer = HttpResponse::new(200.try_into().unwrap(), SdkBody::empty());
            if let Some(date) = date {
                answer.headers_mut().insert("date", date);
            }
            set(&clock, &answer, took);
            clock.skew().num_seconds()
        };
        let two_minutes_later = Some("Fri, 15 Jan 2027 08:02:00 GMT");
        assert_eq!(skew_after(two_minutes_later, Duration::from_millis(999)), 120);
        assert_eq!(skew_after(two_minutes_later, LONGEST_ANSWER), 0);
        assert_eq!(skew_after(Some("two minutes later"), Duration::ZERO), 0);
        assert_eq!(skew_after(None, Duration::ZERO), 0);
    }
}
