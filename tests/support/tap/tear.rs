//! A DynamoDB that shows a transaction item by item. AWS may do so between the commit of a transaction and its answer; the
//! embedded DynamoDB never does. This layer sits in front of it and keeps five rules:
//!
//! 1. Between the commit and the answer, reads show some items of the transaction as they were before. Each item turns new
//!    once. After the answer every read shows all of them new.
//! 2. In that time, a write on an item of the transaction is refused with a conflict.
//! 3. Requests and answers are lost: early, while the transaction is in mid-commit, and late, after it.
//! 4. Transactions are sent twice, with one `ClientRequestToken`.
//! 5. A transaction that is sent again in mid-commit is answered with `TransactionInProgressException`.
//!
//! It never hides an item after the answer of the transaction that wrote it: strongly consistent reads don't, and the
//! decisions rest on that.

mod item;
mod ledger;
mod single;
mod transaction;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_smithy_runtime_api::client::{
    http::{HttpConnector as _, SharedHttpConnector},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
};
use latchkey::entropy::Random;
use serde_json::Value;
use tokio::sync::Notify;

use item::Part;
use ledger::Ledger;

use super::Late;

/// The layer, shared by all taps whose services use the same items.
#[derive(Debug, Clone)]
pub struct Tear {
    ledger: Arc<Mutex<Ledger>>,
    /// Reports each single write that has ended.
    written: Arc<Notify>,
}

/// How often each rule applied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Torn {
    /// Transactions that were shown item by item.
    pub windows: usize,
    /// Reads that showed an item as it was before.
    pub reads: usize,
    /// Those of them that showed another item of the transaction as it is now.
    pub mixed_reads: usize,
    /// Single writes refused because of a transaction in progress.
    pub refused_writes: usize,
    /// Transactions cancelled because of another one in progress.
    pub refused_transactions: usize,
    /// Requests that didn't arrive, or arrived after their caller had given up.
    pub lost_requests: usize,
    /// Answers that were lost while their transaction was in mid-commit.
    pub lost_early: usize,
    /// Answers that were lost after the call had been executed.
    pub lost_late: usize,
    /// Transactions that arrived again after they had been committed.
    pub doubles: usize,
    /// Transactions that arrived again in mid-commit.
    pub in_progress: usize,
}

impl Tear {
    /// A layer that draws from `random`. Which call meets which draw depends on the scheduler too.
    #[must_use]
    pub fn new(random: Random) -> Self {
        Self { ledger: Arc::new(Mutex::new(Ledger::new(random))), written: Arc::default() }
    }

    /// How often each rule applied until now.
    #[must_use]
    pub fn torn(&self) -> Torn {
        self.ledger().torn
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until no single write on these items is under way. The transaction holds them, so none begins.
    async fn wait_for_writes(&self, parts: &[Part]) {
        loop {
            // Created before the check: a write that ends in between wakes it too.
            let written = self.written.notified();
            if self.ledger().is_quiet(parts) {
                break;
            }
            written.await;
        }
    }

    /// Carries a call to DynamoDB and its answer back, if neither is lost. Calls that outlive their caller go to `late`.
    pub(super) async fn carry(
        &self,
        inner: &SharedHttpConnector,
        request: HttpRequest,
        late: &Late,
    ) -> Result<HttpResponse, ConnectorError> {
        let operation = request.headers().get("x-amz-target").and_then(|target| target.split('.').nth(1)).unwrap_or_default();
        match operation {
            "TransactWriteItems" => transaction::transaction(self, inner, request, late).await,
            "PutItem" | "UpdateItem" | "DeleteItem" => single::write(self, inner, request).await,
            "Query" | "GetItem" => single::read(self, inner, request).await,
            _ => inner.call(request).await,
        }
    }
}

fn json_of(request: &HttpRequest) -> Value {
    let bytes = request.body().bytes().expect("a request in memory");
    serde_json::from_slice(bytes).expect("a request in JSON")
}
