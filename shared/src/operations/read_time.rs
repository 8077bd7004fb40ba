//! The time that a decision rests on.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    clock::Clock,
    telling::log::{Event, Fields, log},
};

/// What DynamoDB's answers leave open: whole seconds, and a second on the way.
const UNNOTICED: TimeDelta = TimeDelta::seconds(2);

/// The time of the read that was just answered. Where the environment's own clock is wrong by more than two seconds, a log line
/// says so.
pub(super) fn time_of_read(clock: &Clock, fields: Fields<'_>) -> DateTime<Utc> {
    let skew = clock.skew();
    if skew.abs() > UNNOTICED {
        let side = if skew > TimeDelta::zero() { "behind" } else { "ahead" };
        let reason = format!("this environment's clock is {} s {side}", skew.num_seconds().abs());
        log(Event::ClockSkew, Fields { reason: Some(&reason), ..fields }, None);
    }
    clock.now()
}
