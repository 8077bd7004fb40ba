//! Outcomes of a transaction.

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{CancellationReason, TransactWriteItem},
};

use super::{
    StoreError,
    error::{code_of, with_limit},
};

use crate::dynamodb::{Ask as _, DynamoDb};

const OPERATION: &str = "TransactWriteItems";

/// What is known after a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commit {
    /// Everything is written.
    Done,
    /// Another write came first, or the outcome is unknown. A read will show.
    ReadAgain,
}

/// Writes all items or none. All attempts of a call share an idempotency token, so they commit once.
pub(super) async fn transact(dynamodb: &DynamoDb, items: Vec<TransactWriteItem>) -> Result<Commit, StoreError> {
    match send(dynamodb, items).await {
        Ok(()) => Ok(Commit::Done),
        Err(error) => match cancelled(&error) {
            Some(reasons) => after_cancellation(reasons),
            None => after_failure(&error),
        },
    }
}

/// What one of several rows writes.
#[derive(Debug, Clone)]
pub struct RowWrite(Vec<TransactWriteItem>);

impl RowWrite {
    /// How many actions a transaction takes.
    const ACTIONS_AT_MOST: usize = 100;

    pub(super) fn new(items: Vec<TransactWriteItem>) -> Self {
        Self(items)
    }

    /// Distributes rows over transactions, in their order, as many to each as it takes.
    #[must_use]
    pub fn into_transactions<T>(rows: Vec<(T, Self)>) -> Vec<Vec<(T, Self)>> {
        let mut transactions = Vec::new();
        let (mut current, mut actions) = (Vec::new(), 0);
        for (of, row) in rows {
            if actions + row.0.len() > Self::ACTIONS_AT_MOST && !current.is_empty() {
                transactions.push(std::mem::take(&mut current));
                actions = 0;
            }
            actions += row.0.len();
            current.push((of, row));
        }
        if !current.is_empty() {
            transactions.push(current);
        }
        transactions
    }
}

/// What is known after a transaction of several rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowsCommit {
    /// All rows are written.
    Done,
    /// The outcome is unknown. A read will show.
    ReadAgain,
    /// Nothing is written. Another write of these rows came first, or DynamoDB refuses them; the others weren't in the way.
    Cancelled(Vec<usize>),
}

/// Writes all items of all rows or none. No two rows may have the same item.
///
/// # Errors
/// [`StoreError`] where nothing was written, and no row is the cause.
pub(super) async fn transact_rows(dynamodb: &DynamoDb, rows: Vec<RowWrite>) -> Result<RowsCommit, StoreError> {
    let row_of: Vec<usize> = rows.iter().enumerate().flat_map(|(row, write)| write.0.iter().map(move |_| row)).collect();
    let Err(error) = send(dynamodb, rows.into_iter().flat_map(|row| row.0).collect()).await else { return Ok(RowsCommit::Done) };
    let commit = match cancelled(&error) {
        Some(reasons) => match named(reasons, &row_of) {
            rows if rows.is_empty() => after_cancellation(reasons)?,
            rows => return Ok(RowsCommit::Cancelled(rows)),
        },
        None => after_failure(&error)?,
    };
    Ok(if commit == Commit::Done { RowsCommit::Done } else { RowsCommit::ReadAgain })
}

/// The rows with an item that a cancellation is about. A throttled item says nothing of its row: any other might have been throttled
/// in its place.
fn named(reasons: &[CancellationReason], row_of: &[usize]) -> Vec<usize> {
    let in_the_way =
        |reason: &CancellationReason| matches!(self::reason(reason.code().unwrap_or("None")), Reason::OurBug | Reason::ReadAgain);
    let mut rows: Vec<_> = reasons.iter().zip(row_of).filter(|(reason, _)| in_the_way(reason)).map(|(_, row)| *row).collect();
    rows.dedup();
    rows
}

type Failure = SdkError<TransactWriteItemsError>;

async fn send(dynamodb: &DynamoDb, items: Vec<TransactWriteItem>) -> Result<(), Failure> {
    dynamodb.transact_write_items().set_transact_items(Some(items)).ask(dynamodb).await.map(drop)
}

