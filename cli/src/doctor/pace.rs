//! A limit on what a scan takes from a table.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// No single page may cost a longer pause.
const LONGEST_PAUSE_S: f64 = 60.0;

/// So many read units a second, on average.
pub(super) struct Pace {
    rate: u32,
    /// When the next call may begin.
    due: Instant,
}

impl Pace {
    pub(super) fn new(rate: u32) -> Self {
        Self { rate: rate.max(1), due: Instant::now() }
    }

    pub(super) fn rate(&self) -> u32 {
        self.rate
    }

    /// Waits until the next call may begin.
    pub(super) async fn turn(&mut self) {
        sleep_until(self.due).await;
        // A call that took longer than its units allow gives no credit to the next.
        self.due = self.due.max(Instant::now());
    }

    /// Counts what a call has consumed.
    pub(super) fn consumed(&mut self, units: f64) {
        self.due += Duration::from_secs_f64((units / f64::from(self.rate)).clamp(0.0, LONGEST_PAUSE_S));
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    /// Calls of 0.4 s and 100 units, at 100 units a second.
    #[tokio::test(start_paused = true)]
    async fn the_time_of_a_call_counts() {
        let (begun, mut pace) = (Instant::now(), Pace::new(100));
        for call in 0..3 {
            pace.turn().await;
            assert_eq!(begun.elapsed().as_millis() / 10, call * 100, "{call}");
            sleep(Duration::from_millis(400)).await;
            pace.consumed(100.0);
        }
        pace.consumed(50.0);
        pace.turn().await;
        assert_eq!(begun.elapsed().as_millis() / 10, 350, "a second read counts as well");
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_call_is_no_credit() {
        let (begun, mut pace) = (Instant::now(), Pace::new(100));
        pace.turn().await;
        sleep(Duration::from_secs(10)).await;
        pace.consumed(100.0);
        for _ in 0..2 {
            pace.turn().await;
            pace.consumed(100.0);
        }
        pace.turn().await;
        assert_eq!(begun.elapsed().as_millis() / 10, 1_200);
    }
}
