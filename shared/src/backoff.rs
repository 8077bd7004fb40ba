//! Waiting before a read is repeated.

use std::time::Duration;

use crate::entropy::Random;

const FIRST_PAUSE_MS: u64 = 8;
const LONGEST_PAUSE_MS: u64 = 250;
const LONGEST_UNHURRIED_PAUSE_MS: u64 = 5_000;

/// The pauses of one loop that reads again. Each has full jitter: requests that collided must not collide again.
///
/// It never gives up; the request's deadline bounds the loop that waits.
#[derive(Debug)]
pub struct Backoff<'a> {
    random: &'a Random,
    attempt: u32,
    longest_ms: u64,
}

impl<'a> Backoff<'a> {
    /// Before the first pause.
    #[must_use]
    pub fn new(random: &'a Random) -> Self {
        Self { random, attempt: 0, longest_ms: LONGEST_PAUSE_MS }
    }

    /// The same with pauses of up to five seconds, for work that no request waits for.
    #[must_use]
    pub fn unhurried(random: &'a Random) -> Self {
        Self { random, attempt: 0, longest_ms: LONGEST_UNHURRIED_PAUSE_MS }
    }

    fn longest_ms(&self) -> u64 {
        FIRST_PAUSE_MS.saturating_mul(1 << self.attempt.min(16)).min(self.longest_ms)
    }

    /// Waits, and doubles the longest next pause up to the limit.
    pub async fn wait(&mut self) {
        let ceiling = self.longest_ms();
        self.attempt = self.attempt.saturating_add(1);
        let random = self.random.bytes().map_or(ceiling, u64::from_be_bytes);
        tokio::time::sleep(Duration::from_millis(1 + random % ceiling)).await;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::atomic::{AtomicU64, Ordering};

    use tokio::time::Instant;

    use super::*;

    #[test]
    fn pauses_double_up_to_a_quarter_of_a_second() {
        let random = Random::system();
        let longest = |backoff: &Backoff<'_>, attempt| Backoff { attempt, random: &random, ..*backoff }.longest_ms();
        let (request, command) = (Backoff::new(&random), Backoff::unhurried(&random));
        assert_eq!([0, 1, 2, 3, 4, 5, 6, 64, u32::MAX].map(|n| longest(&request, n)), [8, 16, 32, 64, 128, 250, 250, 250, 250]);
        assert_eq!([0, 4, 5, 9, 10, u32::MAX].map(|n| longest(&command, n)), [8, 128, 256, 4_096, 5_000, 5_000]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_first_pause_is_one_to_eight_milliseconds() {
        let drawn = AtomicU64::new(0);
        let random = Random::from_fn(move |bytes| {
            bytes.copy_from_slice(&drawn.fetch_add(1, Ordering::Relaxed).to_be_bytes());
            Ok(())
        });
        let mut met = BTreeSet::new();
        for _ in 0..100 {
            let begun = Instant::now();
            Backoff::new(&random).wait().await;
            met.insert(begun.elapsed().as_millis());
        }
        assert!(met.into_iter().eq(1..=8));
    }

    #[tokio::test(start_paused = true)]
    async fn each_wait_counts() {
        let random = Random::system();
        let mut backoff = Backoff::new(&random);
        for waited in 1..=3 {
            backoff.wait().await;
            assert_eq!(backoff.attempt, waited);
        }
    }
}
