//! Refusals as RFC 9457 problem details, with a stable code. `docs/problems.md` says what each means to a client.

use std::time::Duration;

use http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;

use crate::dpop::BadProof;

/// What went wrong. Clients act on this code and on nothing else. In the order of the statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::VariantArray)]
pub enum ProblemCode {
    /// The request is malformed; the detail says how.
    InvalidRequest,
    /// The DPoP proof is missing, wrong, or was answered before; the detail says how. A new proof may succeed.
    InvalidProof,
    /// A new password doesn't pass the rules; the detail says why.
    WeakPassword,
    /// No token was sent.
    MissingToken,
    /// The token is invalid, expired or revoked. One answer for every reason.
    InvalidToken,
    /// The user was authenticated too long ago, or in another class, for this request of a team's own API. The session goes on.
    InsufficientUserAuthentication,
    /// Unknown user, wrong password, disabled user: one answer for all.
    InvalidCredentials,
    /// The caller lacks a scope that this request of a team's own API needs.
    InsufficientScope,
    /// Another person acts as the user, and may not end the user's logins.
    Impersonation,
    /// The user is blocked. Only callers of the back office get this code.
    UserBlocked,
    /// The resource doesn't exist, or belongs to another user.
    NotFound,
    /// Another user has the name. Only callers of the back office get this code.
    UsernameTaken,
    /// Another user has the id, or it is blocked. Only callers of the back office get this code.
    UserIdTaken,
    /// The user already has as many sessions as are allowed.
    SessionLimit,
    /// A newer token was issued a moment ago; wait for it, nothing has ended.
    Superseded,
    /// The body is too large.
    PayloadTooLarge,
    /// Not `application/json`.
    UnsupportedMediaType,
    /// Too many attempts; `Retry-After` says when.
    Throttled,
    /// A fault of the service; it has been logged.
    Internal,
    /// DynamoDB can't be reached or is overloaded. The same request may succeed in a moment.
    Unavailable,
}

impl ProblemCode {
    /// Status, `code`, `title`, `retryable`.
    #[must_use]
    pub const fn parts(self) -> (StatusCode, &'static str, &'static str, bool) {
        match self {
            Self::InvalidRequest => (StatusCode::BAD_REQUEST, "invalid_request", "The request is malformed", false),
            Self::InvalidProof => (StatusCode::BAD_REQUEST, "invalid_dpop_proof", "The DPoP proof is invalid", true),
            Self::WeakPassword => (StatusCode::BAD_REQUEST, "weak_password", "The new password is too easy to guess", false),
            Self::MissingToken => (StatusCode::UNAUTHORIZED, "missing_token", "A bearer token is required", false),
            Self::InvalidToken => (StatusCode::UNAUTHORIZED, "invalid_token", "The token is invalid, expired or revoked", false),
            Self::InsufficientUserAuthentication => {
                (StatusCode::UNAUTHORIZED, "insufficient_user_authentication", "The user has to authenticate again", false)
            }
            Self::InvalidCredentials => (StatusCode::UNAUTHORIZED, "invalid_credentials", "Username or password is wrong", false),
            Self::InsufficientScope => (StatusCode::FORBIDDEN, "insufficient_scope", "The caller lacks a scope", false),
            Self::Impersonation => (StatusCode::FORBIDDEN, "impersonation", "Not while acting as another user", false),
            Self::UserBlocked => (StatusCode::FORBIDDEN, "user_blocked", "The user is blocked", false),
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found", "There is nothing here", false),
            Self::UsernameTaken => (StatusCode::CONFLICT, "username_taken", "Another user has this name", false),
            Self::UserIdTaken => (StatusCode::CONFLICT, "user_id_taken", "Another user has this id, or it is blocked", false),
            Self::SessionLimit => (StatusCode::CONFLICT, "session_limit", "The user has as many sessions as are allowed", false),
            Self::Superseded => (StatusCode::CONFLICT, "superseded", "A newer token was issued a moment ago", true),
            Self::PayloadTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", "The body is too large", false),
            Self::UnsupportedMediaType => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "The body must be application/json", false)
            }
            Self::Throttled => (StatusCode::TOO_MANY_REQUESTS, "throttled", "Too many attempts", true),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal", "An internal error; it has been logged", false),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Temporarily unavailable", true),
        }
    }

    /// `WWW-Authenticate` (RFC 6750 section 3), for the codes that need it.
    const fn challenge(self) -> Option<&'static str> {
        match self {
            Self::MissingToken => Some("Bearer"),
            Self::InvalidToken => Some("Bearer error=\"invalid_token\""),
            _ => None,
        }
    }
}

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    code: ProblemCode,
    detail: Option<&'static str>,
    retry_after: Option<u64>,
    /// `WWW-Authenticate`, where it says more than the code.
    challenge: Option<String>,
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: &'a str,
    title: &'a str,
    status: u16,
    code: &'a str,
    retryable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
}

