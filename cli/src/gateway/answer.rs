//! A function's answer as HTTP.

use axum::{body::Body, response::Response};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Deserialize;

/// Why a function's answer is malformed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Malformed {
    #[error("malformed Lambda proxy response: expected {0}")]
    Shape(&'static str),
    #[error("malformed Lambda proxy response: invalid HTTP status")]
    Status,
    #[error("malformed Lambda proxy response: {0} can't be a header")]
    Header(String),
    #[error("malformed Lambda proxy response: the body is not Base64")]
    Base64,
}

/// A status, as a number or as text.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Status {
    Number(u64),
    Text(String),
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Scalar {
    Text(String),
    Bool(bool),
}

impl Scalar {
    pub(super) fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Bool(yes) => yes.to_string(),
        }
    }
}

/// The parts of an answer.
pub(super) struct Parts {
    /// 200 if the function named none.
    pub(super) status: Option<Status>,
    /// The headers, with the names under which they are sent.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
    pub(super) is_base64: bool,
}

impl Parts {
    pub(super) fn into_response(self) -> Result<Response, Malformed> {
        let status = match self.status {
            None => Some(200),
            Some(Status::Number(number)) => u16::try_from(number).ok(),
            Some(Status::Text(digits)) => digits.parse().ok(),
        };
        let status = status.and_then(|code| StatusCode::from_u16(code).ok()).ok_or(Malformed::Status)?;
        let body = if self.is_base64 { BASE64.decode(self.body).map_err(|_| Malformed::Base64)? } else { self.body.into_bytes() };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        for (name, value) in self.headers {
            let header = HeaderName::try_from(&name).ok().zip(HeaderValue::try_from(value).ok());
            let (name, value) = header.ok_or(Malformed::Header(name))?;
            response.headers_mut().append(name, value);
        }
        Ok(response)
    }
}
