//! The answer with a pair.

use http::{HeaderValue, Response, header};
use serde::Serialize;

use crate::{clock::rfc3339, dpop::Thumbprint, model::Session, token::TokenPair};

#[derive(Serialize)]
struct Body<'a> {
    token_type: &'static str,
    access_token: &'a str,
    access_token_expires_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token_expires_at: Option<String>,
    user_id: &'a str,
    login_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    dpop_jkt: Option<String>,
}

/// 200 with the pair of `session`, and the key that its refresh token is bound to. The access token is a bearer token all the same, and
/// so is the `token_type` (RFC 9449 section 5). Tokens leave the service here and nowhere else.
#[must_use]
pub fn pair_response<B: From<String>>(pair: &TokenPair, session: &Session, bound_to: Option<&Thumbprint>) -> Response<B> {
    json_response(&Body {
        refresh_token: Some(pair.refresh.expose()),
        refresh_token_expires_at: Some(rfc3339(session.refresh_token_expires_at)),
        dpop_jkt: bound_to.map(Thumbprint::to_text),
        ..access_alone(pair, session)
    })
}

/// 200 with the access token of `session` alone. The refresh token is dropped unseen, so nothing extends the login.
#[must_use]
pub fn access_response<B: From<String>>(pair: &TokenPair, session: &Session) -> Response<B> {
    json_response(&access_alone(pair, session))
}

fn access_alone<'a>(pair: &'a TokenPair, session: &'a Session) -> Body<'a> {
    Body {
        token_type: "Bearer",
        access_token: pair.access.expose(),
        access_token_expires_at: rfc3339(session.access_token_expires_at),
        refresh_token: None,
        refresh_token_expires_at: None,
        user_id: &session.user_id,
        login_id: session.key.login_id.as_str(),
        dpop_jkt: None,
    }
}

/// 200 with a JSON body that no cache keeps.
#[must_use]
pub fn json_response<B: From<String>>(body: &impl Serialize) -> Response<B> {
    let mut response = Response::new(B::from(serde_json::to_string(body).unwrap_or_default()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
