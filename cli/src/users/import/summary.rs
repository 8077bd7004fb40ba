//! The summary of an import.

use std::collections::BTreeMap;

use latchkey::{operations::UserImported, password::ForeignHash};
use serde_json::{Value, json};

use super::entry::Entered;
use crate::listing::Listing;

/// Numbers of rows by outcome.
#[derive(Debug, Default)]
pub(super) struct Summary {
    created: u64,
    replaced: u64,
    already_there: u64,
    left_alone: u64,
    pub(super) skipped: u64,
    pub(super) bad: u64,
    /// Each is a user: rows of the same name or id are bad.
    good: u64,
    without_password: u64,
    /// Numbers of hashes by function.
    hashes: BTreeMap<&'static str, u64>,
}

impl Summary {
    /// One more good row.
    pub(super) fn user(&mut self, user: &Entered) {
        self.good += 1;
        let function = match &user.hash {
            ForeignHash::Slow(foreign) => foreign.name(),
            ForeignHash::Fast(_) => "wrapped",
            ForeignHash::NoPassword => {
                self.without_password += 1;
                "none"
            }
        };
        *self.hashes.entry(function).or_default() += 1;
    }

    pub(super) fn count(&mut self, outcome: UserImported) {
        match outcome {
            UserImported::Created => self.created += 1,
            UserImported::Replaced => self.replaced += 1,
            UserImported::AlreadyThere => self.already_there += 1,
            UserImported::LeftAlone(_) => self.left_alone += 1,
        }
    }

    pub(super) fn done(&self) -> u64 {
        self.created + self.replaced + self.already_there + self.left_alone + self.skipped + self.bad
    }

    /// The text for standard output. A dry run doesn't know who is there already.
    pub(super) fn render(&self, json: bool, dry_run: bool) -> String {
        let row = |summary: &&Self| -> Value {
            let of_file = json!({
                "users": summary.good, "without_password": summary.without_password, "hashes": summary.hashes,
                "skipped": summary.skipped, "bad": summary.bad,
            });
            let mut row = if dry_run {
                json!({"good": summary.good})
            } else {
                json!({
                    "created": summary.created, "replaced": summary.replaced, "already_there": summary.already_there,
                    "left_alone": summary.left_alone,
                })
            };
            if let (Some(row), Value::Object(of_file)) = (row.as_object_mut(), of_file) {
                row.extend(of_file);
            }
            row
        };
        let mut headers = if dry_run { vec!["GOOD"] } else { vec!["CREATED", "REPLACED", "ALREADY THERE", "LEFT ALONE"] };
        headers.extend(["SKIPPED", "BAD", "USERS", "WITHOUT PASSWORD"]);
        let cells = |summary: &&Self| {
            let mut numbers = if dry_run {
                vec![summary.good]
            } else {
                vec![summary.created, summary.replaced, summary.already_there, summary.left_alone]
            };
            numbers.extend([summary.skipped, summary.bad, summary.good, summary.without_password]);
            numbers.iter().map(u64::to_string).collect()
        };
        Listing::json(json).render(&headers, &[self], cells, row)
    }
}
