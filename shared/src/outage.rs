//! The answer to a store that gave none.

use crate::{
    log::{Event, Fields, log},
    problem::{Problem, ProblemCode},
    store::StoreError,
};

impl StoreError {
    /// What it is in the log, and what the client is told: later, or that we are at fault. Never that it has no session.
    #[must_use]
    pub fn event_and_code(&self) -> (Event, ProblemCode) {
        match self {
            Self::Unavailable { .. } => (Event::StoreUnavailable, ProblemCode::Unavailable),
            Self::Rejected { .. } | Self::Item(_) => (Event::Internal, ProblemCode::Internal),
        }
    }
}

/// Logs the error and gives the problem to answer with.
#[must_use]
pub fn store_problem(error: &StoreError, fields: Fields<'_>) -> Problem {
    let (event, code) = error.event_and_code();
    log(event, fields, Some(error));
    code.into()
}
