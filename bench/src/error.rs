//! Errors of a measurement.

use std::io;

/// Why a figure could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The operating system returned an error.
    #[error("{what}: {source}")]
    Io {
        /// The operation.
        what: String,
        /// Its error.
        source: io::Error,
    },
    /// A measured program behaved unexpectedly.
    #[error("{subject}: {problem}")]
    Subject {
        /// The program.
        subject: String,
        /// Its behaviour.
        problem: String,
    },
    /// The setup is incomplete.
    #[error("{0}")]
    Setup(String),
    /// No request could be made.
    #[error(transparent)]
    Work(#[from] bench_work::NoWork),
}

/// Adds the operation to an error.
pub trait While<T> {
    /// The value, or the error with `what`.
    ///
    /// # Errors
    /// [`BenchError::Io`].
    fn during(self, what: impl Into<String>) -> Result<T, BenchError>;
}

impl<T> While<T> for io::Result<T> {
    fn during(self, what: impl Into<String>) -> Result<T, BenchError> {
        self.map_err(|source| BenchError::Io { what: what.into(), source })
    }
}
