//! Errors as log lines and as answers to the client.

use std::error::Error;

use http::Response;
use tracing::Level;

use crate::{
    http::problem::{Problem, ProblemCode},
    operations::Denied,
    store::StoreError,
    telling::log::{Event, Fields, log},
};

impl StoreError {
    /// Its log event and the client's answer: try later, or a fault of the service. Never "no session".
    #[must_use]
    pub fn event_and_code(&self) -> (Event, ProblemCode) {
        match self {
            Self::Unavailable { .. } => (Event::StoreUnavailable, ProblemCode::Unavailable),
            Self::Rejected { .. } | Self::Item(_) => (Event::Internal, ProblemCode::Internal),
        }
    }
}

/// The problem to answer a denied request with. A failure of the store is logged here.
#[must_use]
pub fn denied_problem(denied: &Denied, fields: Fields<'_>) -> Problem {
    match denied {
        Denied::Missing => ProblemCode::MissingToken.into(),
        Denied::Invalid => ProblemCode::InvalidToken.into(),
        Denied::Store(error) => store_problem(error, fields),
    }
}

/// Logs the error and gives the problem to answer with.
#[must_use]
pub fn store_problem(error: &StoreError, fields: Fields<'_>) -> Problem {
    let (event, code) = error.event_and_code();
    log(event, fields, Some(error));
    code.into()
}

/// Logs a refusal and answers with the problem. A fault of ours is logged with its causes. Any other refusal is logged with what
/// `fields` say of it.
#[must_use]
pub fn refuse<B: From<String>>(event: Event, problem: Problem, error: &dyn Error, fields: Fields<'_>) -> Response<B> {
    log(event, fields, (event.level() == Level::ERROR).then_some(error));
    problem.into_response()
}
