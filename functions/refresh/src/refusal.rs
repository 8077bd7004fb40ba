//! Why a refresh didn't succeed: many reasons inside, few answers outside.

use lambda_http::{Body, Response};
use latchkey::{
    dpop::BadProof,
    http::{
        problem::{Problem, ProblemCode},
        refuse::refuse,
    },
    operations::NotRefreshed,
    telling::log::{Event, Fields, Known},
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
            NotRefreshed::Refused(refusal, _) => (Event::RefreshRefused((*refusal).into()), ProblemCode::InvalidToken.into()),
            NotRefreshed::Superseded { keys_differ: false, .. } => (Event::RefreshSuperseded, ProblemCode::Superseded.into()),
            NotRefreshed::Superseded { keys_differ: true, .. } => (Event::RefreshKeysDiffer, ProblemCode::Superseded.into()),
            NotRefreshed::AnotherKey { .. } => (Event::RefreshKeyMismatch, ProblemCode::InvalidToken.into()),
            NotRefreshed::ProofRepeated(_) => (Event::RefreshProofRepeated, Problem::invalid_proof(BadProof::Repeated)),
            NotRefreshed::ProofLimit { retry_after_seconds, .. } => (Event::RefreshProofLimit, Problem::throttled(*retry_after_seconds)),
            NotRefreshed::Reused(_) => (Event::RefreshReused, ProblemCode::InvalidToken.into()),
            NotRefreshed::Store(error) => {
                let (event, code) = error.event_and_code();
                (event, code.into())
            }
            NotRefreshed::Mint(_) | NotRefreshed::Unsealed(_) | NotRefreshed::Inconsistent => {
                (Event::Internal, ProblemCode::Internal.into())
            }
        }
    }

    /// Why, where the event doesn't say it all, and what the decision knew.
    fn reason_and_known(&self) -> (Option<String>, Known) {
        match self {
            Self::NotRefreshed(
                NotRefreshed::Superseded { known, .. }
                | NotRefreshed::ProofRepeated(known)
                | NotRefreshed::ProofLimit { known, .. }
                | NotRefreshed::Reused(known),
            ) => (None, *known),
            Self::NotRefreshed(NotRefreshed::AnotherKey { proved, known }) => {
                (Some(if *proved { "another_key" } else { "no_proof" }.to_owned()), *known)
            }
            Self::NotRefreshed(NotRefreshed::Refused(refusal, known)) => (Some(refusal.to_string()), *known),
            Self::BadKey(BadKey) => (Some(self.to_string()), Known::default()),
            Self::NotRefreshed(_) => (None, Known::default()),
        }
    }

    /// Logs it and answers.
    pub(crate) fn into_response(self, fields: Fields<'_>) -> Response<Body> {
        let (event, problem) = self.event_and_problem();
        let (reason, known) = self.reason_and_known();
        refuse(event, problem, &self, Fields { reason: reason.as_deref(), known, ..fields })
    }
}

#[cfg(test)]
mod tests {
    use latchkey::{CryptoError, decision::RefreshRefusal, store::StoreError, token::MintError};

    use super::*;

    /// A reason that repeats the code says nothing.
    #[test]
    fn a_line_says_what_the_decision_knew() {
        let known = Known { generation: Some(3), login_generation: Some(4), ..Known::default() };
        let said = |refusal: Refusal| refusal.reason_and_known();
        assert_eq!(said(NotRefreshed::Superseded { keys_differ: true, known }.into()), (None, known));
        assert_eq!(said(NotRefreshed::Reused(known).into()), (None, known));
        assert_eq!(said(NotRefreshed::Refused(RefreshRefusal::Expired, known).into()), (Some("expired".into()), known));
        assert_eq!(said(NotRefreshed::AnotherKey { proved: true, known }.into()), (Some("another_key".into()), known));
        assert_eq!(said(NotRefreshed::AnotherKey { proved: false, known }.into()), (Some("no_proof".into()), known));
        assert_eq!(said(BadKey.into()), (Some(BadKey.to_string()), Known::default()));
    }

    #[test]
    fn the_whole_table() {
        let unavailable = StoreError::Unavailable { operation: "Query", code: "timeout".into() };
        let rejected = StoreError::Rejected { operation: "Query", code: "ValidationException".into() };
        let known = Known { generation: Some(3), login_generation: Some(4), ..Known::default() };
        let table: Vec<_> = [
            BadKey.into(),
            NotRefreshed::Refused(RefreshRefusal::Ended, known).into(),
            NotRefreshed::Refused(RefreshRefusal::Forged, known).into(),
            NotRefreshed::Refused(RefreshRefusal::Expired, known).into(),
            NotRefreshed::Superseded { keys_differ: false, known }.into(),
            NotRefreshed::Superseded { keys_differ: true, known }.into(),
            NotRefreshed::AnotherKey { proved: true, known }.into(),
            NotRefreshed::ProofRepeated(known).into(),
            NotRefreshed::ProofLimit { retry_after_seconds: 7, known }.into(),
            NotRefreshed::Reused(known).into(),
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
                "401 invalid_token | WARN refresh_key_mismatch",
                "400 invalid_dpop_proof | WARN refresh_proof_repeated",
                "429 throttled | WARN refresh_proof_limit",
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
