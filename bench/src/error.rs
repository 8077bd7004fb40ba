//! What keeps a measurement from being made.

use std::io;

/// Why there is no figure.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The machine refused something.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Its answer.
        source: io::Error,
    },
    /// A program under measurement did something else than what is measured.
    #[error("{subject}: {problem}")]
    Subject {
        /// The program.
        subject: String,
        /// What it did.
        problem: String,
    },
    /// Something is not as it has to be before anything is measured.
    #[error("{0}")]
    Setup(String),
    /// There is nothing to ask.
    #[error(transparent)]
    Work(#[from] bench_work::NoWork),
}

/// Names what was tried.
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
