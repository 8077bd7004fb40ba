//! Which failures are worth another attempt, and when: as the SDK's standard retries have it.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use aws_config::retry::RetryConfig;
use aws_smithy_runtime::client::retries::classifiers::run_classifiers_on_ctx;
use aws_smithy_runtime_api::client::{
    interceptors::context::{Error, Input, InterceptorContext},
    orchestrator::{HttpRequest, HttpResponse, OrchestratorError},
    result::{ConnectorError, SdkError},
    retries::classifiers::{RetryAction, RetryReason},
};
use aws_smithy_types::retry::ErrorKind;
use chrono::TimeDelta;

use super::{Erased, operation::Parts};
use crate::entropy::Random;

/// DynamoDB accepts signatures that are five minutes old. A clock that was set by more than this explains a refused one.
pub(super) const SKEW: TimeDelta = TimeDelta::minutes(4);

/// The codes of a signature that was refused.
const REFUSED_SIGNATURES: [&str; 5] =
    ["InvalidSignatureException", "SignatureDoesNotMatch", "AuthFailure", "RequestTimeTooSkewed", "AccessDeniedException"];

/// An attempt that came to nothing.
pub(super) struct Failed {
    pub(super) error: OrchestratorError<Error>,
    pub(super) response: Option<HttpResponse>,
    /// The answer set the clock by so much that the request was signed with a wrong time.
    pub(super) skew_moved: bool,
}

/// Another attempt.
pub(super) struct Again {
    kind: ErrorKind,
    /// DynamoDB's own wish.
    after: Option<Duration>,
}

impl Failed {
    pub(super) fn unsent(error: ConnectorError) -> Self {
        Self { error: OrchestratorError::connector(error), response: None, skew_moved: false }
    }

    /// The failure as the SDK shows it, and whether it is worth another attempt.
    pub(super) fn judged(self, parts: &Parts) -> (Erased, Option<Again>) {
        let Self { error, response, skew_moved } = self;
        let code = error.as_operation_error().and_then(|error| (parts.code)(error));
        let badly_signed = skew_moved && code.is_some_and(|code| REFUSED_SIGNATURES.contains(&code));

        let context = context_of(error, response);
        let again = match run_classifiers_on_ctx(parts.classifiers.iter().cloned(), &context) {
            RetryAction::RetryIndicated(RetryReason::RetryableError { kind, retry_after }) => Some(Again { kind, after: retry_after }),
            _ if badly_signed => Some(Again { kind: ErrorKind::ServerError, after: None }),
            _ => None,
        };
        let error = context.finalize().err().unwrap_or_else(|| SdkError::construction_failure("a failure without an error"));
        (error, again)
    }
}

/// The state in which the SDK's orchestrator would be after this failure. Its classifiers judge that.
fn context_of(error: OrchestratorError<Error>, response: Option<HttpResponse>) -> InterceptorContext {
    let mut context = InterceptorContext::new(Input::erase(()));
    context.enter_serialization_phase();
    context.take_input();
    context.set_request(HttpRequest::empty());
    context.enter_before_transmit_phase();
    context.enter_transmit_phase();
    context.take_request();
    if let Some(response) = response {
        context.set_response(response);
        context.enter_before_deserialization_phase();
        context.enter_deserialization_phase();
        context.set_output_or_error(Err(error));
        context.enter_after_deserialization_phase();
    } else {
        context.set_output_or_error(Err(error));
    }
    context
}

impl Again {
    /// How long to wait before attempt `number + 1`: a random part of a pause that doubles.
    pub(super) fn pause(&self, retry: &RetryConfig, number: u32, random: &Random) -> Duration {
        let longest = retry.initial_backoff().saturating_mul(1 << (number - 1).min(16)).min(retry.max_backoff());
        let part = random.bytes().map_or(1.0, |bytes| f64::from(u32::from_be_bytes(bytes)) / f64::from(u32::MAX));
        self.after.map_or_else(|| longest.mul_f64(part), |after| after.min(retry.max_backoff()))
    }
}

/// The quota of retries of one client: while most calls fail, few are sent again, so that retries don't keep a table down.
#[derive(Debug)]
pub(super) struct Quota(AtomicU32);

const FULL: u32 = 500;

impl Default for Quota {
    fn default() -> Self {
        Self(AtomicU32::new(FULL))
    }
}

impl Quota {
    /// Takes what a retry costs; `None` if there isn't as much.
    pub(super) fn take(&self, again: &Again) -> Option<u32> {
        let cost = if again.kind == ErrorKind::TransientError { 10 } else { 5 };
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(cost)).is_ok().then_some(cost)
    }

    /// A call succeeded. It returns what its last retry cost, and one if there was none.
    pub(super) fn succeeded(&self, cost: Option<u32>) {
        if self.0.load(Ordering::Relaxed) < FULL {
            self.0.fetch_add(cost.unwrap_or(1), Ordering::Relaxed);
            self.0.fetch_min(FULL, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn again(kind: ErrorKind) -> Again {
        Again { kind, after: None }
    }

    #[test]
    fn a_pause_is_a_part_of_one_that_doubles() {
        let retry = RetryConfig::standard();
        let seconds = |part: u32, number| {
            let random = Random::from_fn(move |bytes| {
                bytes.copy_from_slice(&part.to_be_bytes());
                Ok(())
            });
            again(ErrorKind::ServerError).pause(&retry, number, &random).as_secs_f64()
        };
        assert_eq!([1, 2, 3, 5, 6, 40].map(|number| seconds(u32::MAX, number)), [1.0, 2.0, 4.0, 16.0, 20.0, 20.0]);
        assert_eq!([1, 6].map(|number| seconds(0, number)), [0.0, 0.0]);
        let wished = Again { kind: ErrorKind::ThrottlingError, after: Some(Duration::from_millis(70)) };
        assert_eq!(wished.pause(&retry, 1, &Random::system()), Duration::from_millis(70));
    }

    #[test]
    fn a_quota_bounds_the_retries_until_calls_succeed_again() {
        let quota = Quota::default();
        let taken = (0..200).filter(|_| quota.take(&again(ErrorKind::TransientError)).is_some()).count();
        assert_eq!(taken, 50);
        for _ in 0..5 {
            assert_eq!(quota.take(&again(ErrorKind::ThrottlingError)), None);
            quota.succeeded(None);
        }
        assert_eq!(quota.take(&again(ErrorKind::ThrottlingError)), Some(5));
        quota.succeeded(Some(5));
        assert_eq!(quota.take(&again(ErrorKind::ServerError)), Some(5), "a retry that helped costs nothing");
        for _ in 0..1000 {
            quota.succeeded(Some(10));
        }
        assert_eq!(quota.0.load(Ordering::Relaxed), FULL);
    }
}
