//! One count of an account: a bucket of failures that drains, and the attempts that are being verified.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{ACCOUNT_DRAIN, KNOWN_DAYS, PENDING_SECONDS, Scope, Throttle};
use crate::{
    clock::later,
    crypto::base64url,
    entropy::{NoEntropy, Random},
};

/// Names one attempt, so that its verdict settles its own place and no other.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AttemptId(pub String);

impl AttemptId {
    /// A new one.
    ///
    /// # Errors
    /// [`NoEntropy`] when the generator fails.
    pub fn generate(random: &Random) -> Result<Self, NoEntropy> {
        Ok(Self(base64url(&random.bytes::<12>()?)))
    }
}

/// An attempt that is being verified.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pending {
    /// Which.
    pub attempt: AttemptId,
    /// When it runs out, even if no verdict was ever written.
    pub until: DateTime<Utc>,
}

/// The state of one count. The default is that of a subject that nothing is known of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Count {
    /// When the last failure has drained. The failures at a time follow from it.
    pub drained_at: Option<DateTime<Utc>>,
    /// The last failure.
    pub last_failure_at: Option<DateTime<Utc>>,
    /// Until when the network or the device is known, by its last success.
    pub known_until: Option<DateTime<Utc>>,
    /// The attempts that are being verified.
    pub pending: Vec<Pending>,
}

/// Whether a count has room for one more attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Room {
    /// Yes.
    Open,
    /// Only once an attempt that is being verified turns out right. A moment decides.
    Settling,
    /// Not before this.
    Until(DateTime<Utc>),
}

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The password was right.
    Right,
    /// Unknown name, wrong password or disabled user.
    Wrong,
    /// The password wasn't judged.
    NotJudged,
}

impl Count {
    /// The failures that haven't drained at `now`.
    #[must_use]
    pub fn failures(&self, scope: Scope, throttle: &Throttle, now: DateTime<Utc>) -> u32 {
        let left = self.drained_at.map_or(0, |drained_at| (drained_at - now).num_milliseconds());
        let drain = milliseconds(drain(scope, throttle));
        u32::try_from(u64::try_from(left).unwrap_or(0).div_ceil(drain)).unwrap_or(u32::MAX)
    }

    /// Whether one more attempt may be looked at.
    #[must_use]
    pub fn room(&self, scope: Scope, throttle: &Throttle, now: DateTime<Utc>) -> Room {
        let failures = self.failures(scope, throttle, now);
        let (wait_until, places) = match scope {
            // As many as are left; then one for each that drains.
            Scope::Account => {
                let places = throttle.account_failures.saturating_sub(failures);
                let full_for = drain(scope, throttle) * throttle.account_failures.saturating_sub(1);
                let free_at = self.drained_at.filter(|_| places == 0).map(|drained_at| earlier(drained_at, full_for));
                (free_at, places)
            }
            // As many as are free; then one at a time, each after its wait.
            Scope::Device | Scope::Network | Scope::WideNetwork => {
                let places = throttle.free_failures.saturating_sub(failures).max(1);
                (self.last_failure_at.map(|last| later(last, throttle.delay_after(failures))), places)
            }
        };
        match wait_until {
            Some(until) if now < until => Room::Until(until),
            _ if self.under_way(now) < usize::try_from(places).unwrap_or(usize::MAX) => Room::Open,
            _ => Room::Settling,
        }
    }

    /// Whether a success has made it known to the account.
    #[must_use]
    pub fn is_known(&self, now: DateTime<Utc>) -> bool {
        self.known_until.is_some_and(|until| now < until)
    }

    /// Whether this attempt has its place.
    #[must_use]
    pub fn holds(&self, attempt: &AttemptId) -> bool {
        self.pending.iter().any(|pending| pending.attempt == *attempt)
    }

    /// The count with a place for this attempt.
    #[must_use]
    pub fn with_pending(&self, attempt: &AttemptId, now: DateTime<Utc>) -> Self {
        let mut next = self.without_the_past(now);
        next.pending.push(Pending { attempt: attempt.clone(), until: now + TimeDelta::seconds(PENDING_SECONDS) });
        next
    }

