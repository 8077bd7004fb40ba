//! Waiting before a read is repeated.

use std::time::Duration;

use crate::entropy::{random_bytes, system_rng};

const FIRST_PAUSE_MS: u64 = 8;
const LONGEST_PAUSE_MS: u64 = 250;

/// The pauses of one loop that reads again. Each has full jitter: requests that collided must not collide again.
///
/// It never gives up; the request's deadline bounds the loop that waits.
#[derive(Debug, Default)]
pub struct Backoff {
    attempt: u32,
}

impl Backoff {
    /// Before the first pause.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Waits, and doubles the longest next pause up to a quarter of a second.
    pub async fn wait(&mut self) {
        let ceiling = FIRST_PAUSE_MS.saturating_mul(1 << self.attempt.min(16)).min(LONGEST_PAUSE_MS);
        self.attempt = self.attempt.saturating_add(1);
        let random = random_bytes(&mut system_rng()).map_or(ceiling, u64::from_be_bytes);
        tokio::time::sleep(Duration::from_millis(1 + random % ceiling)).await;
    }
}
