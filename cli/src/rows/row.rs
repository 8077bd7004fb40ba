//! A row of either format, and the errors of rows and files.

use std::{fmt, io};

use crate::output::say;

/// The longest row, in bytes. A valid row takes a kilobyte; an open quote would take the rest of the file.
pub(crate) const ROW_MAX_BYTES: u64 = 64 * 1024;

/// Why the rest of a file can't be read. Rows imported before stay.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Its name doesn't end with a known format.
    #[error("the file's name doesn't say its format, as .csv and .jsonl do: say with --format what the file is")]
    UnknownFormat,
    /// It doesn't exist or can't be read.
    #[error("the file can't be read: {0}; check its path, who may read it, and whether it is whole")]
    Unreadable(#[from] io::Error),
    #[error("the file is empty: it needs a header row with {}", .0.join(", "))]
    Empty(Vec<String>),
    #[error("line 1: the header is not UTF-8; save the file as UTF-8")]
    HeaderEncoding,
    #[error("line 1: the header has no column {}{hint}", missing.join(", "))]
    MissingColumns {
        missing: Vec<String>,
        /// What may have happened.
        hint: &'static str,
    },
    /// A column occurs twice.
    #[error("line 1: the header has the column {0} twice")]
    RepeatedColumn(String),
    /// The settings beside the file are wrong.
    #[error("{0}")]
    Settings(String),
    /// A file that is one document of JSON, and not this one.
    #[error("line {line}: the file is no {takes} in JSON")]
    Document { line: u64, takes: &'static str },
    /// A quote without its end, which may be in the middle of the file.
    #[error("line {line}: a quote is left open up to the end of the file. Nothing from this line on was read")]
    OpenQuote { line: u64 },
    /// A row without an end.
    #[error("line {line}: the row is over {} KiB long; is a quote left open? Nothing after it was read", ROW_MAX_BYTES / 1024)]
    EndlessRow { line: u64 },
}

/// Why a row can't be imported. The error never contains the row's values, because they may be tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadRow {
    pub(crate) column: Option<&'static str>,
    pub(crate) problem: String,
}

impl BadRow {
    pub(crate) fn new(problem: impl Into<String>) -> Self {
        Self { column: None, problem: problem.into() }
    }

    pub(crate) fn in_column(column: &'static str, problem: impl Into<String>) -> Self {
        Self { column: Some(column), problem: problem.into() }
    }

    /// Prints it with its line: for people on standard error, for machines on standard output.
    pub(crate) fn print(&self, line: u64, json: bool) {
        if json {
            say!("{}", serde_json::json!({"line": line, "column": self.column, "problem": self.problem}));
        } else {
            eprintln!("line {line}: {self}");
        }
    }
}

impl fmt::Display for BadRow {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.column {
            Some(column) => write!(formatter, "{column} {}", self.problem),
            None => formatter.write_str(&self.problem),
        }
    }
}

/// A column that is read.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    /// Its name here, for messages.
    pub(crate) name: &'static str,
    /// Its name in the file.
    pub(crate) heading: String,
    /// Whether a file without it is refused.
    pub(crate) required: bool,
    /// Whether JSON may have a whole number in it.
    pub(crate) numbers: bool,
}

/// A row's fields, as text. A field of an optional column may be missing.
pub(crate) struct RowText<'a, const N: usize> {
    pub(crate) line: u64,
    pub(crate) texts: Result<[Option<&'a str>; N], BadRow>,
}

/// Reads one row at a time.
pub(crate) trait Reader<const N: usize>: Send {
    /// The next row. `None` at the end of the file.
    fn next(&mut self) -> Result<Option<RowText<'_, N>>, FileError>;
}
