//! The Lambda authorizer: API Gateway or AppSync asks it whether a request may pass.
//!
//! It answers every shape that they send: REST `TOKEN` and `REQUEST`, HTTP API payload 1.0 and 2.0, WebSocket
//! `$connect`, AppSync GraphQL and Events. A refusal is an answer; only a storage failure is a function error, and its message is never
//! `Unauthorized`, which API Gateway would turn into a 401.

mod answer;
mod event;
mod headers;
mod misrouted;

pub use answer::Answer;
pub use event::AuthorizerEvent;

use std::time::Duration;

use latchkey::{
    clock::Clock,
    limits::Limits,
    model::CurrentSession,
    operations::{Denied, OnFirstUse, authorize},
    store::{Store, StoreError},
    telling::log::{Event, Fields, log},
    token::ImportedTokens,
};

/// Why a request got no verdict. The gateway answers 503, as the template has it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthorizerError {
    /// The store gave no answer.
    #[error("the session store gave no answer")]
    Store(#[source] StoreError),
    /// Not in time.
    #[error("the session store gave no answer within {0:?}")]
    Deadline(Duration),
    /// No event of an authorizer.
    #[error("the event names no method or route to authorize: attach this function to an API as its authorizer")]
    NotAnAuthorizerEvent,
}

impl From<AuthorizerError> for lambda_runtime::Diagnostic {
    fn from(error: AuthorizerError) -> Self {
        let error_type = match error {
            AuthorizerError::Store(_) => "StoreUnavailable",
            AuthorizerError::Deadline(_) => "DeadlinePassed",
            AuthorizerError::NotAnAuthorizerEvent => "NotAnAuthorizerEvent",
        };
        Self { error_type: error_type.into(), error_message: error.to_string() }
    }
}

/// The authorizer.
#[derive(Debug, Clone)]
pub struct Authorizer {
    store: Store,
    imported: ImportedTokens,
    first_use: OnFirstUse,
    clock: Clock,
    budget: Duration,
}

impl Authorizer {
    /// Authorizes against `store`, with or without imported tokens, each event within `limits.request`.
    #[must_use]
    pub fn new(store: Store, imported: ImportedTokens, first_use: OnFirstUse, clock: Clock, limits: Limits) -> Self {
        Self { store, imported, first_use, clock, budget: limits.request }
    }

    /// Answers one event: parse, read, decide, answer. `invocation_id` stands in the log where the event has no request id.
    ///
    /// # Errors
    /// [`AuthorizerError`] where there is no verdict; it has been logged.
    pub async fn answer(&self, event: AuthorizerEvent, invocation_id: String) -> Result<Answer, AuthorizerError> {
        let request_id = event.request_id().unwrap_or(&invocation_id);
        let fields = Fields { request_id: Some(request_id), ..Fields::default() };
        if event.is_a_request() {
            log(Event::Internal, fields, Some(&AuthorizerError::NotAnAuthorizerEvent));
            return Answer::new(&event, None).ok_or(AuthorizerError::NotAnAuthorizerEvent);
        }
        let verdict = match tokio::time::timeout(self.budget, self.verdict(&event, fields)).await {
            Ok(verdict) => verdict,
            Err(_elapsed) => Err(AuthorizerError::Deadline(self.budget)),
        };
        let answer = verdict.and_then(|session| Answer::new(&event, session).ok_or(AuthorizerError::NotAnAuthorizerEvent));
        if let Err(error) = &answer {
            let event = match error {
                AuthorizerError::Store(error) => error.event_and_code().0,
                AuthorizerError::NotAnAuthorizerEvent => Event::Internal,
                AuthorizerError::Deadline(_) => Event::DeadlinePassed,
            };
            log(event, fields, Some(error));
        }
        answer
    }

    /// The session that may pass, or none.
    async fn verdict(&self, event: &AuthorizerEvent, fields: Fields<'_>) -> Result<Option<CurrentSession>, AuthorizerError> {
        match authorize(&self.store, event.presented(), self.imported, &self.first_use, &self.clock, fields).await {
            Ok(session) => Ok(Some(session)),
            Err(Denied::Missing | Denied::Invalid) => Ok(None),
            Err(Denied::Store(error)) => Err(AuthorizerError::Store(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use lambda_runtime::Diagnostic;

    use super::*;

    /// What API Gateway and its log get of an error. API Gateway turns the message `Unauthorized` into a 401.
    #[test]
    fn an_error_is_told_by_its_type() {
        let unavailable = StoreError::Unavailable { operation: "Query", code: "timeout".into() };
        for (error, error_type, message) in [
            (AuthorizerError::Store(unavailable), "StoreUnavailable", "the session store gave no answer"),
            (AuthorizerError::Deadline(Duration::from_secs(2)), "DeadlinePassed", "the session store gave no answer within 2s"),
            (
                AuthorizerError::NotAnAuthorizerEvent,
                "NotAnAuthorizerEvent",
                "the event names no method or route to authorize: attach this function to an API as its authorizer",
            ),
        ] {
            let diagnostic = Diagnostic::from(error);
            assert_eq!((diagnostic.error_type.as_str(), diagnostic.error_message.as_str()), (error_type, message));
        }
    }
}
