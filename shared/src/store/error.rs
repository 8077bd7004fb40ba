//! What can go wrong below a decision, and what DynamoDB's errors mean to us.

use std::{borrow::Cow, error::Error};

use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata, SdkError};

use super::ItemError;
use crate::sdk_error::{Throttled, not_sent, throttled};

/// The store gave no answer to decide on. Never "no session": clients wipe theirs on a 401.
///
/// It carries names and codes only. The SDK's own errors can hold whole items, so they stop here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Throttled, unreachable, timed out, failing: the same request may succeed in a moment.
    #[error("{operation} is unavailable: {code}")]
    Unavailable {
        /// The DynamoDB operation.
        operation: &'static str,
        /// DynamoDB's error code, or how the connection failed.
        code: String,
    },
    /// DynamoDB found our request wrong: a bug of ours, which no retry mends.
    #[error("{operation} was rejected: {code}")]
    Rejected {
        /// The DynamoDB operation.
        operation: &'static str,
        /// DynamoDB's error code.
        code: String,
    },
    /// An item that Latchkey didn't write so.
    #[error(transparent)]
    Item(#[from] ItemError),
}

impl StoreError {
    /// DynamoDB read a part of what a batch asked for: it was throttled in between.
    pub(super) fn unprocessed_keys() -> Self {
        Self::Unavailable { operation: "BatchGetItem", code: UNPROCESSED.into() }
    }

    /// Whether DynamoDB had no capacity for the request. The same request succeeds if it waits long enough.
    #[must_use]
    pub fn is_throttling(&self) -> bool {
        let Self::Unavailable { code, .. } = self else { return false };
        let code = code.strip_prefix("TransactionCanceledException: ").unwrap_or(code);
        THROTTLED.iter().any(|throttled| code.starts_with(throttled))
    }
}

const UNPROCESSED: &str = "unprocessed keys";
/// Beginnings of codes. A limit may follow, and cancellations have the same names without `Exception`.
const THROTTLED: [&str; 4] = ["Throttling", "ProvisionedThroughputExceeded", "RequestLimitExceeded", UNPROCESSED];

impl From<BuildError> for StoreError {
    /// A request that the SDK found incomplete. Only transactions are put together from parts.
    fn from(_: BuildError) -> Self {
        Self::Rejected { operation: "TransactWriteItems", code: "request not built".into() }
    }
}

/// Whether DynamoDB found the condition of a single write false.
pub(super) fn condition_failed(error: &impl ProvideErrorMetadata) -> bool {
    error.code() == Some("ConditionalCheckFailedException")
}

/// Whether a transaction in flight held the item of a single write. Nothing was written.
pub(super) fn in_conflict(error: &impl ProvideErrorMetadata) -> bool {
    error.code() == Some("TransactionConflictException")
}

/// The short name of an SDK error: DynamoDB's code, the HTTP status of an answer without one, or how the connection failed.
pub(super) fn code_of<E: ProvideErrorMetadata>(error: &SdkError<E>) -> Cow<'_, str> {
    match error {
        SdkError::ServiceError(service) => match service.err().code() {
            Some(code) => code.into(),
            None if service.raw().status().is_success() => "unreadable response".into(),
            None => format!("HTTP {}", service.raw().status()).into(),
        },
        SdkError::TimeoutError(_) => "timeout".into(),
        SdkError::DispatchFailure(failure) => failure.as_connector_error().map_or("connection failed", |error| not_sent(error)).into(),
        SdkError::ResponseError(_) => "unreadable response".into(),
        SdkError::ConstructionFailure(_) => "request not built".into(),
        _ => "unknown".into(),
    }
}

/// The code, with the limit and the table or index if DynamoDB throttled and says which.
pub(super) fn with_limit(code: &str, error: &(dyn Error + 'static)) -> String {
    match throttled(error) {
        Some(Throttled { resource, limit }) if !resource.is_empty() => format!("{code}, {limit} of {resource}"),
        _ => code.to_owned(),
    }
}

/// What a failed plain call means. Conflicts and failed conditions are for the caller to pick out before.
pub(super) fn failure<E: ProvideErrorMetadata + Error + 'static>(operation: &'static str, error: &SdkError<E>) -> StoreError {
    let code = code_of(error);
    let code = error.as_service_error().map_or_else(|| code.clone().into_owned(), |service| with_limit(&code, service));
    if matches!(error, SdkError::ConstructionFailure(_)) || matches!(code.as_str(), "ValidationException" | "SerializationException") {
        StoreError::Rejected { operation, code }
    } else {
        StoreError::Unavailable { operation, code }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::{error::ErrorMetadata, operation::query::QueryError};
    use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::ConnectorError};
    use aws_smithy_types::body::SdkBody;

    use super::*;

    #[test]
    fn throttling_is_told_from_outages() {
        let of = |code: &str| StoreError::Unavailable { operation: "Query", code: code.into() }.is_throttling();
        for code in [
            "ThrottlingException",
            "ThrottlingException, TableReadKeyRangeThroughputExceeded of sessions",
            "ProvisionedThroughputExceededException",
            "RequestLimitExceeded",
            "TransactionCanceledException: ThrottlingError",
            "TransactionCanceledException: ProvisionedThroughputExceeded",
            "unprocessed keys",
        ] {
            assert!(of(code), "{code}");
        }
        for code in ["timeout", "InternalServerError", "TransactionCanceledException: no reason given", "HTTP 503"] {
            assert!(!of(code), "{code}");
        }
    }

    /// How a call failed is all that the log learns of it.
    #[test]
    fn each_way_to_fail_has_its_own_name() {
        let answer = |status: u16| HttpResponse::new(status.try_into().unwrap(), SdkBody::from("<html>"));
        let named = |error: SdkError<QueryError>| failure("Query", &error);
        let unavailable = |code: &str| StoreError::Unavailable { operation: "Query", code: code.into() };
        assert_eq!(named(SdkError::timeout_error("late")), unavailable("timeout"));
        assert_eq!(named(SdkError::dispatch_failure(ConnectorError::io("broken".into()))), unavailable("connection failed"));
        let reset = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        let broken = SdkError::dispatch_failure(ConnectorError::io(reset.into()));
        assert_eq!(named(broken), unavailable("connection failed: cut off"));
        assert_eq!(named(SdkError::response_error("cut off", answer(200))), unavailable("unreadable response"));
        let nameless = SdkError::service_error(QueryError::generic(ErrorMetadata::builder().build()), answer(500));
        assert_eq!(named(nameless), unavailable("HTTP 500"));
        let unread = SdkError::service_error(QueryError::generic(ErrorMetadata::builder().build()), answer(200));
        assert_eq!(named(unread), unavailable("unreadable response"));
        let not_built = StoreError::Rejected { operation: "Query", code: "request not built".into() };
        assert_eq!(named(SdkError::construction_failure("no table name")), not_built);
    }
}
