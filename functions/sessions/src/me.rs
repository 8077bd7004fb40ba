//! `GET /me`.

use std::collections::BTreeMap;

use lambda_http::{Body, Response};
use latchkey::{clock::rfc3339, http::pair::json_response, model::CurrentSession};
use serde::Serialize;

#[derive(Serialize)]
struct Me<'a> {
    user_id: &'a str,
    login_id: &'a str,
    access_token_expires_at: String,
    refresh_token_expires_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    amr: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<&'a str, &'a str>,
}

/// The caller's user, login, session expiry and attributes.
pub(crate) fn me(session: &CurrentSession) -> Response<Body> {
    json_response(&Me {
        user_id: &session.user_id,
        login_id: session.login_id.as_str(),
        access_token_expires_at: rfc3339(session.access_token_expires_at),
        refresh_token_expires_at: rfc3339(session.refresh_token_expires_at),
        scope: session.attributes.scope(),
        auth_time: session.attributes.auth_time(),
        amr: session.attributes.amr().collect(),
        acr: session.attributes.acr(),
        act: session.attributes.act(),
        attributes: session.attributes.own().collect(),
    })
}
