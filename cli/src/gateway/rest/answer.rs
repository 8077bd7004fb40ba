//! A function's answer to a REST API, as HTTP.
//!
//! The output format of a Lambda proxy integration:
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html#api-gateway-simple-proxy-for-lambda-output-format>.
//! No member is required and no other member is allowed. Anything else is a "malformed Lambda proxy response". A Base64 body is decoded,
//! as with `BinaryMediaTypes`.

use std::collections::BTreeMap;

use axum::response::Response;
use http::{HeaderValue, header};
use serde::Deserialize;
use serde_json::Value;

use crate::gateway::answer::{Malformed, Parts, Scalar, Status};

/// Headers that are sent as `x-amzn-Remapped-…`
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

/// Headers that aren't sent.
const DROPPED: [&str; 2] = ["te", "transfer-encoding"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Answer {
    status_code: Option<Status>,
    headers: Option<BTreeMap<String, Scalar>>,
    multi_value_headers: Option<BTreeMap<String, Vec<Scalar>>>,
    body: Option<String>,
    is_base64_encoded: Option<bool>,
}

const SHAPE: &str = "an object of statusCode, headers, multiValueHeaders, body, isBase64Encoded";

/// The HTTP answer for `answer`.
pub(super) fn http_answer(answer: &Value) -> Result<Response, Malformed> {
    // serde's own message may quote the answer, including its tokens.
    let answer = Answer::deserialize(answer).map_err(|_| Malformed::Shape(SHAPE))?;
    let headers = merged(answer.headers.unwrap_or_default(), answer.multi_value_headers.unwrap_or_default());
    let parts = Parts {
        status: answer.status_code,
        headers: headers.into_iter().filter_map(|(name, value)| Some((sent_as(name)?, value))).collect(),
        body: answer.body.unwrap_or_default(),
        is_base64: answer.is_base64_encoded.unwrap_or_default(),
    };
    let mut response = parts.into_response()?;
    response.headers_mut().entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
    Ok(response)
}

/// The name under which the header is sent. `None` if it isn't sent.
fn sent_as(name: String) -> Option<String> {
    match name.as_str() {
        dropped if DROPPED.contains(&dropped) => None,
        remapped if REMAPPED.contains(&remapped) => Some(format!("x-amzn-remapped-{remapped}")),
        _ => Some(name),
    }
}

/// Both maps as one list. A pair that is in both appears once.
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
