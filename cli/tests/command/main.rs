//! The command as people and scripts run it: what it prints, and what it exits with.

#![expect(clippy::unwrap_used, reason = "in a test it is a failure, as it should be")]

mod credentials;
mod dev;
mod doctor;
mod import;
mod lost_answers;
mod run;
mod sessions;
mod smoke;
mod users;
mod users_import;