/// Why DynamoDB cancelled the transaction, item by item; `None` after any other failure.
fn cancelled(error: &Failure) -> Option<&[CancellationReason]> {
    match error.as_service_error()? {
        TransactWriteItemsError::TransactionCanceledException(cancelled) => Some(cancelled.cancellation_reasons()),
        _ => None,
    }
}

/// What is known after a failure that is no cancellation.
fn after_failure(error: &Failure) -> Result<Commit, StoreError> {
    match error {
        SdkError::ServiceError(service) => match service.err() {
            TransactWriteItemsError::TransactionInProgressException(_) | TransactWriteItemsError::InternalServerError(_) => {
                Ok(Commit::ReadAgain)
            }
            // Not DynamoDB's own no: it failed somewhere between the request and its answer, and may have committed.
            _ if !service.raw().status().is_client_error() => Ok(Commit::ReadAgain),
            other => after_error(with_limit(&code_of(error), other)),
        },
        // The request was sent and the answer is lost, so the transaction may have been committed.
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => Ok(Commit::ReadAgain),
        _ => Err(StoreError::Rejected { operation: OPERATION, code: code_of(error).into_owned() }),
    }
}

/// What a cancellation code calls for, in order of precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    OurBug,
    ReadAgain,
    Unavailable,
    None,
}

/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html>, "Cancellation reason codes".
fn reason(code: &str) -> Reason {
    match code {
        "None" => Reason::None,
        "ValidationError" => Reason::OurBug,
        "ConditionalCheckFailed" | "TransactionConflict" | "TransactionInProgress" => Reason::ReadAgain,
        // ThrottlingError, ProvisionedThroughputExceeded, ItemCollectionSizeLimitExceeded, which only tables with local indexes
        // have, and codes that AWS adds later.
        _ => Reason::Unavailable,
    }
}

fn after_cancellation(reasons: &[CancellationReason]) -> Result<Commit, StoreError> {
    let first = reasons.iter().map(|each| each.code().unwrap_or("None")).map(|code| (reason(code), code)).min_by_key(|(reason, _)| *reason);
    let cancelled = |code: &str| format!("TransactionCanceledException: {code}");
    match first {
        Some((Reason::OurBug, code)) => Err(StoreError::Rejected { operation: OPERATION, code: cancelled(code) }),
        Some((Reason::ReadAgain, _)) => Ok(Commit::ReadAgain),
        Some((Reason::Unavailable, code)) => Err(StoreError::Unavailable { operation: OPERATION, code: cancelled(code) }),
        // Cancelled without a reason. Nothing was written.
        Some((Reason::None, _)) | None => Err(StoreError::Unavailable { operation: OPERATION, code: cancelled("no reason given") }),
    }
}

