//! This machine's clock compared with DynamoDB's.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents, interceptors::BeforeDeserializationInterceptorContextRef};
use aws_smithy_runtime_api::box_error::BoxError;
use chrono::{DateTime, TimeDelta, Utc};

use super::Check;

/// Larger than a second of rounding plus a slow answer.
const TOLERANCE: TimeDelta = TimeDelta::seconds(5);

/// Keeps the Date header of an answer.
#[derive(Debug, Clone, Default)]
pub(super) struct Watch(Arc<Mutex<Option<String>>>);

impl Intercept for Watch {
    fn name(&self) -> &'static str {
        "the clock"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date").map(str::to_owned);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = date;
        Ok(())
    }
}

impl Watch {
    /// The times of this machine's clock and of DynamoDB's at one instant of the call.
    pub(super) fn check(&self, now: DateTime<Utc>) -> Check {
        let date = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        judge(date.as_deref(), now)
    }
}

fn judge(date: Option<&str>, now: DateTime<Utc>) -> Check {
    let what = "this machine's clock";
    let Some(theirs) = date.and_then(|date| DateTime::parse_from_rfc2822(date).ok()) else {
        return Check::skipped(what, "DynamoDB's answer has no date to compare it with");
    };
    let ahead = now.signed_duration_since(theirs);
    let found = format!("{} s {} DynamoDB's", ahead.num_seconds().abs(), if ahead > TimeDelta::zero() { "ahead of" } else { "behind" });
    Check::hold(ahead.abs() <= TOLERANCE, what, found, "let it be set by NTP: by it, imports and services of your own judge expiries")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Outcome;

    #[test]
    fn seconds_are_forgiven_and_minutes_are_not() {
        let date = Some("Tue, 24 Nov 2026 12:00:00 GMT");
        let at = |seconds: i64| DateTime::from_timestamp(1_795_521_600 + seconds, 0).unwrap();
        for seconds in [-5, 0, 5] {
            assert_eq!(judge(date, at(seconds)).outcome, Outcome::Ok, "{seconds}");
        }
        for (seconds, told) in [(-90, "90 s behind DynamoDB's"), (6, "6 s ahead of DynamoDB's")] {
            assert!(matches!(judge(date, at(seconds)).outcome, Outcome::Finding { found, .. } if found == told), "{seconds}");
        }
        for none in [None, Some("yesterday")] {
            assert!(matches!(judge(none, at(0)).outcome, Outcome::Skipped(_)));
        }
    }
}
