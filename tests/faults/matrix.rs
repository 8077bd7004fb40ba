//! The matrix: handler × store call × fault × first and second occurrence × reach (one attempt, one call, that call and
//! all later ones).

use std::{sync::Arc, time::Duration};

use latchkey_tests::tap::{CONDITION_FAILED, Call, Fault, Forwarded, Reach, Rule, cancelled};
use strum::VariantArray as _;
use tokio::{sync::Semaphore, task::JoinSet};

use crate::{
    cell::{Cell, Prelude},
    paths::Path,
    sizes::full,
    subject::Ground,
    tally::Tally,
};

/// Enough to keep two processors busy while some cells wait until their budget is spent.
const AT_ONCE: usize = 12;

/// Runs cells in parallel on one DynamoDB.
pub(crate) async fn run(ground: &Ground, cells: Vec<Cell>) -> Tally {
    in_parallel(cells.into_iter().map(|cell| {
        let ground = ground.clone();
        async move { cell.run(&ground).await }
    }))
    .await
}

pub(crate) async fn in_parallel<F: Future<Output = Tally> + Send + 'static>(cells: impl Iterator<Item = F>) -> Tally {
    let permits = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = JoinSet::new();
    for cell in cells {
        let permits = Arc::clone(&permits);
        running.spawn(async move {
            let _permit = permits.acquire_owned().await;
            cell.await
        });
    }
    let mut tally = Tally::default();
    while let Some(cell) = running.join_next().await {
        tally.add(cell.unwrap());
    }
    tally
}

/// Errors that the SDK doesn't retry.
const FINAL: [&str; 6] = [
    "ValidationException",
    "ResourceNotFoundException",
    "AccessDeniedException",
    "TransactionInProgressException",
    "IdempotentParameterMismatchException",
    "TransactionConflictException",
];
/// Errors that the SDK retries.
const RETRIED: [(u16, &str); 5] = [
    (400, "ThrottlingException"),
    (400, "ProvisionedThroughputExceededException"),
    (400, "RequestLimitExceeded"),
    (500, "InternalServerError"),
    (503, "ServiceUnavailable"),
];

/// Delays in milliseconds after which an abandoned call still arrives. The shorter one arrives before the client's retry,
/// the longer one after it.
pub(crate) const LATE: [u64; 2] = [30, 300];

/// The faults of a call, with their reaches.
pub(crate) fn faults(call: &Call) -> Vec<(Fault, Vec<Reach>)> {
    use Reach::{FromThenOn, OneAttempt, OneCall};
    let (write, transaction) = (call.operation != "Query" && call.operation != "GetItem", call.operation == "TransactWriteItems");
    // The quick size takes one error of each kind where errors of a kind have the same effect.
    let reaches = |code: &str, all: &[Reach]| match code {
        "TransactionConflictException" | "InternalServerError" => all.to_vec(),
        _ if full() => all.to_vec(),
        _ => vec![OneCall],
    };
    let mut faults = Vec::new();
    faults.extend(FINAL.map(|code| (Fault::Error(400, code), reaches(code, &[OneCall, FromThenOn]))));
    faults.extend(RETRIED.map(|(status, code)| (Fault::Error(status, code), reaches(code, &[OneAttempt, OneCall, FromThenOn]))));
    for fault in [Fault::LostBefore, Fault::SilentBefore] {
        faults.push((fault, vec![OneAttempt, OneCall, FromThenOn]));
    }
    faults.push((Fault::Delay(Duration::from_millis(150)), vec![OneCall]));
    faults.push((Fault::Stand(Forwarded::No), vec![OneCall]));
    faults.push((Fault::Stand(Forwarded::Answered), vec![OneCall]));
    if write {
        for fault in [Fault::LostAfter, Fault::SilentAfter, Fault::ErrorAfter(500, "InternalServerError")] {
            faults.push((fault, vec![OneAttempt, OneCall, FromThenOn]));
        }
        for delay in LATE {
            faults.push((Fault::ArrivesLate(Duration::from_millis(delay)), vec![OneAttempt, OneCall]));
        }
        faults.push((Fault::Stand(Forwarded::Sent), vec![OneCall]));
    }
    // An index that doesn't show an item lags behind. That is not a fault, and no decision depends on it.
    if call.operation == "Query" && call.index.is_none() {
        faults.extend([Fault::WithoutLogin, Fault::WithoutSession].map(|fault| (fault, vec![OneCall, FromThenOn])));
    }
    if transaction {
        faults.push((Fault::ErrorAfter(400, "TransactionInProgressException"), vec![OneCall]));
        faults.extend([CONDITION_FAILED, "ThrottlingError", "SomethingNew"].map(|code| (cancelled(code, 3), vec![OneCall, FromThenOn])));
        faults.push((Fault::Cancelled(Vec::new()), vec![OneCall]));
    }
    if matches!(&*call.operation, "UpdateItem" | "PutItem") {
        // For a delete this is an answer, not a fault: the login is already gone.
        faults.push((Fault::Error(400, "ConditionalCheckFailedException"), vec![OneCall]));
    }
    faults
}

