//! What a function answered, as HTTP.
//!
//! The output format of a Lambda proxy integration:
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html#api-gateway-simple-proxy-for-lambda-output-format>.
//! No member is mandatory, no other member is allowed; anything else is "malformed Lambda proxy response". A Base64 body
//! is decoded, as it is with `BinaryMediaTypes`.

use std::collections::BTreeMap;

use axum::{body::Body, response::Response};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde_json::Value;

/// Headers that a client gets under `x-amzn-Remapped-…`
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html>).
const REMAPPED: [&str; 14] = [
    "authorization",
    "connection",
    "content-length",
    "content-md5",
    "date",
    "expect",
    "host",
    "max-forwards",
    "proxy-authenticate",
    "server",
    "trailer",
    "upgrade",
    "user-agent",
    "www-authenticate",
];

/// Headers that a client doesn't get.
const DROPPED: [&str; 2] = ["te", "transfer-encoding"];

/// Why a function's answer is none.
#[derive(Debug, thiserror::Error)]
pub(super) enum Malformed {
    #[error("malformed Lambda proxy response: expected an object of statusCode, headers, multiValueHeaders, body, isBase64Encoded")]
    Shape,
    #[error("malformed Lambda proxy response: {0} is no HTTP status")]
    Status(u64),
    #[error("malformed Lambda proxy response: {0} can't be a header")]
    Header(String),
    #[error("malformed Lambda proxy response: the body is not Base64")]
    Base64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Answer {
    status_code: Option<Status>,
    headers: Option<BTreeMap<String, Scalar>>,
    multi_value_headers: Option<BTreeMap<String, Vec<Scalar>>>,
    body: Option<String>,
    is_base64_encoded: Option<bool>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Status {
    Number(u64),
    Text(String),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Text(String),
    Bool(bool),
}

impl Scalar {
    fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Bool(yes) => yes.to_string(),
        }
    }
}

/// The HTTP answer that `answer` stands for.
pub(super) fn http_answer(answer: &Value) -> Result<Response, Malformed> {
    // serde's own message may quote the answer, tokens included.
    let answer = Answer::deserialize(answer).map_err(|_| Malformed::Shape)?;
    let status = match answer.status_code {
        None => 200,
        Some(Status::Number(status)) => status,
        Some(Status::Text(text)) => text.parse().map_err(|_| Malformed::Shape)?,
    };
    let status = u16::try_from(status).ok().and_then(|code| StatusCode::from_u16(code).ok()).ok_or(Malformed::Status(status))?;
    let body = answer.body.unwrap_or_default();
    let body = match answer.is_base64_encoded {
        Some(true) => BASE64.decode(body).map_err(|_| Malformed::Base64)?,
        _ => body.into_bytes(),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in merged(answer.headers.unwrap_or_default(), answer.multi_value_headers.unwrap_or_default()) {
        if DROPPED.contains(&name.as_str()) {
            continue;
        }
        let sent_as = if REMAPPED.contains(&name.as_str()) { format!("x-amzn-remapped-{name}") } else { name };
        let header = HeaderName::try_from(&sent_as).ok().zip(HeaderValue::try_from(value).ok());
        let (name, value) = header.ok_or(Malformed::Header(sent_as))?;
        headers.append(name, value);
    }
    headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
    Ok(response)
}

/// Both maps as one list; a pair that stands in both counts once.
fn merged(single: BTreeMap<String, Scalar>, multi: BTreeMap<String, Vec<Scalar>>) -> Vec<(String, String)> {
    let lower = |name: String| name.to_ascii_lowercase();
    let mut pairs: Vec<(String, String)> = multi
        .into_iter()
        .flat_map(|(name, values)| values.into_iter().map(move |value| (lower(name.clone()), value.into_text())))
        .collect();
    for (name, value) in single {
        let pair = (lower(name), value.into_text());
        if !pairs.contains(&pair) {
            pairs.push(pair);
        }
    }
    pairs
}