    /// The count after this attempt's verdict. It need not have had a place.
    #[must_use]
    pub fn settled(&self, scope: Scope, attempt: &AttemptId, verdict: Verdict, throttle: &Throttle, now: DateTime<Utc>) -> Self {
        let mut next = self.without_the_past(now);
        next.pending.retain(|pending| pending.attempt != *attempt);
        match verdict {
            Verdict::Right if scope.can_be_known() => next.known_until = Some(now + TimeDelta::days(KNOWN_DAYS)),
            Verdict::Right | Verdict::NotJudged => {}
            Verdict::Wrong => {
                let drain = drain(scope, throttle);
                let full = later(now, drain * most(scope, throttle));
                next.drained_at = Some(later(self.drained_at.unwrap_or(now).max(now), drain).min(full));
                next.last_failure_at = Some(self.last_failure_at.unwrap_or(now).max(now));
            }
        }
        next
    }

    /// Whether a right password has to be written down: the subject isn't known yet, or hasn't been confirmed for a day.
    #[must_use]
    pub fn is_worth_confirming(&self, scope: Scope, now: DateTime<Utc>) -> bool {
        let day_old = now + TimeDelta::days(KNOWN_DAYS - 1);
        scope.can_be_known() && self.known_until.is_none_or(|until| until < day_old)
    }

    /// From this time on the count may be deleted.
    #[must_use]
    pub fn forgotten_at(&self) -> Option<DateTime<Utc>> {
        let pending = self.pending.iter().map(|pending| pending.until);
        [self.drained_at, self.known_until].into_iter().flatten().chain(pending).max()
    }

    fn under_way(&self, now: DateTime<Utc>) -> usize {
        self.pending.iter().filter(|pending| now < pending.until).count()
    }

    fn without_the_past(&self, now: DateTime<Utc>) -> Self {
        let mut next = self.clone();
        next.pending.retain(|pending| now < pending.until);
        next
    }
}

impl Scope {
    /// A success makes a network or a device known. An account isn't a place to log in from, and a /48 may hold strangers.
    const fn can_be_known(self) -> bool {
        matches!(self, Self::Device | Self::Network)
    }
}

/// How long one failure counts.
const fn drain(scope: Scope, throttle: &Throttle) -> Duration {
    match scope {
        Scope::Account => ACCOUNT_DRAIN,
        Scope::Device | Scope::Network | Scope::WideNetwork => throttle.max_delay,
    }
}

/// The failures that are remembered. More would change no wait.
fn most(scope: Scope, throttle: &Throttle) -> u32 {
    match scope {
        Scope::Account => throttle.account_failures,
        Scope::Device | Scope::Network | Scope::WideNetwork => throttle.longest_after(),
    }
}

