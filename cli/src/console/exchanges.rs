//! A request and its answer as the console shows them: ids and codes, never a token, a password, a body or a URL.

use axum::response::Response;
use http::Request;
use http_body_util::BodyExt as _;
use latchkey::{
    http::bearer::{self},
    operations::Presented,
    token::{AccessToken, Kind, RefreshToken, Token},
};
use serde::Serialize;
use serde_json::Value;

/// The parts of a token that aren't secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Named {
    pub(super) kind: &'static str,
    pub(super) user_key: String,
    pub(super) login_id: String,
    pub(super) generation: u32,
}

impl Named {
    fn by<K: Kind>(token: &Token<K>) -> Self {
        Self {
            kind: K::NAME,
            user_key: token.key().user_key.as_str().to_owned(),
            login_id: token.key().login_id.as_str().to_owned(),
            generation: token.generation().number(),
        }
    }

    fn of(text: &str) -> Option<Self> {
        AccessToken::parse(text).map(|token| Self::by(&token)).or_else(|_| RefreshToken::parse(text).map(|token| Self::by(&token))).ok()
    }

    /// The token that the request presents, if Latchkey issued it.
    pub(super) fn presented<B>(request: &Request<B>) -> Option<Self> {
        match bearer::presented(request.headers()) {
            Presented::Token(text) => Self::of(text),
            Presented::Nothing | Presented::Unusable => None,
        }
    }
}

/// The parts of an answer's body that the console shows.
#[derive(Debug, Default, Serialize)]
pub(super) struct Told {
    pub(super) code: Option<String>,
    /// The pair that it contains.
    pub(super) issued: Option<Named>,
}

/// Reads the body, and returns the answer with its body.
pub(super) async fn read(response: Response) -> (Response, Told) {
    let (parts, body) = response.into_parts();
    // The bodies of the gateway's answers are already in memory.
    let bytes = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let json: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let text = |name: &str| json.get(name).and_then(Value::as_str);
    let told = Told { code: text("code").map(str::to_owned), issued: text("access_token").and_then(Named::of) };
    (Response::from_parts(parts, bytes.into()), told)
}
