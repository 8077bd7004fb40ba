//! The summary of an import.

use latchkey::operations::ImportOutcome;
use serde_json::{Value, json};

use crate::listing::Listing;

/// Numbers of rows by outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Summary {
    pub(super) imported: u64,
    pub(super) already_there: u64,
    pub(super) expired: u64,
    pub(super) blocked: u64,
    pub(super) bad: u64,
}

impl Summary {
    pub(super) fn count(&mut self, outcome: ImportOutcome) {
        match outcome {
            ImportOutcome::Imported => self.imported += 1,
            ImportOutcome::AlreadyThere => self.already_there += 1,
            ImportOutcome::Expired => self.expired += 1,
            ImportOutcome::Blocked => self.blocked += 1,
        }
    }

    pub(super) fn rows(&self) -> u64 {
        self.imported + self.already_there + self.expired + self.blocked + self.bad
    }

    /// The text for standard output. A dry run doesn't know which rows were imported before, and which users are blocked.
    pub(super) fn render(&self, json: bool, dry_run: bool) -> String {
        let numbers = |summary: &Self| {
            let [there, blocked] = [summary.already_there, summary.blocked].map(|number| (!dry_run).then_some(number));
            [Some(summary.imported), there, Some(summary.expired), blocked, Some(summary.bad)].into_iter().flatten()
        };
        let headers: &[&str] =
            if dry_run { &["GOOD", "EXPIRED", "BAD"] } else { &["IMPORTED", "ALREADY THERE", "EXPIRED", "BLOCKED", "BAD"] };
        let row = |summary: &Self| -> Value {
            if dry_run {
                json!({"good": summary.imported, "expired": summary.expired, "bad": summary.bad})
            } else {
                json!({
                    "imported": summary.imported, "already_there": summary.already_there, "expired": summary.expired,
                    "blocked": summary.blocked, "bad": summary.bad,
                })
            }
        };
        Listing::json(json).render(headers, &[*self], |summary| numbers(summary).map(|number| number.to_string()).collect(), row)
    }
}
