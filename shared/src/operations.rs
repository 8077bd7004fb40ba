//! What a request or a command does: read, decide, write, and read again until it is settled.

mod events;
mod import;
pub mod issue;

pub use import::{ImportOutcome, import_session};
