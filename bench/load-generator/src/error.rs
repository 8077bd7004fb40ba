//! What keeps a figure from being taken.

use std::io;

/// Why there is no figure.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The machine refused something.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// Its answer.
        source: io::Error,
    },
    /// The service wasn't reached.
    #[error("{what}: {source}")]
    Http {
        /// What was asked.
        what: &'static str,
        /// What came of it.
        source: Box<reqwest::Error>,
    },
    /// It answered something else than what is measured.
    #[error("{what} answered {status}")]
    Answer {
        /// What was asked.
        what: &'static str,
        /// The answer's status.
        status: u16,
    },
    /// A program didn't start.
    #[error("{0}")]
    Setup(String),
    /// The service let in what it must not, or refused what it must let in.
    #[error("{0} answers were wrong")]
    Wrong(u64),
}
