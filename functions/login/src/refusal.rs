//! Why a login was refused: many reasons inside, few answers outside.

use lambda_http::{Body, Response};
use latchkey::{
    dpop::BadProof,
    http::{
        problem::{Problem, ProblemCode},
        refuse::refuse,
    },
    operations::{NotLoggedIn, PasswordNotChanged},
    telling::log::{Event, Fields},
};

use crate::request::Malformed;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error(transparent)]
    NotLoggedIn(#[from] NotLoggedIn),
    #[error(transparent)]
    Proof(#[from] BadProof),
    /// Of a change of a password.
    #[error("the session's login has ended")]
    SessionEnded,
}

impl From<PasswordNotChanged> for Refusal {
    fn from(not_changed: PasswordNotChanged) -> Self {
        match not_changed {
            PasswordNotChanged::SessionEnded => Self::SessionEnded,
            PasswordNotChanged::Unbound => Self::Proof(BadProof::Missing),
            PasswordNotChanged::NotLoggedIn(not_logged_in) => Self::NotLoggedIn(not_logged_in),
        }
    }
}

impl Refusal {
    fn event_and_problem(&self) -> (Event, Problem) {
        let not_logged_in = match self {
            Self::Malformed(malformed) => {
                let problem = match malformed {
                    Malformed::TooLarge => ProblemCode::PayloadTooLarge.into(),
                    Malformed::MediaType => ProblemCode::UnsupportedMediaType.into(),
                    Malformed::Body(detail) => Problem::invalid_request(detail),
                    Malformed::WeakPassword(detail) => Problem::weak_password(detail),
                };
                return (Event::RequestMalformed, problem);
            }
            Self::Proof(bad) => return (Event::RequestMalformed, Problem::invalid_proof(*bad)),
            Self::SessionEnded => return (Event::LoginFailed, ProblemCode::InvalidToken.into()),
            Self::NotLoggedIn(not_logged_in) => not_logged_in,
        };
        match not_logged_in {
            NotLoggedIn::Credentials => (Event::LoginFailed, ProblemCode::InvalidCredentials.into()),
            NotLoggedIn::Throttled { retry_after_seconds, .. } => (Event::LoginThrottled, Problem::throttled(*retry_after_seconds)),
            NotLoggedIn::SessionLimit => (Event::LoginLimitReached, ProblemCode::SessionLimit.into()),
            NotLoggedIn::Store(error) => {
                let (event, code) = error.event_and_code();
                (event, code.into())
            }
            NotLoggedIn::Mint(_) | NotLoggedIn::Attributes(_) | NotLoggedIn::Hashing(_) => (Event::Internal, ProblemCode::Internal.into()),
        }
    }

    /// Why, where the event doesn't say it all.
    fn reason(&self) -> Option<String> {
        match self {
            Self::Malformed(malformed) => Some(malformed.to_string()),
            Self::Proof(bad) => Some(bad.detail().to_owned()),
            Self::NotLoggedIn(NotLoggedIn::Throttled { waits_for, .. }) => Some(<&str>::from(*waits_for).to_owned()),
            Self::SessionEnded => Some("session_ended".to_owned()),
            Self::NotLoggedIn(_) => None,
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
    use latchkey::{password::HashingError, store::StoreError, throttle::WaitsFor, token::MintError};

    use super::*;

    /// A reason that repeats the code says nothing.
    #[test]
    fn a_reason_adds_to_the_code() {
        let reason = |refusal: Refusal| refusal.reason();
        let throttled = NotLoggedIn::Throttled { retry_after_seconds: 4, waits_for: WaitsFor::AccountAndNetwork };
        assert_eq!(reason(throttled.into()).as_deref(), Some("account_and_network"));
        assert_eq!(reason(Malformed::TooLarge.into()).as_deref(), Some("the body is over 4096 bytes"));
        assert_eq!(reason(NotLoggedIn::Credentials.into()), None);
        assert_eq!(reason(NotLoggedIn::SessionLimit.into()), None);
    }

    #[test]
    fn the_whole_table() {
        let table: Vec<_> = [
            Malformed::TooLarge.into(),
            Malformed::MediaType.into(),
            Malformed::Body("why").into(),
            Malformed::WeakPassword("why").into(),
            BadProof::Missing.into(),
            Refusal::SessionEnded,
            NotLoggedIn::Credentials.into(),
            NotLoggedIn::Throttled { retry_after_seconds: 4, waits_for: WaitsFor::Network }.into(),
            NotLoggedIn::SessionLimit.into(),
            NotLoggedIn::from(StoreError::Unavailable { operation: "Query", code: "timeout".into() }).into(),
            NotLoggedIn::from(StoreError::Rejected { operation: "Query", code: "ValidationException".into() }).into(),
            NotLoggedIn::from(MintError::GenerationsUsedUp).into(),
            NotLoggedIn::from(HashingError::Stopped).into(),
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
                "400 weak_password | INFO request_malformed",
                "400 invalid_dpop_proof | INFO request_malformed",
                "401 invalid_token | INFO login_failed",
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
