//! What to do with a presented token, given what the table says: pure functions, no I/O, no clock, no randomness.
//!
//! Each is a table, first match wins. They are right in every state that a torn read can show.

mod authorize;
mod refresh;
#[cfg(test)]
mod states;

pub use authorize::{AccessRefusal, authorize};
pub use refresh::{RefreshDecision, RefreshRefusal, RefreshRequest, decide_refresh};
