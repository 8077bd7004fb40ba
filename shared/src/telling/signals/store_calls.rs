//! How long DynamoDB takes, and what it throttles.

use std::error::Error;

use tokio::time::Instant;

use super::{CURRENT, with_tally};
use crate::sdk_error::{Throttled, throttled};

/// Measures one call, from the first byte built to the answer read, with all its attempts. A call that is given up when the
/// request's time is over isn't measured.
#[derive(Debug)]
pub(crate) struct StoreCall(Option<Instant>);

impl StoreCall {
    /// The call begins. The clock isn't read if nothing is counted.
    pub(crate) fn begin() -> Self {
        let counts = CURRENT.try_with(|current| current.tally.is_some()) == Ok(true);
        Self(counts.then(Instant::now))
    }

    /// The call is over, after so many retries.
    pub(crate) fn end(self, retries: u32) {
        if let Some(begun) = self.0 {
            with_tally(|tally| tally.store_call(begun.elapsed(), retries));
        }
    }
}

/// Counts an attempt that failed, if DynamoDB throttled it.
pub(crate) fn store_throttled(error: &(dyn Error + 'static)) {
    if let Some(Throttled { resource, .. }) = throttled(error) {
        with_tally(|tally| tally.store_throttled(resource));
    }
}