impl From<ProblemCode> for Problem {
    fn from(code: ProblemCode) -> Self {
        let retry_after = (code == ProblemCode::Unavailable).then_some(1);
        Self { code, detail: None, retry_after, challenge: None }
    }
}

impl Problem {
    /// A new password that doesn't pass the rules. The detail says nothing of the password.
    #[must_use]
    pub fn weak_password(detail: &'static str) -> Self {
        Self { detail: Some(detail), ..ProblemCode::WeakPassword.into() }
    }

    /// A malformed request. The detail is a constant: nothing that was sent is echoed, because it may be a password.
    #[must_use]
    pub fn invalid_request(detail: &'static str) -> Self {
        Self { detail: Some(detail), ..ProblemCode::InvalidRequest.into() }
    }

    /// A fault of the service that an operator can mend by what the detail says.
    #[must_use]
    pub fn internal(detail: &'static str) -> Self {
        Self { detail: Some(detail), ..ProblemCode::Internal.into() }
    }

    /// A proof that proves nothing. The detail is a constant.
    #[must_use]
    pub fn invalid_proof(bad: BadProof) -> Self {
        Self { detail: Some(bad.detail()), ..ProblemCode::InvalidProof.into() }
    }

    /// Too many attempts; the client may try again after so many seconds.
    #[must_use]
    pub fn throttled(retry_after_seconds: u64) -> Self {
        Self { retry_after: Some(retry_after_seconds), ..ProblemCode::Throttled.into() }
    }

    /// The caller lacks one of these scopes (RFC 6750 section 3.1).
    #[must_use]
    pub fn insufficient_scope(scope: &str) -> Self {
        let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"");
        Self { challenge: Some(challenge), ..ProblemCode::InsufficientScope.into() }
    }

    /// The user has to authenticate again (RFC 9470 section 3).
    #[must_use]
    pub fn insufficient_user_authentication(within: Duration, acr: Option<&str>) -> Self {
        let acr = acr.map(|acr| format!(", acr_values=\"{acr}\"")).unwrap_or_default();
        let challenge = format!("Bearer error=\"insufficient_user_authentication\", max_age=\"{}\"{acr}", within.as_secs());
        Self { challenge: Some(challenge), ..ProblemCode::InsufficientUserAuthentication.into() }
    }

    /// Its code.
    #[must_use]
    pub fn code(&self) -> ProblemCode {
        self.code
    }

    /// The answer. `B` is the body of lambda_http, axum or any other that a string can become.
    #[must_use]
    pub fn into_response<B: From<String>>(self) -> Response<B> {
        let (status, code, title, retryable) = self.code.parts();
        let body = Body { r#type: "about:blank", title, status: status.as_u16(), code, retryable, detail: self.detail };
        let mut response = Response::new(B::from(serde_json::to_string(&body).unwrap_or_default()));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let challenge = match self.challenge {
            Some(challenge) => HeaderValue::try_from(challenge).ok(),
            None => self.code.challenge().map(HeaderValue::from_static),
        };
        headers.extend(challenge.map(|challenge| (header::WWW_AUTHENTICATE, challenge)));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use strum::VariantArray as _;

    use super::*;

    #[test]
    fn a_problem_is_the_same_for_people_and_machines() {
        let response = Problem::from(ProblemCode::InvalidToken).into_response::<String>();
        assert_eq!(response.status(), 401);
        assert_eq!(response.headers()["www-authenticate"], "Bearer error=\"invalid_token\"");
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        assert_eq!(
            response.body(),
            r#"{"type":"about:blank","title":"The token is invalid, expired or revoked","status":401,"code":"invalid_token","retryable":false}"#
        );
    }

    #[test]
    fn what_can_be_tried_again_says_when() {
        assert_eq!(Problem::from(ProblemCode::Unavailable).into_response::<String>().headers()["retry-after"], "1");
        assert_eq!(Problem::throttled(16).into_response::<String>().headers()["retry-after"], "16");
    }

    #[test]
    fn codes_are_unique() {
        let codes: std::collections::BTreeSet<_> = ProblemCode::VARIANTS.iter().map(|code| code.parts().1).collect();
        assert_eq!(codes.len(), ProblemCode::VARIANTS.len());
    }

    #[test]
    fn the_catalogue_is_documented_as_it_is() {
        let documented = include_str!("../../../docs/problems.md");
        let rows: Vec<_> = documented.lines().filter(|line| line.starts_with("| `")).collect();
        assert_eq!(rows.len(), ProblemCode::VARIANTS.len());
        for (code, row) in ProblemCode::VARIANTS.iter().zip(rows) {
            let (status, code, title, retryable) = code.parts();
            let expected = format!("| `{code}` | {} | {title} | {} | ", status.as_u16(), if retryable { "yes" } else { "no" });
            assert!(row.starts_with(&expected), "docs/problems.md lacks {expected}");
        }
    }
}
