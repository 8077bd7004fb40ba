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
    let Err(error) = dynamodb.transact_write_items().set_transact_items(Some(items)).ask(dynamodb).await else { return Ok(Commit::Done) };
    match &error {
        SdkError::ServiceError(service) => match service.err() {
            TransactWriteItemsError::TransactionCanceledException(cancelled) => after_cancellation(cancelled.cancellation_reasons()),
            TransactWriteItemsError::TransactionInProgressException(_) | TransactWriteItemsError::InternalServerError(_) => {
                Ok(Commit::ReadAgain)
            }
            // Not DynamoDB's own no: it failed somewhere between the request and its answer, and may have committed.
            _ if !service.raw().status().is_client_error() => Ok(Commit::ReadAgain),
            other => after_error(with_limit(&code_of(&error), other)),
        },
        // The request was sent and the answer is lost, so the transaction may have been committed.
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => Ok(Commit::ReadAgain),
        _ => Err(StoreError::Rejected { operation: OPERATION, code: code_of(&error).into_owned() }),
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
