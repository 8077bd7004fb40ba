//! DynamoDB's time, for environments whose own clock is wrong.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use aws_sdk_dynamodb::{
    config::{
        ConfigBag, Intercept, RuntimeComponents,
        interceptors::{BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef},
    },
    error::BoxError,
};
use aws_smithy_types::config_bag::{Storable, StoreReplace};
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

/// Reads the `Date` of each answer of a DynamoDB client, and sets `clock` by it. The decision that follows a read so rests on
/// the time of that read, also where an environment was frozen for hours or its clock was stepped.
#[derive(Debug, Clone)]
pub struct SetClock(Clock, ServerTime);

impl SetClock {
    /// Sets `clock`; none for one that follows no server.
    #[must_use]
    pub fn of(clock: &Clock) -> Option<Self> {
        clock.server.clone().map(|server| Self(clock.clone(), server))
    }
}

#[derive(Debug)]
struct Sent(Instant);

impl Storable for Sent {
    type Storer = StoreReplace<Self>;
}

impl Intercept for SetClock {
    fn name(&self) -> &'static str {
        "SetClock"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        config.interceptor_state().store_put(Sent(Instant::now()));
        Ok(())
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Self(clock, server) = self;
        let date = context.response().headers().get("date").and_then(|date| DateTime::parse_from_rfc2822(date).ok());
        let took = config.load::<Sent>().map(|Sent(at)| at.elapsed()).filter(|took| *took < LONGEST_ANSWER);
        if let (Some(date), Some(took)) = (date, took) {
            server.0.store(correction(date.to_utc(), took, clock.local()).num_milliseconds(), Ordering::Relaxed);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
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
    fn dynamodbs_date_is_read() {
        let date = DateTime::parse_from_rfc2822("Sat, 28 Nov 2026 07:26:01 GMT").unwrap();
        assert_eq!(date.to_utc().to_rfc3339(), "2026-11-28T07:26:01+00:00");
    }
}
