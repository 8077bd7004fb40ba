//! Single writes, and reads.

use aws_smithy_runtime_api::client::{
    http::{HttpConnector as _, SharedHttpConnector},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
};

use super::{
    Tear,
    item::{ItemKey, Range, show},
    json_of,
};
use crate::tap::{
    Fault,
    connector::{body_of, lost},
    fault::response,
};

type Answered = Result<HttpResponse, ConnectorError>;

/// What happens to one attempt of a call on its way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Answered,
    NeverArrives,
    AnswerLost,
}

impl Way {
    /// One attempt in `rare` doesn't arrive, the answer of another one is lost, and so is a whole call.
    fn draw(tear: &Tear, request: &HttpRequest, rare: usize) -> Self {
        let call = request.headers().get("amz-sdk-invocation-id").unwrap_or_default();
        let mut ledger = tear.ledger();
        let way = ledger.draw(rare);
        if way == 0 {
            ledger.lost_calls.insert(call.to_owned());
        }
        if way == 1 || ledger.lost_calls.contains(call) {
            ledger.torn.lost_requests += 1;
            Self::NeverArrives
        } else if way == 2 {
            ledger.torn.lost_late += 1;
            Self::AnswerLost
        } else {
            Self::Answered
        }
    }
}

/// Writes one item. A transaction in progress on it is a conflict.
pub(super) async fn write(tear: &Tear, inner: &SharedHttpConnector, request: HttpRequest) -> Answered {
    let way = Way::draw(tear, &request, 16);
    if way == Way::NeverArrives {
        return Err(lost());
    }
    let body = json_of(&request);
    let attributes = if body["Item"].is_object() { &body["Item"] } else { &body["Key"] };
    let Some(writing) = Writing::begin(tear, ItemKey::of(&body["TableName"], attributes)) else {
        return Fault::Error(400, "TransactionConflictException").answer().ok_or_else(lost);
    };
    let answer = inner.call(request).await;
    drop(writing);
    if way == Way::AnswerLost { Err(lost()) } else { answer }
}

/// A single write under way, until it is dropped.
struct Writing<'a> {
    tear: &'a Tear,
    key: ItemKey,
}

impl<'a> Writing<'a> {
    fn begin(tear: &'a Tear, key: ItemKey) -> Option<Self> {
        let begins = tear.ledger().begin_write(&key);
        // Not `then_some`: it would make a write only to drop it, which ends it.
        if begins { Some(Self { tear, key }) } else { None }
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.tear.ledger().end_write(&self.key);
        self.tear.written.notify_waiters();
    }
}

/// Reads. The answer shows the states that are visible when it leaves.
pub(super) async fn read(tear: &Tear, inner: &SharedHttpConnector, request: HttpRequest) -> Answered {
    let way = Way::draw(tear, &request, 48);
    if way == Way::NeverArrives {
        return Err(lost());
    }
    let range = Range::of(&json_of(&request));
    let answer = inner.call(request).await?;
    let before = range.map(|range| tear.ledger().read(&range)).unwrap_or_default();
    if way == Way::AnswerLost {
        return Err(lost());
    }
    if before.is_empty() {
        return Ok(answer);
    }
    let (status, mut body) = body_of(answer).await?;
    show(&mut body, &before);
    Ok(response(status, &body))
}