fn after_error(code: String) -> Result<Commit, StoreError> {
    match code.as_str() {
        "ValidationException" | "SerializationException" => Err(StoreError::Rejected { operation: OPERATION, code }),
        "TransactionConflictException" => Ok(Commit::ReadAgain),
        _ => Err(StoreError::Unavailable { operation: OPERATION, code }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(codes: &[&str]) -> &'static str {
        let reasons: Vec<_> = codes.iter().map(|code| CancellationReason::builder().code(*code).build()).collect();
        match after_cancellation(&reasons) {
            Ok(Commit::Done) => "done",
            Ok(Commit::ReadAgain) => "read again",
            Err(StoreError::Rejected { .. }) => "our bug",
            Err(StoreError::Unavailable { .. } | StoreError::Item(_)) => "unavailable",
        }
    }

    #[test]
    fn reasons_are_judged_by_precedence() {
        for (codes, expected) in [
            (vec!["None", "ConditionalCheckFailed", "None"], "read again"),
            (vec!["TransactionConflict", "None", "None"], "read again"),
            (vec!["None", "None", "ThrottlingError"], "unavailable"),
            (vec!["ProvisionedThroughputExceeded", "ConditionalCheckFailed", "None"], "read again"),
            (vec!["ConditionalCheckFailed", "ValidationError", "ThrottlingError"], "our bug"),
            (vec!["ItemCollectionSizeLimitExceeded", "None", "None"], "unavailable"),
            (vec!["SomethingNew", "ThrottlingError", "None"], "unavailable"),
            (vec!["SomethingNew", "None", "TransactionConflict"], "read again"),
            (vec!["None", "None", "None"], "unavailable"),
            (vec![], "unavailable"),
        ] {
            assert_eq!(outcome(&codes), expected, "{codes:?}");
        }
    }

    #[test]
    fn the_log_is_told_the_code_that_decided() {
        let code = |codes: &[&str]| {
            let reasons: Vec<_> = codes.iter().map(|code| CancellationReason::builder().code(*code).build()).collect();
            after_cancellation(&reasons).unwrap_err().to_string()
        };
        let told = "TransactWriteItems is unavailable: TransactionCanceledException: ";
        assert_eq!(code(&["None", "ThrottlingError", "None"]), format!("{told}ThrottlingError"));
        assert_eq!(code(&["None", "SomethingNew"]), format!("{told}SomethingNew"));
        assert_eq!(code(&["None", "None"]), format!("{told}no reason given"));
    }

    #[test]
    fn a_transaction_takes_a_hundred_actions() {
        let row = |actions: usize| RowWrite::new(vec![TransactWriteItem::builder().build(); actions]);
        let sizes = |actions: &[usize]| {
            let rows = actions.iter().map(|actions| (*actions, row(*actions))).collect();
            let transactions = RowWrite::into_transactions(rows);
            transactions.iter().map(|rows| rows.iter().map(|(of, _)| *of).collect::<Vec<_>>()).collect::<Vec<_>>()
        };
        assert_eq!(sizes(&[4; 25]), [vec![4; 25]]);
        assert_eq!(sizes(&[5; 25]), [vec![5; 20], vec![5; 5]]);
        assert_eq!(sizes(&[60, 40, 1]), [vec![60, 40], vec![1]]);
        assert_eq!(sizes(&[1, 100]), [vec![1], vec![100]]);
        assert_eq!(sizes(&[]), [[0; 0]; 0]);
    }

    /// A row is named if one of its items was in the way, whatever became of the others.
    #[test]
    fn a_cancellation_names_the_rows_that_were_in_the_way() {
        let named_by = |codes: &[&str]| {
            let reasons: Vec<_> = codes.iter().map(|code| CancellationReason::builder().code(*code).build()).collect();
            named(&reasons, &[0, 0, 1, 2, 2, 2])
        };
        for (codes, rows) in [
            (["None", "ConditionalCheckFailed", "None", "None", "None", "None"], vec![0]),
            (["None", "None", "TransactionConflict", "ThrottlingError", "None", "None"], vec![1]),
            (["None", "None", "None", "ConditionalCheckFailed", "None", "ConditionalCheckFailed"], vec![2]),
            (["ValidationError", "None", "None", "None", "None", "TransactionConflict"], vec![0, 2]),
            (["ThrottlingError", "SomethingNew", "ProvisionedThroughputExceeded", "None", "None", "None"], vec![]),
        ] {
            assert_eq!(named_by(&codes), rows, "{codes:?}");
        }
        assert_eq!(named_by(&["ConditionalCheckFailed"]), [0], "fewer reasons than items");
        assert_eq!(named_by(&[]), [0; 0]);
    }

    /// F1: every vector of the seven codes over the items of a rotation and of a login. The gravest code decides the outcome,
    /// and no vector is a success.
    #[test]
    fn every_vector_comes_to_what_its_gravest_code_calls_for() {
        const CODES: [(&str, u8, &str); 7] = [
            ("ValidationError", 0, "our bug"),
            ("ConditionalCheckFailed", 1, "read again"),
            ("TransactionConflict", 1, "read again"),
            ("ThrottlingError", 2, "unavailable"),
            ("ProvisionedThroughputExceeded", 2, "unavailable"),
            ("ItemCollectionSizeLimitExceeded", 3, "unavailable"),
            ("None", 4, "unavailable"),
        ];
        for items in [3, 5] {
            for vector in 0..7_usize.pow(items) {
                let drawn: Vec<_> = (0..items).map(|item| CODES[vector / 7_usize.pow(item) % 7]).collect();
                let codes: Vec<_> = drawn.iter().map(|(code, ..)| *code).collect();
                let gravest = drawn.iter().min_by_key(|(_, gravity, _)| gravity).map(|(.., comes_to)| *comes_to);
                assert_eq!(Some(outcome(&codes)), gravest, "{codes:?}");
            }
        }
    }
}
