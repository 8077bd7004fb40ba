//! The whole service, through HTTP.

mod authorizer_events;
mod bad_input;
mod contract;
mod expiry;
mod limits;
mod outage;
mod password_change;
mod round_trips;
mod secrets;
mod throttling;
mod walk;
