//! The login throttle: it limits guesses, and it still lets the owner of an attacked account log in.
//!
//! An attempt is counted under the account, under the account and its network, under the account and its device, and under the
//! network alone. Each count of an account is a bucket: a wrong password adds a failure, and failures drain with time. Nothing
//! else empties it. A success doesn't, because then the counts would show that the owner has logged in, and would give a
//! guesser more tries.
//!
//! While an attempt is being verified it is *pending*: it takes a place in the bucket, so that parallel guesses get no more tries
//! than sequential ones. The verdict settles it. What isn't settled, because a function stopped or DynamoDB failed, runs out
//! by itself and is no failure.

mod count;
mod decide;
mod subjects;

use std::time::Duration;

pub use count::{AttemptId, Count, Pending, Room, Verdict};
pub use decide::{Admission, Counts, WaitsFor, admit};
pub use subjects::{Budget, Scope, Subject, Subjects};

/// For so long after a success the network or the device is known to the account.
pub const KNOWN_DAYS: i64 = 30;
/// How long a failure counts for its account: one attempt an hour for networks and devices that aren't known.
pub const ACCOUNT_DRAIN: Duration = Duration::from_secs(60 * 60);
/// How long an attempt may be pending: longer than a request lives.
pub const PENDING_SECONDS: i64 = 5;

/// The throttle's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Throttle {
    /// Failures for an account from a network or a device before the first wait.
    pub free_failures: u32,
    /// The longest wait. The first wait is 1 s, and each further failure doubles it up to this. So long, too, a failure counts.
    pub max_delay: Duration,
    /// Failures of a network in a window.
    pub network_failures: u32,
    /// The window.
    pub network_window: Duration,
    /// Failures that an account has room for.
    pub account_failures: u32,
}

impl Throttle {
    /// The wait after this many failures from one network or device.
    #[must_use]
    pub fn delay_after(&self, failures: u32) -> Duration {
        match failures.checked_sub(self.free_failures) {
            None => Duration::ZERO,
            Some(doublings) => Duration::from_secs(1 << doublings.min(32)).min(self.max_delay),
        }
    }

    /// The number of failures that leads to the longest wait.
    fn longest_after(&self) -> u32 {
        (self.free_failures..).find(|failures| self.delay_after(*failures) == self.max_delay).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_are_free_then_the_wait_doubles_up_to_a_quarter_of_an_hour() {
        let waits: Vec<u64> = (0..18).map(|failures| count::tests::THROTTLE.delay_after(failures).as_secs()).collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
        assert_eq!(count::tests::THROTTLE.longest_after(), 15);
        let up_to_a_doubling = Throttle { max_delay: Duration::from_secs(4), ..count::tests::THROTTLE };
        assert_eq!(up_to_a_doubling.longest_after(), 7);
        assert_eq!(up_to_a_doubling.delay_after(u32::MAX), Duration::from_secs(4));
    }
}
