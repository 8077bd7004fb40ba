//! The load of so many users, and the limit they reach. Each number that isn't measured is a named assumption.

use super::prices::Usage;

/// Requests of a daily user in a day. An access token lives for 5 minutes; a user spends some 10 minutes in the app, three
/// times.
pub(super) const REQUESTS_A_DAY: f64 = 100.0;
pub(super) const REFRESHES_A_DAY: f64 = 8.0;
/// Every twentieth day, by a user who lost a device, came back after a week or logged out.
pub(super) const LOGINS_A_DAY: f64 = 0.05;
pub(super) const LOGOUTS_A_DAY: f64 = 0.02;
/// Concurrent logins of a daily user.
pub(super) const LOGINS_HELD: f64 = 1.5;
pub(super) const DAYS_A_MONTH: f64 = 30.0;
/// The ratio of a day's busiest second to its average.
pub(super) const PEAK: f64 = 4.0;

/// One round trip to DynamoDB from a function, in milliseconds, and one of a transaction.
pub(super) const TRIP_MS: f64 = 4.0;
pub(super) const TRANSACTION_MS: f64 = 12.0;
/// The bytes of Lambda's own lines about an invocation, of the metric line (docs/metrics.md), and of a function's log
/// line, with CloudWatch's own 26 for each line.
pub(super) const PLATFORM_LOG_BYTES: f64 = 500.0;
pub(super) const METRICS_LOG_BYTES: f64 = 370.0;
pub(super) const OWN_LOG_BYTES: f64 = 300.0;

/// An operation. Its DynamoDB units are measured. Its duration is the processor time of docs/performance.md, scaled by the
/// share of a processor that its memory buys, and its round trips.
#[derive(Debug, Clone, Copy)]
pub(super) struct Operation {
    pub(super) name: &'static str,
    pub(super) a_day: f64,
    pub(super) reads: f64,
    pub(super) writes: f64,
    pub(super) memory_mb: f64,
    pub(super) cpu_ms: f64,
    pub(super) waits_ms: f64,
    pub(super) own_log_bytes: f64,
}

/// Memory at which Lambda gives one whole processor, in MB.
const MB_OF_A_PROCESSOR: f64 = 1_769.0;

impl Operation {
    pub(super) fn milliseconds(&self) -> f64 {
        (self.cpu_ms * (MB_OF_A_PROCESSOR / self.memory_mb).max(1.0) + self.waits_ms).ceil()
    }

    pub(super) fn usage(&self) -> Usage {
        Usage {
            reads: self.reads,
            writes: self.writes,
            invocations: 1.0,
            gb_seconds: self.memory_mb / 1_024.0 * self.milliseconds() / 1_000.0,
            requests: 1.0,
            log_bytes: PLATFORM_LOG_BYTES + METRICS_LOG_BYTES + self.own_log_bytes,
            stored_bytes: 0.0,
        }
    }
}

/// The load of a number of daily users.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    pub(super) month: Usage,
    /// In the busiest second.
    pub(super) requests: f64,
    pub(super) logins: f64,
    pub(super) refreshes: f64,
    pub(super) reads: f64,
    pub(super) writes: f64,
    /// Concurrent executions by Little's law: arrivals a second times seconds each.
    pub(super) concurrency: f64,
}

impl Load {
    pub(super) fn of(users: f64, operations: &[Operation], bytes_of_a_login: f64) -> Self {
        let stored = Usage { stored_bytes: LOGINS_HELD * bytes_of_a_login, ..Usage::default() };
        let day = operations.iter().fold(Usage::default(), |sum, each| sum.and(each.usage().times(each.a_day)));
        let a_second = |a_day: f64| users * a_day / 86_400.0 * PEAK;
        let running = |each: &Operation| a_second(each.a_day) * each.milliseconds() / 1_000.0;
        Self {
            month: day.times(users * DAYS_A_MONTH).and(stored.times(users)),
            requests: a_second(day.requests),
            logins: a_second(LOGINS_A_DAY),
            refreshes: a_second(REFRESHES_A_DAY),
            reads: a_second(day.reads),
            writes: a_second(day.writes),
            concurrency: operations.iter().map(running).sum(),
        }
    }
}

#[test]
fn concurrency_is_arrivals_times_their_duration() {
    let each = Operation {
        name: "any",
        a_day: 86_400.0,
        reads: 1.0,
        writes: 0.0,
        memory_mb: 1_769.0,
        cpu_ms: 4.0,
        waits_ms: 6.0,
        own_log_bytes: 0.0,
    };
    assert!((each.milliseconds() - 10.0).abs() < 1e-9);
    assert!((Operation { memory_mb: 884.5, ..each }.milliseconds() - 14.0).abs() < 1e-9, "half the memory, half the processor");
    let load = Load::of(100.0, &[each], 0.0);
    assert!((load.requests - 400.0).abs() < 1e-6 && (load.concurrency - 4.0).abs() < 1e-6, "{load:?}");
}
