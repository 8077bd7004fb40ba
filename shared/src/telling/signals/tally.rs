//! Counts and latencies, of one request or of several that share a line.

use std::time::Duration;

use super::Metric;
use crate::telling::Refused;

/// The most values of one metric that CloudWatch accepts in one line
/// (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>).
/// A request that makes more calls, such as one that ends all logins of a user, is measured by its first ones.
const MOST_VALUES: usize = 100;

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    counts: Vec<(Metric, u32)>,
    refused: Option<(Metric, Refused)>,
    throttled: Option<String>,
    store_calls: Vec<Duration>,
}

impl Tally {
    /// Of a request, the first of its process or not.
    pub(super) fn of_request(first: bool) -> Self {
        Self { counts: if first { vec![(Metric::ColdStarts, 1)] } else { Vec::new() }, ..Self::default() }
    }

    pub(super) fn count(&mut self, metric: Metric, refused: Option<Refused>) {
        self.add_to(metric, 1);
        if refused.is_some_and(Refused::is_foreign) {
            self.add_to(Metric::TokensForeign, 1);
        }
        self.refused = refused.map(|refused| (metric, refused)).or(self.refused);
    }

    pub(super) fn store_call(&mut self, took: Duration, retries: u32) {
        if self.store_calls.len() < MOST_VALUES {
            self.store_calls.push(took);
        }
        if retries > 0 {
            self.add_to(Metric::StoreRetries, retries);
        }
    }

    /// DynamoDB throttled an attempt; `resource` is the table or the index, if it says.
    pub(super) fn store_throttled(&mut self, resource: String) {
        self.add_to(Metric::StoreThrottles, 1);
        if self.throttled.is_none() && !resource.is_empty() {
            self.throttled = Some(resource);
        }
    }

    /// An access token was accepted, DynamoDB was called once, and nothing else was counted.
    pub(super) fn is_ordinary(&self) -> bool {
        matches!(self.counts.as_slice(), [(Metric::AccessAllowed, 1)]) && self.store_calls.len() == 1 && self.throttled.is_none()
    }

    /// Adds an ordinary request to a line that isn't full.
    pub(super) fn add(&mut self, ordinary: Self) {
        for (metric, number) in ordinary.counts {
            self.add_to(metric, number);
        }
        self.store_calls.extend(ordinary.store_calls);
    }

    /// There is no room for another call.
    pub(super) fn is_full(&self) -> bool {
        self.store_calls.len() >= MOST_VALUES
    }

    fn add_to(&mut self, metric: Metric, number: u32) {
        match self.counts.iter_mut().find(|(counted, _)| *counted == metric) {
            Some((_, sum)) => *sum += number,
            None => self.counts.push((metric, number)),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.counts.is_empty() && self.store_calls.is_empty()
    }

    pub(super) fn counts(&self) -> &[(Metric, u32)] {
        &self.counts
    }

    /// The metric that has a reason, and the reason. There is one at most, because a request presents one token.
    pub(super) fn refused(&self) -> Option<(Metric, Refused)> {
        self.refused
    }

    /// The table or index that was throttled first. A line has room for one.
    pub(super) fn throttled(&self) -> Option<&str> {
        self.throttled.as_deref()
    }

    pub(super) fn store_calls(&self) -> &[Duration] {
        &self.store_calls
    }
}