fn earlier(time: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(by).ok().and_then(|by| time.checked_sub_signed(by)).unwrap_or(time)
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) const THROTTLE: Throttle = Throttle {
        free_failures: 5,
        max_delay: Duration::from_secs(900),
        network_failures: 300,
        network_window: Duration::from_secs(300),
        account_failures: 100,
    };

    fn start() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn after(seconds: i64) -> DateTime<Utc> {
        start() + TimeDelta::seconds(seconds)
    }

    fn attempt(n: u32) -> AttemptId {
        AttemptId(n.to_string())
    }

    fn failed(scope: Scope, times: u32) -> Count {
        (0..times).fold(Count::default(), |count, n| count.settled(scope, &attempt(n), Verdict::Wrong, &THROTTLE, start()))
    }

    #[test]
    fn a_network_waits_after_its_free_failures() {
        assert_eq!(failed(Scope::Network, 4).room(Scope::Network, &THROTTLE, start()), Room::Open);
        assert_eq!(failed(Scope::Network, 5).room(Scope::Network, &THROTTLE, start()), Room::Until(after(1)));
        assert_eq!(failed(Scope::Network, 5).room(Scope::Network, &THROTTLE, after(1)), Room::Open);
        assert_eq!(failed(Scope::Network, 7).room(Scope::Network, &THROTTLE, after(3)), Room::Until(after(4)));
        assert_eq!(failed(Scope::Network, 40).room(Scope::Network, &THROTTLE, after(3)), Room::Until(after(900)));
    }

    #[test]
    fn a_failure_drains_in_a_quarter_of_an_hour() {
        let count = failed(Scope::Device, 6);
        let failures = |seconds| count.failures(Scope::Device, &THROTTLE, after(seconds));
        assert_eq!([0, 1, 899, 900, 901, 5 * 900, 6 * 900].map(failures), [6, 6, 6, 5, 5, 1, 0]);
        let never_more_than_the_longest_wait_takes = failed(Scope::Device, 400).failures(Scope::Device, &THROTTLE, start());
        assert_eq!(never_more_than_the_longest_wait_takes, 15);
    }

    #[test]
    fn an_account_has_room_for_a_hundred_and_then_one_an_hour() {
        assert_eq!(failed(Scope::Account, 99).room(Scope::Account, &THROTTLE, start()), Room::Open);
        let full = failed(Scope::Account, 100);
        assert_eq!(full.room(Scope::Account, &THROTTLE, start()), Room::Until(after(3600)));
        assert_eq!(full.room(Scope::Account, &THROTTLE, after(3599)), Room::Until(after(3600)));
        assert_eq!(full.room(Scope::Account, &THROTTLE, after(3600)), Room::Open);
        let again = full.settled(Scope::Account, &attempt(0), Verdict::Wrong, &THROTTLE, after(3600));
        assert_eq!(again.room(Scope::Account, &THROTTLE, after(3600)), Room::Until(after(7200)));
        // A known network goes on failing where the account is full: that takes no more time to drain.
        let more = full.settled(Scope::Account, &attempt(0), Verdict::Wrong, &THROTTLE, start());
        assert_eq!(more.drained_at, full.drained_at);
    }

    #[test]
    fn a_success_empties_nothing() {
        let count = failed(Scope::Network, 7);
        let after_success = count.settled(Scope::Network, &attempt(9), Verdict::Right, &THROTTLE, after(60));
        assert_eq!((after_success.drained_at, after_success.last_failure_at), (count.drained_at, count.last_failure_at));
        assert!(after_success.is_known(after(60)));
    }

    #[test]
    fn what_is_pending_takes_a_place_until_it_is_settled_or_runs_out() {
        let pending = (0..5).fold(Count::default(), |count, n| count.with_pending(&attempt(n), start()));
        let room = |count: &Count, now| count.room(Scope::Network, &THROTTLE, now);
        assert_eq!(room(&pending, start()), Room::Settling);
        assert_eq!(room(&pending, after(PENDING_SECONDS)), Room::Open, "run out");
        let right = pending.settled(Scope::Network, &attempt(3), Verdict::Right, &THROTTLE, start());
        assert_eq!(room(&right, start()), Room::Open);
        assert!(!right.holds(&attempt(3)) && right.holds(&attempt(2)));
        let not_judged = pending.settled(Scope::Network, &attempt(3), Verdict::NotJudged, &THROTTLE, start());
        assert_eq!((not_judged.drained_at, not_judged.known_until), (None, None));
        let wrong = pending.settled(Scope::Network, &attempt(3), Verdict::Wrong, &THROTTLE, start());
        assert_eq!(room(&wrong, start()), Room::Settling);
        assert_eq!(wrong.with_pending(&attempt(7), after(PENDING_SECONDS)).pending.len(), 1, "the past is dropped at each write");
    }

    /// After the free ones, guesses side by side get one place between them.
    #[test]
    fn after_its_wait_one_attempt_at_a_time_is_looked_at() {
        let waited = failed(Scope::Network, 9).with_pending(&attempt(20), after(16));
        assert_eq!(waited.room(Scope::Network, &THROTTLE, after(16)), Room::Settling);
    }

    #[test]
    fn a_network_is_known_for_thirty_days_and_confirmed_once_a_day() {
        let known = Count::default().settled(Scope::Network, &attempt(0), Verdict::Right, &THROTTLE, start());
        let month = TimeDelta::days(30);
        assert!(known.is_known(start() + month - TimeDelta::milliseconds(1)) && !known.is_known(start() + month));
        assert!(Count::default().is_worth_confirming(Scope::Network, start()));
        assert!(!known.is_worth_confirming(Scope::Network, start() + TimeDelta::days(1)));
        assert!(known.is_worth_confirming(Scope::Network, start() + TimeDelta::days(1) + TimeDelta::milliseconds(1)));
        for scope in [Scope::Account, Scope::WideNetwork] {
            assert!(!Count::default().is_worth_confirming(scope, start()));
            assert_eq!(Count::default().settled(scope, &attempt(0), Verdict::Right, &THROTTLE, start()), Count::default());
        }
    }

    #[test]
    fn it_is_kept_for_as_long_as_something_of_it_matters() {
        assert_eq!(Count::default().forgotten_at(), None);
        assert_eq!(Count::default().with_pending(&attempt(0), start()).forgotten_at(), Some(after(PENDING_SECONDS)));
        assert_eq!(failed(Scope::Account, 2).forgotten_at(), Some(after(7200)));
        let known = failed(Scope::Network, 2).settled(Scope::Network, &attempt(0), Verdict::Right, &THROTTLE, start());
        assert_eq!(known.forgotten_at(), Some(start() + TimeDelta::days(30)));
    }
}
