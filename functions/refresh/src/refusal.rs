//! Why a refresh didn't succeed: many reasons inside, few answers outside.

use lambda_http::{Body, Response};
use latchkey::{
    CryptoError,
    decision::RefreshRefusal,
    http::{
        problem::{Problem, ProblemCode},
        refuse::refuse,
    },
    store::StoreError,
    telling::log::{Event, Fields},
    token::MintError,
};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("Idempotency-Key takes 1 to 128 visible ASCII characters, once")]
    BadKey,
    #[error("{0}")]
    Refused(RefreshRefusal),
    #[error("superseded")]
    Superseded { keys_differ: bool },
    #[error("reused")]
    Reused,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Mint(#[from] MintError),
    #[error("the successor's seed doesn't open: {0}")]
    Unsealed(#[from] CryptoError),
    #[error("a decision that nothing led to")]
    Inconsistent,
}

impl Refusal {
    fn event_and_problem(&self) -> (Event, Problem) {
        match self {
            Self::BadKey => {
                (Event::RequestMalformed, Problem::invalid_request("Idempotency-Key takes 1 to 128 visible ASCII characters, once"))
            }
            Self::Refused(refusal) => (Event::RefreshRefused((*refusal).into()), ProblemCode::InvalidToken.into()),
            Self::Superseded { keys_differ: false } => (Event::RefreshSuperseded, ProblemCode::Superseded.into()),
            Self::Superseded { keys_differ: true } => (Event::RefreshKeysDiffer, ProblemCode::Superseded.into()),
            Self::Reused => (Event::RefreshReused, ProblemCode::InvalidToken.into()),
            Self::Store(error) => {
                let (event, code) = error.event_and_code();
                (event, code.into())
            }
            Self::Mint(_) | Self::Unsealed(_) | Self::Inconsistent => (Event::Internal, ProblemCode::Internal.into()),
        }
    }

    /// Logs it and answers.
    pub(crate) fn into_response(self, fields: Fields<'_>) -> Response<Body> {
        let (event, problem) = self.event_and_problem();
        refuse(event, problem, &self, fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_table() {
        let unavailable = StoreError::Unavailable { operation: "Query", code: "timeout".into() };
        let rejected = StoreError::Rejected { operation: "Query", code: "ValidationException".into() };
        let table: Vec<_> = [
            Refusal::BadKey,
            Refusal::Refused(RefreshRefusal::Ended),
            Refusal::Refused(RefreshRefusal::Forged),
            Refusal::Refused(RefreshRefusal::Expired),
            Refusal::Superseded { keys_differ: false },
            Refusal::Superseded { keys_differ: true },
            Refusal::Reused,
            unavailable.into(),
            rejected.into(),
            CryptoError.into(),
            MintError::GenerationsUsedUp.into(),
            Refusal::Inconsistent,
        ]
        .iter()
        .map(|refusal| {
            let (event, problem) = refusal.event_and_problem();
            let (status, code, ..) = problem.code().parts();
            format!("{} {code} | {} {}", status.as_u16(), event.level(), event.code())
        })
        .collect();
        assert_eq!(
            table,
            [
                "400 invalid_request | INFO request_malformed",
                "401 invalid_token | INFO refresh_refused",
                "401 invalid_token | INFO refresh_refused",
                "401 invalid_token | INFO refresh_refused",
                "409 superseded | INFO refresh_superseded",
                "409 superseded | WARN refresh_keys_differ",
                "401 invalid_token | WARN refresh_reused",
                "503 unavailable | ERROR store_unavailable",
                "500 internal | ERROR internal",
                "500 internal | ERROR internal",
                "500 internal | ERROR internal",
                "500 internal | ERROR internal",
            ]
        );
    }
}
