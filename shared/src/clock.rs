//! The only place that reads the system's clock. All other code takes the time as an argument.

mod server_time;

pub use server_time::{ServerTime, SetClock};

use std::{fmt, sync::Arc, time::Duration};

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};

/// Where a handler learns the time.
#[derive(Clone)]
pub struct Clock {
    local: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    server: Option<ServerTime>,
    /// Where waits are told instead of being waited.
    waits: Option<Arc<dyn Fn(Duration) + Send + Sync>>,
}

/// When a request arrived, by a clock that is never set.
pub struct Arrival {
    at: tokio::time::Instant,
    waits: Option<Arc<dyn Fn(Duration) + Send + Sync>>,
}

impl Arrival {
    /// Waits until so much time has passed since the arrival. Returns at once if it has.
    pub async fn at_least(&self, time: Duration) {
        match &self.waits {
            Some(told) => told(time),
            None => tokio::time::sleep_until(self.at + time).await,
        }
    }
}

impl Clock {
    /// The machine's clock, in milliseconds: the precision that is stored, so that what was compared is what was kept.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that may ask")]
    pub fn system() -> Self {
        Self::from_fn(Utc::now)
    }

    /// A clock that asks `now`; tests hand in one that they can turn.
    pub fn from_fn(now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        Self { local: Arc::new(now), server: None, waits: None }
    }

    /// The same clock for a test that doesn't wait: each wait is told to `told`.
    #[must_use]
    pub fn without_waits(self, told: impl Fn(Duration) + Send + Sync + 'static) -> Self {
        Self { waits: Some(Arc::new(told)), ..self }
    }

    /// The arrival of a request, now.
    #[must_use]
    pub fn arrival(&self) -> Arrival {
        Arrival { at: tokio::time::Instant::now(), waits: self.waits.clone() }
    }

    /// The same clock, set by DynamoDB's answers: by a client that has [`SetClock`].
    #[must_use]
    pub fn set_by_dynamodb(self) -> Self {
        Self { server: Some(ServerTime::default()), ..self }
    }

    /// The time, cut to the millisecond.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.local() + self.skew()
    }

    /// How far the local clock is behind DynamoDB's; negative where it is ahead, zero as far as is known.
    #[must_use]
    pub fn skew(&self) -> TimeDelta {
        self.server.as_ref().map_or(TimeDelta::zero(), ServerTime::offset)
    }

    fn local(&self) -> DateTime<Utc> {
        (self.local)().trunc_subsecs(3)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Clock")
    }
}

/// A datetime as it is stored and answered: RFC 3339, UTC, fixed width, milliseconds, so that it compares as a string.
#[must_use]
pub fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

/// Reads what [`rfc3339`] wrote, and nothing else.
#[must_use]
pub fn parse_rfc3339(text: &str) -> Option<DateTime<Utc>> {
    // What else chrono reads is shorter or longer, has another separator, or ends with an offset or a small z.
    let ours = text.len() == "2026-11-23T16:25:09.123Z".len() && text.as_bytes().get(10) == Some(&b'T') && text.ends_with('Z');
    if ours { DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc()) } else { None }
}

/// `time` + `lifetime`; the end of time where that overflows.
#[must_use]
pub fn later(time: DateTime<Utc>, lifetime: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(lifetime).ok().and_then(|delta| time.checked_add_signed(delta)).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datetimes_have_one_spelling() {
        let text = "2026-11-23T16:25:09.123Z";
        assert_eq!(parse_rfc3339(text).map(rfc3339).as_deref(), Some(text));
        for other in
            ["2026-11-23T16:25:09Z", "2026-11-23T16:25:09.123456Z", "2026-11-23T17:25:09.123+01:00", "2026-11-23 16:25:09.123Z", ""]
        {
            assert_eq!(parse_rfc3339(other), None, "{other}");
        }
    }

    /// Whatever is read is what would be written: one byte changed, taken out or put in, and cut anywhere.
    #[test]
    fn nothing_is_read_that_would_be_written_otherwise() {
        let text = "2026-11-23T16:25:09.123Z";
        let bytes = [" ", "+", "-", ".", "0", "1", "5", "6", "9", ":", "T", "Z", "t", "z", "\u{2212}", ""];
        for (from, piece) in (0..=text.len()).flat_map(|from| bytes.map(|piece| (from, piece))) {
            for to in [from, from + 1, from + 2, text.len()].into_iter().filter(|to| *to <= text.len()) {
                let edited = format!("{}{piece}{}", &text[..from], &text[to..]);
                if let Some(time) = parse_rfc3339(&edited) {
                    assert_eq!(rfc3339(time), edited);
                }
            }
        }
    }

    /// The time that a request has taken is part of the wait.
    #[tokio::test(start_paused = true)]
    async fn a_wait_counts_from_the_arrival() {
        let arrival = Clock::system().arrival();
        let begun = tokio::time::Instant::now();
        let passed = || begun.elapsed().as_millis();
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        arrival.at_least(Duration::from_secs(2)).await;
        assert_eq!(passed(), 2_000);
        tokio::time::sleep(Duration::from_millis(900)).await;
        arrival.at_least(Duration::from_secs(2)).await;
        assert_eq!(passed(), 2_900, "it is over");
    }

    #[test]
    fn a_clock_is_cut_to_the_millisecond() {
        let clock = Clock::from_fn(|| DateTime::from_timestamp_nanos(1_700_000_000_123_999_999));
        assert_eq!(rfc3339(clock.now()), "2023-11-14T22:13:20.123Z");
    }
}
