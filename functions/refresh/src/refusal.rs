//! Why a refresh didn't succeed: many reasons inside, few answers outside.

use lambda_http::{Body, Response};
use latchkey::{
    http::{
        problem::{Problem, ProblemCode},
        refuse::refuse,
    },
    operations::NotRefreshed,
    telling::log::{Event, Fields},
};

use crate::replay_key::BadKey;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error(transparent)]
    BadKey(#[from] BadKey),
    #[error(transparent)]
    NotRefreshed(#[from] NotRefreshed),
}

impl Refusal {
    fn event_and_problem(&self) -> (Event, Problem) {
        let not_refreshed = match self {
            Self::BadKey(BadKey) => return (Event::RequestMalformed, Problem::invalid_request(BadKey::DETAIL)),
            Self::NotRefreshed(not_refreshed) => not_refreshed,
        };
        match not_refreshed {
            NotRefreshed::Refused(refusal) => (Event::RefreshRefused((*refusal).into()), ProblemCode::InvalidToken.into()),
            NotRefreshed::Superseded { keys_differ: false } => (Event::RefreshSuperseded, ProblemCode::Superseded.into()),
            NotRefreshed::Superseded { keys_differ: true } => (Event::RefreshKeysDiffer, ProblemCode::Superseded.into()),
            NotRefreshed::Reused => (Event::RefreshReused, ProblemCode::InvalidToken.into()),
            NotRefreshed::Store(error) => {
                let (event, code) = error.event_and_code();
                (event, code.into())
            }
            NotRefreshed::Mint(_) | NotRefreshed::Unsealed(_) | NotRefreshed::Inconsistent => {
                (Event::Internal, ProblemCode::Internal.into())
            }
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
    use latchkey::{CryptoError, decision::RefreshRefusal, store::StoreError, token::MintError};

    use super::*;

    #[test]
    fn the_whole_table() {
        let unavailable = StoreError::Unavailable { operation: "Query", code: "timeout".into() };
        let rejected = StoreError::Rejected { operation: "Query", code: "ValidationException".into() };
        let table: Vec<_> = [
            BadKey.into(),
            NotRefreshed::Refused(RefreshRefusal::Ended).into(),
            NotRefreshed::Refused(RefreshRefusal::Forged).into(),
            NotRefreshed::Refused(RefreshRefusal::Expired).into(),
            NotRefreshed::Superseded { keys_differ: false }.into(),
            NotRefreshed::Superseded { keys_differ: true }.into(),
            NotRefreshed::Reused.into(),
            NotRefreshed::from(unavailable).into(),
            NotRefreshed::from(rejected).into(),
            NotRefreshed::from(CryptoError).into(),
            NotRefreshed::from(MintError::GenerationsUsedUp).into(),
            NotRefreshed::Inconsistent.into(),
        ]
        .iter()
        .map(|refusal: &Refusal| {
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
