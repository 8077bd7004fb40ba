//! The results of a run.

use std::{collections::BTreeMap, time::Duration};

use hdrhistogram::Histogram;

use crate::{
    error::LoadError,
    visitor::{Kind, Outcome},
};

/// Times in microseconds, up to a minute, to three digits.
pub struct Times(Histogram<u64>);

impl Times {
    fn new() -> Result<Self, LoadError> {
        Histogram::new_with_bounds(1, 60_000_000, 3).map(Self).map_err(|error| LoadError::Setup(error.to_string()))
    }

    fn record(&mut self, took: Duration) {
        self.0.saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    /// In milliseconds.
    pub fn at(&self, percentile: f64) -> f64 {
        self.0.value_at_percentile(percentile) as f64 / 1000.0
    }

    /// The number of times.
    pub fn count(&self) -> u64 {
        self.0.len()
    }
}

/// The results of a whole run.
pub struct Tally {
    /// Allowed calls of protected routes.
    pub allowed: Times,
    /// Refused calls of protected routes.
    pub refused: Times,
    /// Refreshes that returned a pair.
    pub refreshed: Times,
    /// 200 for a request that must be refused.
    pub wrong_allows: u64,
    /// 401 for a request that must be allowed.
    pub wrong_denies: u64,
    /// Answers without a decision (503, no answer), by status.
    pub undecided: BTreeMap<u16, u64>,
    /// The duration.
    pub lasted: Duration,
}

impl Tally {
    /// An empty tally.
    ///
    /// # Errors
    /// [`LoadError::Setup`] only if the bounds of the histogram are invalid.
    pub fn new() -> Result<Self, LoadError> {
        let (allowed, refused, refreshed) = (Times::new()?, Times::new()?, Times::new()?);
        Ok(Self { allowed, refused, refreshed, wrong_allows: 0, wrong_denies: 0, undecided: BTreeMap::new(), lasted: Duration::ZERO })
    }

    /// Counts one request.
    pub fn count(&mut self, outcome: Outcome) {
        match (outcome.kind, outcome.status) {
            (Kind::Refresh, 200) => self.refreshed.record(outcome.took),
            (kind, status) if status == kind.expected() && status == 200 => self.allowed.record(outcome.took),
            (kind, status) if status == kind.expected() => self.refused.record(outcome.took),
            (_, 200) => self.wrong_allows += 1,
            (_, 401) => self.wrong_denies += 1,
            (_, status) => *self.undecided.entry(status).or_default() += 1,
        }
    }

    /// Requests that were answered with a decision.
    pub fn decided(&self) -> u64 {
        self.allowed.count() + self.refused.count() + self.refreshed.count() + self.wrong()
    }

    /// Requests that got no decision: another status, or no answer.
    pub fn undecided(&self) -> u64 {
        self.undecided.values().sum()
    }

    /// Wrong decisions.
    pub const fn wrong(&self) -> u64 {
        self.wrong_allows + self.wrong_denies
    }

    /// Decisions per second.
    pub fn per_second(&self) -> f64 {
        self.decided() as f64 / self.lasted.as_secs_f64()
    }

    /// Adds the results of another tally.
    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in
            [(&mut self.allowed, &other.allowed), (&mut self.refused, &other.refused), (&mut self.refreshed, &other.refreshed)]
        {
            // Both have the same bounds.
            let _added = mine.0.add(&theirs.0);
        }
        self.wrong_allows += other.wrong_allows;
        self.wrong_denies += other.wrong_denies;
        for (status, count) in &other.undecided {
            *self.undecided.entry(*status).or_default() += count;
        }
    }
}
