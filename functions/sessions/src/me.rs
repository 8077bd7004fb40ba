//! `GET /me`.

use lambda_http::{Body, Response};
use latchkey::{
    clock::rfc3339,
    http::{attributes::AttributeMembers, pair::json_response},
    model::CurrentSession,
};
use serde::Serialize;

#[derive(Serialize)]
struct Me<'a> {
    user_id: &'a str,
    login_id: &'a str,
    access_token_expires_at: String,
    refresh_token_expires_at: String,
    #[serde(flatten)]
    attributes: AttributeMembers<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<&'a str>,
}

/// The caller's user, login, session expiry and attributes.
pub(crate) fn me(session: &CurrentSession) -> Response<Body> {
    json_response(&Me {
        user_id: &session.user_id,
        login_id: session.login_id.as_str(),
        access_token_expires_at: rfc3339(session.access_token_expires_at),
        refresh_token_expires_at: rfc3339(session.refresh_token_expires_at),
        attributes: (&session.attributes).into(),
        act: session.attributes.act(),
    })
}
