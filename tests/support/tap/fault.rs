//! Faults of a call, and DynamoDB's error answers as they look on the wire.

use std::time::Duration;

use aws_smithy_runtime_api::{client::orchestrator::HttpResponse, http::StatusCode};
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

/// A fault of a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// The call arrives after this delay, and its caller waits for the answer.
    Delay(Duration),
    /// The connection breaks before the call arrives.
    LostBefore,
    /// The call arrives; the connection breaks before the answer.
    LostAfter,
    /// The call doesn't arrive, and no answer ever comes.
    SilentBefore,
    /// The call arrives, and its answer comes after every deadline.
    SilentAfter,
    /// The call arrives after this delay, when its caller has given up.
    ArrivesLate(Duration),
    /// DynamoDB refuses the call with this status and `__type`.
    Error(u16, &'static str),
    /// DynamoDB executes the call and still answers with this status and `__type`.
    ErrorAfter(u16, &'static str),
    /// The transaction is cancelled, with a code for each of its items.
    Cancelled(Vec<&'static str>),
    /// The answer to a query, without login items.
    WithoutLogin,
    /// The answer to a query, without session items.
    WithoutSession,
    /// This answer replaces the real one: an earlier answer of an index, or an item that lacks an attribute.
    Answer(Value),
    /// The call is stopped for good, and [`Tap::stands`](super::Tap::stands) reports it.
    Stand(Forwarded),
}

/// How far a stopped call got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forwarded {
    /// It was not sent.
    No,
    /// It was sent, and its result wasn't awaited.
    Sent,
    /// It was executed, and its answer arrived.
    Answered,
}

/// The cancellation code for a condition that failed.
pub const CONDITION_FAILED: &str = "ConditionalCheckFailed";

/// The first of `items` cancels the transaction with this code.
#[must_use]
pub fn cancelled(code: &'static str, items: usize) -> Fault {
    Fault::Cancelled((0..items).map(|item| if item == 0 { code } else { "None" }).collect())
}

impl Fault {
    /// The answer that DynamoDB gives under this fault, if it gives one without executing the call.
    pub(super) fn answer(&self) -> Option<HttpResponse> {
        match self {
            Self::Error(status, code) | Self::ErrorAfter(status, code) => {
                Some(response(*status, &json!({"__type": error_type(code), "message": "set by the test"})))
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

    /// Which items of the real answer are kept, if the fault removes any.
    pub(super) fn keeps(&self) -> Option<fn(&str) -> bool> {
        match self {
            Self::WithoutLogin => Some(|sk| sk.contains('#') || sk.starts_with('!')),
            Self::WithoutSession => Some(|sk| !sk.contains('#') || sk.starts_with('!')),
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
    if code == "None" { json!({"Code": code}) } else { json!({"Code": code, "Message": "set by the test"}) }
}

/// An error answer in DynamoDB's format.
pub(super) fn response(status: u16, body: &Value) -> HttpResponse {
    let status = StatusCode::try_from(status).unwrap_or(StatusCode::try_from(500).expect("a status"));
    let mut response = HttpResponse::new(status, SdkBody::from(body.to_string()));
    response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
    response.headers_mut().insert("x-amzn-requestid", "00000000000000000000000000000000");
    response
}
