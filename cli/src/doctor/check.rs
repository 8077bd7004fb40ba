//! Checks and their outcomes.

use serde_json::{Value, json};

use crate::listing::Listing;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    pub what: String,
    pub outcome: Outcome,
}

/// The outcome of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Ok,
    /// It couldn't be made, for this reason.
    Skipped(String),
    Finding {
        found: String,
        /// How to fix it.
        fix: String,
    },
}

impl Check {
    pub(super) fn ok(what: impl Into<String>) -> Self {
        Self { what: what.into(), outcome: Outcome::Ok }
    }

    pub(super) fn skipped(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { what: what.into(), outcome: Outcome::Skipped(why.into()) }
    }

    pub(super) fn finding(what: impl Into<String>, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { what: what.into(), outcome: Outcome::Finding { found: found.into(), fix: fix.into() } }
    }

    /// Fine if `holds`.
    pub(super) fn hold(holds: bool, what: impl Into<String>, found: impl Into<String>, fix: impl Into<String>) -> Self {
        if holds { Self::ok(what) } else { Self::finding(what, found, fix) }
    }

    /// Whether there is something to fix.
    #[must_use]
    pub fn is_finding(&self) -> bool {
        matches!(self.outcome, Outcome::Finding { .. })
    }

    fn result(&self) -> &'static str {
        match self.outcome {
            Outcome::Ok => "ok",
            Outcome::Skipped(_) => "skipped",
            Outcome::Finding { .. } => "FINDING",
        }
    }
}

/// The checks as a list, each finding's fix below it.
pub(super) fn render(checks: &[Check], json: bool) -> String {
    if json {
        let row = |check: &Check| {
            let result = check.result().to_lowercase();
            match &check.outcome {
                Outcome::Ok => json!({"result": result, "check": check.what}),
                Outcome::Skipped(why) => json!({"result": result, "check": check.what, "why": why}),
                Outcome::Finding { found, fix } => json!({"result": result, "check": check.what, "found": found, "fix": fix}),
            }
        };
        return Listing::JsonLines.render(&[], checks, |_| Vec::new(), row);
    }
    let mut rows = Vec::new();
    for check in checks {
        match &check.outcome {
            Outcome::Ok => rows.push([check.result(), &check.what, ""]),
            Outcome::Skipped(why) => rows.push([check.result(), &check.what, why]),
            Outcome::Finding { found, fix } => rows.extend([[check.result(), &check.what, found], ["", "", fix]]),
        }
    }
    let cells = |row: &[&str; 3]| row.iter().map(|cell| (*cell).to_owned()).collect();
    Listing::Table.render(&["RESULT", "CHECK", "FOUND, AND WHAT TO DO"], &rows, cells, |_| Value::Null)
}
