//! Why a login didn't come to be: many reasons inside, few answers outside.

use lambda_http::{Body, Response};
use latchkey::{
    http::{
        problem::{Problem, ProblemCode},
        refuse::refuse,
    },
    password::HashError,
    store::StoreError,
    telling::log::{Event, Fields},
    throttle::WaitsFor,
    token::MintError,
};

use crate::request::Malformed;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// Unknown user, wrong password, disabled user.
    #[error("credentials")]
    Credentials,
    #[error("throttled")]
    Throttled { retry_after_seconds: u64, waits_for: WaitsFor },
    #[error("session limit")]
    SessionLimit,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Mint(#[from] MintError),
    #[error("the password could not be hashed: {0}")]
    Hash(#[from] HashError),
    #[error("the hashing task ended without a result")]
    HashingStopped,
}

impl Refusal {
    fn event_and_problem(&self) -> (Event, Problem) {
        match self {
            Self::Malformed(Malformed::TooLarge) => (Event::RequestMalformed, ProblemCode::PayloadTooLarge.into()),
            Self::Malformed(Malformed::MediaType) => (Event::RequestMalformed, ProblemCode::UnsupportedMediaType.into()),
            Self::Malformed(Malformed::Body(detail)) => (Event::RequestMalformed, Problem::invalid_request(detail)),
            Self::Credentials => (Event::LoginFailed, ProblemCode::InvalidCredentials.into()),
            Self::Throttled { retry_after_seconds, .. } => (Event::LoginThrottled, Problem::throttled(*retry_after_seconds)),
            Self::SessionLimit => (Event::LoginLimitReached, ProblemCode::SessionLimit.into()),
            Self::Store(error) => {
                let (event, code) = error.event_and_code();
                (event, code.into())
            }
            Self::Mint(_) | Self::Hash(_) | Self::HashingStopped => (Event::Internal, ProblemCode::Internal.into()),
        }
    }

    /// Why, where the event doesn't say it all.
    fn reason(&self) -> Option<String> {
        match self {
            Self::Malformed(malformed) => Some(malformed.to_string()),
            Self::Throttled { waits_for, .. } => Some(<&str>::from(*waits_for).to_owned()),
            _ => None,
        }
    }

    /// Logs it and answers.
    pub(crate) fn into_response(self, fields: Fields<'_>) -> Response<Body> {
        let (event, problem) = self.event_and_problem();
        let reason = self.reason();
        refuse(event, problem, &self, Fields { reason: reason.as_deref(), ..fields })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reason that repeats the code says nothing.
    #[test]
    fn a_reason_adds_to_the_code() {
        let throttled = Refusal::Throttled { retry_after_seconds: 4, waits_for: WaitsFor::AccountAndNetwork };
        assert_eq!(throttled.reason().as_deref(), Some("account_and_network"));
        assert_eq!(Refusal::from(Malformed::TooLarge).reason().as_deref(), Some("the body is over 4096 bytes"));
        assert_eq!(Refusal::Credentials.reason(), None);
        assert_eq!(Refusal::SessionLimit.reason(), None);
    }

    #[test]
    fn the_whole_table() {
        let table: Vec<_> = [
            Malformed::TooLarge.into(),
            Malformed::MediaType.into(),
            Malformed::Body("why").into(),
            Refusal::Credentials,
            Refusal::Throttled { retry_after_seconds: 4, waits_for: WaitsFor::Network },
            Refusal::SessionLimit,
            StoreError::Unavailable { operation: "Query", code: "timeout".into() }.into(),
            StoreError::Rejected { operation: "Query", code: "ValidationException".into() }.into(),
            MintError::GenerationsUsedUp.into(),
            Refusal::HashingStopped,
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
                "413 payload_too_large | INFO request_malformed",
                "415 unsupported_media_type | INFO request_malformed",
                "400 invalid_request | INFO request_malformed",
                "401 invalid_credentials | INFO login_failed",
                "429 throttled | WARN login_throttled",
                "409 session_limit | INFO login_limit_reached",
                "503 unavailable | ERROR store_unavailable",
                "500 internal | ERROR internal",
                "500 internal | ERROR internal",
                "500 internal | ERROR internal",
            ]
        );
    }
}
