//! The counts of a run.

use std::{collections::BTreeMap, time::Duration};

/// The ways to break a promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Breach {
    /// An honest client with a valid token was refused as if it had no session.
    Wrong401,
    /// An invalid token passed.
    WrongAllow,
    /// One request made two commits.
    DuplicateCommit,
    /// The client's retry didn't return its session.
    LostSession,
    /// The table violates an invariant.
    Invariant,
    /// An answer that doesn't fit the fault.
    Unexpected,
}

/// Counts of cells, and one line for each breach.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) cells: usize,
    /// The answers to the requests under a fault.
    pub(crate) answers: BTreeMap<String, usize>,
    /// Refusals on an artificial torn read, where no second read is promised.
    pub(crate) refused_on_torn: usize,
    pub(crate) breaches: Vec<(Breach, String)>,
    pub(crate) slowest: Duration,
}

impl Tally {
    pub(crate) fn breach(&mut self, breach: Breach, what: impl Into<String>) {
        self.breaches.push((breach, what.into()));
    }

    /// Records a breach if `holds` is false.
    pub(crate) fn hold(&mut self, holds: bool, breach: Breach, what: impl FnOnce() -> String) {
        if !holds {
            self.breach(breach, what());
        }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.cells += other.cells;
        self.refused_on_torn += other.refused_on_torn;
        self.slowest = self.slowest.max(other.slowest);
        self.breaches.extend(other.breaches);
        for (answer, count) in other.answers {
            *self.answers.entry(answer).or_default() += count;
        }
    }

    fn count(&self, breach: Breach) -> usize {
        self.breaches.iter().filter(|(each, _)| *each == breach).count()
    }

    /// Prints the line for the report.
    ///
    /// # Panics
    /// If there was any breach.
    #[track_caller]
    pub(crate) fn close(&self, title: &str) {
        println!(
            "assurance: {title} | {} cells | wrong 401s {} | wrong Allows {} | duplicate commits {} | sessions lost {} | \
             invariants broken {} | unexpected {} | refused on torn reads {} | slowest {:.2} s | answers {:?}",
            self.cells,
            self.count(Breach::Wrong401),
            self.count(Breach::WrongAllow),
            self.count(Breach::DuplicateCommit),
            self.count(Breach::LostSession),
            self.count(Breach::Invariant),
            self.count(Breach::Unexpected),
            self.refused_on_torn,
            self.slowest.as_secs_f64(),
            self.answers,
        );
        let lines: Vec<_> = self.breaches.iter().map(|(breach, what)| format!("{breach:?}: {what}")).collect();
        assert!(lines.is_empty(), "{} breaches:\n{}", lines.len(), lines.join("\n"));
    }
}
