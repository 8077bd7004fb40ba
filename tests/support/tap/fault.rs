//! What can befall a call, and DynamoDB's error answers as they look on the wire.

use std::time::Duration;

use aws_smithy_runtime_api::{client::orchestrator::HttpResponse, http::StatusCode};
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

/// What befalls a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// It arrives so much later, and its answer is awaited.
    Delay(Duration),
    /// The connection breaks before it arrives.
    LostBefore,
    /// It arrives; the connection breaks before the answer.
    LostAfter,
    /// It doesn't arrive, and no answer ever comes.
    SilentBefore,
    /// It arrives, and its answer comes after every deadline.
    SilentAfter,
    /// It arrives on its own, so much later, when nobody waits for it any more.
    ArrivesLate(Duration),
    /// DynamoDB refuses it with this status and `__type`.
    Error(u16, &'static str),
    /// DynamoDB carries it out, and answers with this status and `__type` all the same.
    ErrorAfter(u16, &'static str),
    /// The transaction is cancelled, with a code for each of its items.
    Cancelled(Vec<&'static str>),
    /// The answer to a query, without login items.
    WithoutLogin,
    /// The answer to a query, without session items.
    WithoutSession,
    /// This answer in place of the real one: an older one of an index, an item with a hole in it.
    Answer(Value),
    /// It stands still for good, and [`Tap::stands`](super::Tap::stands) tells.
    Stand(Forwarded),
}

/// How far a call got that stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forwarded {
    /// It was not sent.
    No,
    /// It was sent, and nobody waited for what became of it.
    Sent,
    /// It was carried out, and the answer was there.
    Answered,
}

/// The code of a condition that did not hold, among cancellation reasons.
pub const CONDITION_FAILED: &str = "ConditionalCheckFailed";

/// The first of `items` cancels the transaction with this code.
#[must_use]
pub fn cancelled(code: &'static str, items: usize) -> Fault {
    Fault::Cancelled((0..items).map(|item| if item == 0 { code } else { "None" }).collect())
}

impl Fault {
    /// The answer that DynamoDB gives by it, where it gives one without looking at the request.
    pub(super) fn answer(&self) -> Option<HttpResponse> {
        match self {
            Self::Error(status, code) | Self::ErrorAfter(status, code) => {
                Some(response(*status, &json!({"__type": error_type(code), "message": "as the test has it"})))
            }
            Self::Cancelled(codes) => {
                let reasons: Vec<_> = codes.iter().map(|code| reason(code)).collect();
                let message =
                    format!("Transaction cancelled, please refer cancellation reasons for specific reasons [{}]", codes.join(", "));
                let body =
                    json!({"__type": error_type("TransactionCanceledException"), "Message": message, "CancellationReasons": reasons});
                Some(response(400, &body))
            }
            Self::Answer(body) => Some(response(200, body)),
            _ => None,
        }
    }

    /// Whether the real answer is thinned out, and what stays of it.
    pub(super) fn keeps(&self) -> Option<fn(&str) -> bool> {
        match self {
            Self::WithoutLogin => Some(|sk| sk.contains('#') || sk == "!user"),
            Self::WithoutSession => Some(|sk| !sk.contains('#')),
            _ => None,
        }
    }
}

fn error_type(code: &str) -> String {
    let namespace = match code {
        "ValidationException" | "ThrottlingException" | "AccessDeniedException" => "com.amazon.coral.service",
        _ => "com.amazonaws.dynamodb.v20120810",
    };
    format!("{namespace}#{code}")
}

fn reason(code: &str) -> Value {
    if code == "None" { json!({"Code": code}) } else { json!({"Code": code, "Message": "as the test has it"}) }
}

/// An answer as DynamoDB words it.
pub(super) fn response(status: u16, body: &Value) -> HttpResponse {
    let status = StatusCode::try_from(status).unwrap_or(StatusCode::try_from(500).expect("a status"));
    let mut response = HttpResponse::new(status, SdkBody::from(body.to_string()));
    response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
    response.headers_mut().insert("x-amzn-requestid", "00000000000000000000000000000000");
    response
}
