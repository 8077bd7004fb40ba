//! A transaction: what happens on its way, and its commit item by item.

use std::time::Duration;

use aws_smithy_runtime_api::client::{
    http::{HttpConnector as _, SharedHttpConnector},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
};
use aws_smithy_types::body::SdkBody;
use serde_json::Value;
use tokio::sync::oneshot;

use super::{
    Tear,
    item::{ItemKey, Part, parts_of},
    json_of,
    ledger::Arrival,
};
use crate::tap::{
    Fault, Late,
    connector::{body_of, lost},
};

type Answered = Result<HttpResponse, ConnectorError>;

/// A committed transaction is answered after so many pauses, if fewer calls than drawn meet it.
const PAUSES: usize = 100;
const PAUSE: Duration = Duration::from_millis(1);

/// What happens to one attempt of a transaction on its way.
enum Way {
    Answered,
    NeverArrives,
    /// It arrives when its caller has given up.
    ArrivesLate,
    /// Its answer is lost in mid-commit.
    LostEarly,
    /// Its answer is lost after the commit.
    LostLate,
    /// It arrives again in mid-commit. The caller gets the second answer.
    TwiceAtOnce,
    /// It arrives again after its answer. The caller gets the second answer.
    TwiceInTurn,
}

impl Way {
    fn draw(tear: &Tear) -> Self {
        match tear.ledger().draw(16) {
            0 => Self::NeverArrives,
            1 => Self::ArrivesLate,
            2..=5 => Self::LostEarly,
            6 | 7 => Self::LostLate,
            8 => Self::TwiceAtOnce,
            9 => Self::TwiceInTurn,
            _ => Self::Answered,
        }
    }
}

pub(super) async fn transaction(tear: &Tear, inner: &SharedHttpConnector, request: HttpRequest, late: &Late) -> Answered {
    let sent = Sent { tear, inner, request, late };
    match Way::draw(tear) {
        Way::Answered => sent.arrive().await,
        Way::NeverArrives => {
            tear.ledger().torn.lost_requests += 1;
            Err(lost())
        }
        Way::ArrivesLate => {
            tear.ledger().torn.lost_requests += 1;
            let pauses = u32::try_from(tear.ledger().draw(PAUSES)).unwrap_or_default();
            drop(sent.start(PAUSE * pauses, None));
            Err(lost())
        }
        Way::LostEarly => {
            let in_mid_commit = sent.arrive_and_leave().await;
            let mut ledger = tear.ledger();
            *if in_mid_commit { &mut ledger.torn.lost_early } else { &mut ledger.torn.lost_late } += 1;
            Err(lost())
        }
        Way::LostLate => {
            sent.arrive().await?;
            tear.ledger().torn.lost_late += 1;
            Err(lost())
        }
        Way::TwiceAtOnce => {
            sent.arrive_and_leave().await;
            sent.arrive().await
        }
        Way::TwiceInTurn => {
            sent.arrive().await?;
            sent.arrive().await
        }
    }
}

/// A transaction that the SDK has sent.
struct Sent<'a> {
    tear: &'a Tear,
    inner: &'a SharedHttpConnector,
    request: HttpRequest,
    late: &'a Late,
}

impl Sent<'_> {
    /// It arrives, in a task of its own: it is executed to its end even if its caller is gone.
    fn start(&self, delay: Duration, committed: Option<oneshot::Sender<()>>) -> oneshot::Receiver<Answered> {
        let (tear, inner) = (self.tear.clone(), self.inner.clone());
        let request = self.request.try_clone().expect("a request that can be sent again");
        let (answer, answered) = oneshot::channel();
        self.late.add(tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            // There is no receiver if its caller is gone.
            let _ = answer.send(commit(&tear, &inner, request, committed).await);
        }));
        answered
    }

    async fn arrive(&self) -> Answered {
        self.start(Duration::ZERO, None).await.unwrap_or_else(|_| Err(lost()))
    }

    /// It arrives, and its caller leaves in mid-commit. False if it was answered without a commit.
    async fn arrive_and_leave(&self) -> bool {
        let (committed, commits) = oneshot::channel();
        drop(self.start(Duration::ZERO, Some(committed)));
        commits.await.is_ok()
    }
}

/// Runs a transaction to its answer, and reports its commit before that.
async fn commit(tear: &Tear, inner: &SharedHttpConnector, request: HttpRequest, committed: Option<oneshot::Sender<()>>) -> Answered {
    let body = json_of(&request);
    let token = body["ClientRequestToken"].as_str().expect("the SDK's ClientRequestToken");
    let parts = parts_of(&body);
    let arrival = tear.ledger().arrive(token, &parts);
    match arrival {
        Arrival::Begins => {}
        Arrival::Finished => return inner.call(request).await,
        Arrival::InProgress => return Fault::Error(400, "TransactionInProgressException").answer().ok_or_else(lost),
        Arrival::Conflict(codes) => return Fault::Cancelled(codes).answer().ok_or_else(lost),
    }
    tear.wait_for_writes(&parts).await;
    let before = states_of(inner, &request, &parts).await;
    tear.ledger().prepare(token, before, committed.is_some());
    let answer = inner.call(request).await;
    if answer.as_ref().is_ok_and(|answer| answer.status().is_success()) {
        tear.ledger().open(token);
        if let Some(committed) = committed {
            let _ = committed.send(());
        }
        for _ in 0..PAUSES {
            if tear.ledger().is_over(token) {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
    tear.ledger().close(token, &parts);
    answer
}

/// The items that a transaction is about to write, as they are now.
async fn states_of(inner: &SharedHttpConnector, request: &HttpRequest, parts: &[Part]) -> Vec<(ItemKey, Option<Value>)> {
    let mut states = Vec::new();
    for Part { key, .. } in parts.iter().filter(|part| part.is_written) {
        let mut get = request.try_clone().expect("a request that can be sent again");
        let body = key.get().to_string();
        get.headers_mut().insert("x-amz-target", "DynamoDB_20120810.GetItem");
        get.headers_mut().insert("content-length", body.len().to_string());
        *get.body_mut() = SdkBody::from(body);
        let answer = inner.call(get).await.expect("an answer of the embedded DynamoDB");
        let (status, body) = body_of(answer).await.expect("the item");
        assert_eq!(status, 200, "{body}");
        states.push((key.clone(), body.get("Item").cloned()));
    }
    states
}
