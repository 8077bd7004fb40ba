//! Waiting before a read is repeated.

use std::time::Duration;

use crate::entropy::Random;

const FIRST_PAUSE_MS: u64 = 8;
const LONGEST_PAUSE_MS: u64 = 250;

/// The pauses of one loop that reads again. Each has full jitter: requests that collided must not collide again.
///
/// It never gives up; the request's deadline bounds the loop that waits.
#[derive(Debug)]
pub struct Backoff<'a> {
    random: &'a Random,
    attempt: u32,
}

impl<'a> Backoff<'a> {
    /// Before the first pause.
    #[must_use]
    pub fn new(random: &'a Random) -> Self {
        Self { random, attempt: 0 }
    }

    /// Waits, and doubles the longest next pause up to a quarter of a second.
    pub async fn wait(&mut self) {
        let ceiling = longest_pause_ms(self.attempt);
        self.attempt = self.attempt.saturating_add(1);
        let random = self.random.bytes().map_or(ceiling, u64::from_be_bytes);
        tokio::time::sleep(Duration::from_millis(1 + random % ceiling)).await;
    }
}

fn longest_pause_ms(attempt: u32) -> u64 {
    FIRST_PAUSE_MS.saturating_mul(1 << attempt.min(16)).min(LONGEST_PAUSE_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_quarter_of_a_second() {
        assert_eq!([0, 1, 2, 3, 4, 5, 6, 64, u32::MAX].map(longest_pause_ms), [8, 16, 32, 64, 128, 250, 250, 250, 250]);
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
