//! The summary of an import.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use latchkey::operations::ImportOutcome;
use serde_json::{Value, json};

use crate::listing::Listing;

/// Numbers of rows by outcome.
#[derive(Debug, Default)]
pub(super) struct Summary {
    /// Hashes of the user ids of good rows.
    users: HashSet<u64>,
    pub(super) imported: u64,
    pub(super) already_there: u64,
    pub(super) expired: u64,
    pub(super) blocked: u64,
    pub(super) bad: u64,
}

impl Summary {
    /// One more row of this user. Two users of a million have the same 64 bits once in 37 million files.
    pub(super) fn user(&mut self, user_id: &str) {
        let mut hasher = DefaultHasher::new();
        user_id.hash(&mut hasher);
        self.users.insert(hasher.finish());
    }

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
            let users = Some(summary.users.len() as u64);
            [Some(summary.imported), there, Some(summary.expired), blocked, Some(summary.bad), users].into_iter().flatten()
        };
        let headers: &[&str] = if dry_run {
            &["GOOD", "EXPIRED", "BAD", "USERS"]
        } else {
            &["IMPORTED", "ALREADY THERE", "EXPIRED", "BLOCKED", "BAD", "USERS"]
        };
        let row = |summary: &&Self| -> Value {
            if dry_run {
                json!({"good": summary.imported, "expired": summary.expired, "bad": summary.bad, "users": summary.users.len()})
            } else {
                json!({
                    "imported": summary.imported, "already_there": summary.already_there, "expired": summary.expired,
                    "blocked": summary.blocked, "bad": summary.bad, "users": summary.users.len(),
                })
            }
        };
        Listing::json(json).render(headers, &[self], |summary| numbers(summary).map(|number| number.to_string()).collect(), row)
    }
}
