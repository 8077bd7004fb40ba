//! Errors of a measurement.

use std::io;

/// Why a figure could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The operating system returned an error.
    #[error("{what}: {source}")]
    Io {
        /// The operation.
        what: &'static str,
        /// Its error.
        source: io::Error,
    },
    /// The service wasn't reached.
    #[error("{what}: {source}")]
    Http {
        /// The request.
        what: &'static str,
        /// The error.
        source: Box<reqwest::Error>,
    },
    /// The service gave an unexpected answer.
    #[error("{what} answered {status}")]
    Answer {
        /// The request.
        what: &'static str,
        /// The answer's status.
        status: u16,
    },
    /// A program didn't start.
    #[error("{0}")]
    Setup(String),
    /// The service allowed a request that it must refuse, or refused one that it must allow.
    #[error("the service gave {0} wrong answers")]
    Wrong(u64),
    /// The service didn't decide on each request, or was asked nothing.
    #[error("{undecided} requests got no decision, {decided} did")]
    Undecided {
        /// Answers such as 503, and requests without an answer.
        undecided: u64,
        /// Right and wrong decisions.
        decided: u64,
    },
}
