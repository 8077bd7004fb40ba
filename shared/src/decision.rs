//! What to do with a request, given what the table says: pure functions, no I/O, no clock, no randomness.
//!
//! Each is a table, first match wins. They are right in every state that a torn read can show.

mod authorize;
mod import;
mod login;
mod refresh;
mod standing;
#[cfg(test)]
pub(crate) mod states;
mod windows;

pub use authorize::{AccessRefusal, authorize, owes_mark};
pub use import::{ImportDecision, decide_import};
pub use login::{CEILING, KEPT, LoginDecision, MAX_ENDED, MAX_REPLACED, OnSessionLimit, SessionLimit, decide_login, is_void};
pub use refresh::{RefreshDecision, RefreshRefusal, RefreshRequest, TOLERANCE, decide_refresh};
pub use standing::{Standing, access_standing, refresh_standing};
pub use windows::remembered_after;