/// An attempt takes its places in two counts side by side, and gives them back side by side. The quick size tests one of each.
fn is_taken(call: &Call) -> bool {
    full() || call.operation != "PutItem" || matches!(call.nth, 1 | 3)
}

async fn cells(ground: &Ground, path: Path) -> Vec<Cell> {
    let preludes: &[Prelude] = match path {
        Path::Login | Path::Refresh => &[Prelude::Nothing, Prelude::Conflict, Prelude::AnswerLost],
        Path::Reuse | Path::LogoutByAccess => &[Prelude::Nothing, Prelude::Conflict],
        _ => &[Prelude::Nothing],
    };
    let mut cells = Vec::new();
    for &prelude in preludes {
        let fault_free = Cell { path, prelude, rule: None };
        let calls = fault_free.calls(ground).await;
        let of_interest = |call: &&Call| is_taken(call) && (prelude == Prelude::Nothing || (call.nth > 1 && call.operation != "PutItem"));
        for call in calls.iter().filter(of_interest) {
            let operation = OPERATIONS.into_iter().find(|name| *name == call.operation).unwrap();
            for (fault, reaches) in faults(call) {
                // In the quick size, the second occurrence and the paths that also run without an import are tested with
                // the longest reach only.
                let longest_alone = !full() && (prelude != Prelude::Nothing || ground.imported);
                let shorter = if longest_alone { reaches.len() - 1 } else { 0 };
                let reaches = reaches.into_iter().skip(shorter);
                let rule = |reach| Rule { operation, nth: call.nth, reach, fault: fault.clone() };
                cells.extend(reaches.map(|reach| Cell { rule: Some(rule(reach)), ..fault_free.clone() }));
            }
        }
        cells.push(fault_free);
    }
    cells
}

pub(crate) const OPERATIONS: [&str; 7] = ["GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"];

async fn matrix_of(title: &str, ground: Ground, of: impl Fn(Path) -> bool) {
    let mut all = Vec::new();
    for path in Path::VARIANTS.iter().copied().filter(|path| of(*path)) {
        all.extend(cells(&ground, path).await);
    }
    run(&ground, all).await.close(title);
}

/// A login is done, whatever becomes of the write that replaces the hash, and the next login replaces it.
#[tokio::test]
async fn every_fault_at_the_replacement_of_a_foreign_hash() {
    let ground = Ground::of_foreign_hashes().await;
    let mut cells = cells(&ground, Path::Login).await;
    cells.retain(|cell| cell.rule.as_ref().is_none_or(|rule| rule.operation == "UpdateItem"));
    assert!(cells.len() > 20, "the write is among the calls");
    run(&ground, cells).await.close("faults of a foreign hash's replacement");
}

#[tokio::test]
async fn every_fault_at_every_call_of_a_login() {
    matrix_of("faults of login", Ground::new().await, |path| path == Path::Login).await;
}

#[tokio::test]
async fn every_fault_at_every_call_of_a_refresh() {
    matrix_of("faults of refresh", Ground::new().await, |path| matches!(path, Path::Refresh | Path::Replay | Path::Reuse)).await;
}

/// A late replay writes which proof it answers before it answers. So it has one more call than that of a bearer.
#[tokio::test]
async fn every_fault_at_every_call_of_a_refresh_of_a_bound_login() {
    let is_refresh = |path| matches!(path, Path::Refresh | Path::Replay | Path::Reuse);
    matrix_of("faults of refresh with a key", Ground::of_bound_logins().await, is_refresh).await;
}

#[tokio::test]
async fn every_fault_at_every_call_of_logout_and_authorize() {
    let rest = |path| !matches!(path, Path::Login | Path::Refresh | Path::Replay | Path::Reuse);
    matrix_of("faults of logout and authorize", Ground::new().await, rest).await;
}

/// F6, F7: imported tokens, whose logins are found through an index.
#[tokio::test]
async fn every_fault_at_every_call_with_an_imported_token() {
    matrix_of("faults with imported tokens", Ground::of_imported().await, |path| !matches!(path, Path::Login | Path::AuthorizeOrphan))
        .await;
}
