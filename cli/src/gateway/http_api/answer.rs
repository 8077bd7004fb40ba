//! What a function answered to an HTTP API, as HTTP.
//!
//! "Lambda function response for format 2.0":
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>. Where there is
//! no `statusCode`, the whole answer is the body of a 200. Members that the format doesn't have are ignored, and no header
//! is renamed.

use std::collections::BTreeMap;

use axum::response::Response;
use http::{HeaderValue, header};
use serde::Deserialize;
use serde_json::Value;

use crate::gateway::answer::{Malformed, Parts, Scalar, Status};

/// Headers that frame an answer: the HTTP library writes them.
const FRAMING: [&str; 3] = ["connection", "content-length", "transfer-encoding"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    status_code: Status,
    headers: Option<BTreeMap<String, Scalar>>,
    cookies: Option<Vec<String>>,
    body: Option<String>,
    is_base64_encoded: Option<bool>,
}

/// The HTTP answer that `answer` stands for.
pub(super) fn http_answer(answer: &Value) -> Result<Response, Malformed> {
    if answer.get("statusCode").is_none() {
        return inferred(answer).into_response();
    }
    // serde's own message may quote the answer, tokens included.
    let answer = Answer::deserialize(answer).map_err(|_| Malformed::Shape("statusCode, headers, cookies, body, isBase64Encoded"))?;
    let headers = answer.headers.unwrap_or_default().into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value.into_text()));
    let cookies = answer.cookies.unwrap_or_default().into_iter().map(|cookie| (header::SET_COOKIE.to_string(), cookie));
    let parts = Parts {
        status: Some(answer.status_code),
        headers: headers.filter(|(name, _)| !FRAMING.contains(&name.as_str())).chain(cookies).collect(),
        body: answer.body.unwrap_or_default(),
        is_base64: answer.is_base64_encoded.unwrap_or_default(),
    };
    let mut response = parts.into_response()?;
    response.headers_mut().entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static("text/plain;charset=UTF-8"));
    Ok(response)
}

fn inferred(answer: &Value) -> Parts {
    Parts {
        status: None,
        headers: vec![(header::CONTENT_TYPE.to_string(), "application/json".to_owned())],
        body: answer.as_str().map_or_else(|| answer.to_string(), str::to_owned),
        is_base64: false,
    }
}
