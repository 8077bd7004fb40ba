//! What a run has counted.

use std::{collections::BTreeMap, time::Duration};

/// How a promise can be broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Breach {
    /// An honest client with a valid token was told that it has no session.
    Wrong401,
    /// A token passed that must not.
    WrongAllow,
    /// One request left two commits behind.
    DuplicateCommit,
    /// The client's retry didn't give it its session.
    LostSession,
    /// The table is not as it must be.
    Invariant,
    /// An answer of another kind than the fault calls for.
    Unexpected,
}

/// Counts of cells, and the breaches found, each told in a line.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) cells: usize,
    /// How the faulted requests were answered.
    pub(crate) answers: BTreeMap<String, usize>,
    /// What is refused on an artificial torn read because no re-read is promised there.
    pub(crate) refused_on_torn: usize,
    pub(crate) breaches: Vec<(Breach, String)>,
    pub(crate) slowest: Duration,
}

impl Tally {
    pub(crate) fn breach(&mut self, breach: Breach, what: impl Into<String>) {
        self.breaches.push((breach, what.into()));
    }

    /// Notes a breach where `holds` is false.
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
    /// Where anything was broken.
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
        let told: Vec<_> = self.breaches.iter().map(|(breach, what)| format!("{breach:?}: {what}")).collect();
        assert!(told.is_empty(), "{} breaches:\n{}", told.len(), told.join("\n"));
    }
}
