//! Which items are part of a transaction in progress, and which state of them a read shows.

use std::collections::{BTreeMap, BTreeSet};

use latchkey::entropy::Random;
use serde_json::Value;

use super::{
    Torn,
    item::{ItemKey, Part, Range},
};

#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) torn: Torn,
    random: Random,
    /// The items of transactions in progress.
    held: BTreeSet<ItemKey>,
    /// The number of single writes under way, by item.
    writes: BTreeMap<ItemKey, usize>,
    /// Transactions in progress, by their `ClientRequestToken`.
    running: BTreeMap<String, Window>,
    /// Calls whose attempts are all lost, by the SDK's id.
    pub(super) lost_calls: BTreeSet<String>,
    /// Transactions that were committed and answered.
    finished: BTreeSet<String>,
}

/// A transaction in progress.
#[derive(Debug, Default)]
struct Window {
    /// Whether DynamoDB has executed it. Reads show the earlier states from before that, so that none shows a new state that
    /// a later one doesn't.
    is_committed: bool,
    /// The reads that have met it since the commit.
    met: usize,
    /// The reads that meet it before its answer.
    lasts: usize,
    /// So many more times the transaction arrives again before its first read counts.
    repeats: usize,
    items: Vec<Hidden>,
}

/// An item that a transaction has changed.
#[derive(Debug)]
struct Hidden {
    key: ItemKey,
    before: Option<Value>,
    /// This many reads still show the earlier state.
    hides: usize,
}

/// A transaction arrives.
#[derive(Debug)]
pub(super) enum Arrival {
    /// It may begin; its items are held from now on.
    Begins,
    /// It has been committed: DynamoDB answers as before.
    Finished,
    /// It is in mid-commit.
    InProgress,
    /// Other transactions hold items of it. One code for each of its items.
    Conflict(Vec<&'static str>),
}

/// At most so many reads meet a transaction in mid-commit before it is answered.
const LASTS: usize = 8;
/// All attempts of a call that the SDK makes after one that was lost in mid-commit.
const REPEATS: usize = 2;

impl Ledger {
    pub(super) fn new(random: Random) -> Self {
        Self {
            torn: Torn::default(),
            random,
            held: BTreeSet::new(),
            writes: BTreeMap::new(),
            running: BTreeMap::new(),
            lost_calls: BTreeSet::new(),
            finished: BTreeSet::new(),
        }
    }

    /// A number below `end`.
    pub(super) fn draw(&self, end: usize) -> usize {
        let random = usize::from_be_bytes(self.random.bytes().expect("a seeded generator"));
        random % end
    }

    pub(super) fn arrive(&mut self, token: &str, parts: &[Part]) -> Arrival {
        if self.finished.contains(token) {
            self.torn.doubles += 1;
            return Arrival::Finished;
        }
        if let Some(window) = self.running.get_mut(token) {
            window.repeats = window.repeats.saturating_sub(1);
            self.torn.in_progress += 1;
            return Arrival::InProgress;
        }
        if parts.iter().any(|part| self.held.contains(&part.key)) {
            self.torn.refused_transactions += 1;
            let code = |part: &Part| if self.held.contains(&part.key) { "TransactionConflict" } else { "None" };
            return Arrival::Conflict(parts.iter().map(code).collect());
        }
        self.held.extend(parts.iter().map(|part| part.key.clone()));
        self.running.insert(token.to_owned(), Window::default());
        Arrival::Begins
    }

    /// Whether no single write on these items is under way.
    pub(super) fn is_quiet(&self, parts: &[Part]) -> bool {
        parts.iter().all(|part| !self.writes.contains_key(&part.key))
    }

    /// The transaction is about to be executed. If its caller leaves, it arrives again.
    pub(super) fn prepare(&mut self, token: &str, before: Vec<(ItemKey, Option<Value>)>, is_left: bool) {
        let lasts = self.draw(LASTS + 1);
        let repeats = if is_left { self.draw(REPEATS + 1) } else { 0 };
        let items = before.into_iter().map(|(key, before)| Hidden { key, before, hides: self.draw(lasts + 1) }).collect();
        self.running.insert(token.to_owned(), Window { is_committed: false, met: 0, lasts, repeats, items });
    }

    /// The transaction has been executed. Some of its items keep their earlier state for a while.
    pub(super) fn open(&mut self, token: &str) {
        if let Some(window) = self.running.get_mut(token) {
            window.is_committed = true;
            self.torn.windows += usize::from(window.items.iter().any(|item| item.hides > 0));
        }
    }

    /// Whether as many reads have met the transaction as shall.
    pub(super) fn is_over(&self, token: &str) -> bool {
        self.running.get(token).is_none_or(|window| window.repeats == 0 && window.met >= window.lasts)
    }

    /// The transaction is answered.
    pub(super) fn close(&mut self, token: &str, parts: &[Part]) {
        if self.running.remove(token).is_some_and(|window| window.is_committed) {
            self.finished.insert(token.to_owned());
        }
        for part in parts {
            self.held.remove(&part.key);
        }
    }

    /// The states that a read shows in place of those in the table.
    pub(super) fn read(&mut self, range: &Range) -> Vec<(ItemKey, Option<Value>)> {
        let mut shown = Vec::new();
        for window in self.running.values_mut() {
            let items = || window.items.iter().filter(|item| range.contains(&item.key));
            if !window.is_committed {
                shown.extend(items().map(|item| (item.key.clone(), item.before.clone())));
                continue;
            }
            let items: Vec<_> = items().collect();
            let before: Vec<_> = items.iter().filter(|item| item.hides > window.met).collect();
            self.torn.reads += usize::from(!before.is_empty());
            self.torn.mixed_reads += usize::from(!before.is_empty() && before.len() < items.len());
            shown.extend(before.into_iter().map(|item| (item.key.clone(), item.before.clone())));
            window.met += usize::from(window.repeats == 0 && !items.is_empty());
        }
        shown
    }

    /// A single write begins. False if a transaction holds the item.
    pub(super) fn begin_write(&mut self, key: &ItemKey) -> bool {
        if self.held.contains(key) {
            self.torn.refused_writes += 1;
            return false;
        }
        *self.writes.entry(key.clone()).or_default() += 1;
        true
    }

    pub(super) fn end_write(&mut self, key: &ItemKey) {
        if let Some(writes) = self.writes.get_mut(key) {
            *writes -= 1;
            if *writes == 0 {
                self.writes.remove(key);
            }
        }
    }
}
