//! Counting an attempt to log in: a place before the verdict is known, and the verdict in its place.

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;

use crate::{
    backoff::Backoff,
    entropy::{NoEntropy, Random},
    store::{Attempts, CountWrite, ReadCounts, StoreError, StoredCount, Unheard},
    throttle::{Admission, AttemptId, Room, Subjects, Throttle, Verdict, WaitsFor, admit},
};

/// How often a place is tried for while attempts side by side are verified: about two seconds.
const TRIES: usize = 20;

/// Counts attempts.
#[derive(Debug)]
pub(super) struct Counting {
    pub(super) attempts: Attempts,
    pub(super) throttle: Throttle,
    pub(super) random: Random,
}

/// Why an attempt isn't looked at.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotLookedAt {
    /// It has to wait.
    #[error("throttled")]
    Throttled { until: DateTime<Utc>, waits_for: WaitsFor },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
}

/// An attempt that may be looked at once it holds its places.
pub(super) struct Counted<'a> {
    id: AttemptId,
    now: DateTime<Utc>,
    subjects: &'a Subjects,
    /// Those that it needs a place in.
    places: Vec<StoredCount>,
    /// Its other counts. A verdict may concern them.
    others: Vec<StoredCount>,
}

impl Counting {
    /// Decides on an attempt by its counts. A refused one writes nothing.
    pub(super) fn admit<'a>(&self, seen: ReadCounts, subjects: &'a Subjects, now: DateTime<Utc>) -> Result<Counted<'a>, NotLookedAt> {
        let scopes = match admit(&seen.to_decide(), &self.throttle, now) {
            Admission::LookAt(scopes) => scopes,
            Admission::Wait(until, waits_for) => return Err(NotLookedAt::Throttled { until, waits_for }),
        };
        let (places, others) = seen.counts.into_iter().partition(|stored| scopes.contains(&stored.subject.scope));
        Ok(Counted { id: AttemptId::generate(&self.random)?, now, subjects, places, others })
    }

    /// Takes a place in each count that the attempt needs. Where attempts side by side hold them all, it waits for one of them
    /// to turn out right: so logins side by side with the right password all get in.
    pub(super) async fn hold(&self, counted: &mut Counted<'_>) -> Result<(), NotLookedAt> {
        let (id, now) = (&counted.id, counted.now);
        let held = join_all(counted.places.iter().cloned().map(|place| self.hold_one(place, id, now))).await;
        let mut refused = Ok(());
        for (place, held) in counted.places.iter_mut().zip(held) {
            match held {
                Ok(stored) => *place = stored,
                Err(why) => refused = Err(why),
            }
        }
        refused
    }

    async fn hold_one(&self, mut stored: StoredCount, id: &AttemptId, now: DateTime<Utc>) -> Result<StoredCount, NotLookedAt> {
        let scope = stored.subject.scope;
        let unheard = Unheard::default();
        let mut backoff = Backoff::new(&self.random);
        for _ in 0..TRIES {
            // Its own write, of which it heard nothing.
            if stored.count.holds(id) {
                return Ok(stored);
            }
            stored = match stored.count.room(scope, &self.throttle, now) {
                Room::Until(until) => return Err(NotLookedAt::Throttled { until, waits_for: scope.into() }),
                Room::Open => match self.attempts.write_count(&stored, stored.count.with_pending(id, now), &unheard).await? {
                    CountWrite::Done(stored) => return Ok(stored),
                    CountWrite::Changed(stored) => stored,
                },
                Room::Settling => self.attempts.read_count(&stored.subject).await?,
            };
            backoff.wait().await;
        }
        Err(NotLookedAt::Throttled { until: now + TimeDelta::seconds(1), waits_for: scope.into() })
    }

    /// Writes the verdict. A wrong password is a failure in every count and of the network; a right one makes network and device
    /// known, and empties no count.
    ///
    /// # Errors
    /// [`StoreError`]. Then a wrong password may not have been counted, and must not be called wrong.
    pub(super) async fn settle(&self, counted: &Counted<'_>, verdict: Verdict) -> Result<(), StoreError> {
        let Counted { id, now, subjects, places, others } = counted;
        let concerned = others.iter().filter(|stored| match verdict {
            Verdict::Wrong => true,
            Verdict::Right => stored.count.is_worth_confirming(stored.subject.scope, *now),
            Verdict::NotJudged => false,
        });
        let counts = join_all(places.iter().chain(concerned).map(|stored| self.settle_one(stored.clone(), id, verdict, *now)));
        let budgets = join_all(
            subjects
                .budgets
                .iter()
                .filter(|_| verdict == Verdict::Wrong)
                .map(|budget| self.attempts.spend(budget, subjects.window_ends_at)),
        );
        let (counts, budgets) = tokio::join!(counts, budgets);
        counts.into_iter().chain(budgets).collect()
    }

    async fn settle_one(&self, mut stored: StoredCount, id: &AttemptId, verdict: Verdict, now: DateTime<Utc>) -> Result<(), StoreError> {
        let held = stored.count.holds(id);
        // A place that was lost, or never held, has nothing to give back.
        if !held && verdict == Verdict::NotJudged {
            return Ok(());
        }
        let unheard = Unheard::default();
        let mut backoff = Backoff::new(&self.random);
        loop {
            let next = stored.count.settled(stored.subject.scope, id, verdict, &self.throttle, now);
            stored = match self.attempts.write_count(&stored, next, &unheard).await? {
                CountWrite::Done(_) => return Ok(()),
                // Its own write, of which it heard nothing: no other takes its place away.
                CountWrite::Changed(stored) if held && !stored.count.holds(id) && unheard.any() => return Ok(()),
                CountWrite::Changed(stored) => stored,
            };
            backoff.wait().await;
        }
    }
}
