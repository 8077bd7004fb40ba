//! Why a login was refused: many reasons inside, few answers outside.

use lambda_http::{Body, Response};
use latchkey::{
    http::{
        problem::{Problem, ProblemCode},
        refuse::refuse,
    },
    operations::NotLoggedIn,
    telling::log::{Event, Fields},
};

use crate::request::Malformed;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error(transparent)]
    NotLoggedIn(#[from] NotLoggedIn),
}

impl Refusal {
    fn event_and_problem(&self) -> (Event, Problem) {
        let not_logged_in = match self {
            Self::Malformed(malformed) => {
                let problem = match malformed {
                    Malformed::TooLarge => ProblemCode::PayloadTooLarge.into(),
                    Malformed::MediaType => ProblemCode::UnsupportedMediaType.into(),
                    Malformed::Body(detail) => Problem::invalid_request(detail),
                };
                return (Event::RequestMalformed, problem);
            }
            Self::NotLoggedIn(not_logged_in) => not_logged_in,
        };
        match not_logged_in {
            NotLoggedIn::Credentials => (Event::LoginFailed, ProblemCode::InvalidCredentials.into()),
            NotLoggedIn::Throttled { retry_after_seconds } => (Event::LoginThrottled, Problem::throttled(*retry_after_seconds)),
            NotLoggedIn::SessionLimit => (Event::LoginLimitReached, ProblemCode::SessionLimit.into()),
            NotLoggedIn::Store(error) => {
                let (event, code) = error.event_and_code();
                (event, code.into())
            }
            NotLoggedIn::Mint(_) | NotLoggedIn::Hashing(_) => (Event::Internal, ProblemCode::Internal.into()),
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
    use latchkey::{password::HashingError, store::StoreError, token::MintError};

    use super::*;

    #[test]
    fn the_whole_table() {
        let table: Vec<_> = [
            Malformed::TooLarge.into(),
            Malformed::MediaType.into(),
            Malformed::Body("why").into(),
            NotLoggedIn::Credentials.into(),
            NotLoggedIn::Throttled { retry_after_seconds: 4 }.into(),
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
