//! A row of either format, and the errors of rows and files.

use std::{
    fmt,
    fs::File,
    io::{self, Read},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use latchkey::import::COLUMNS;

/// The longest row, in bytes. A valid row takes a kilobyte; an open quote would take the rest of the file.
pub(super) const ROW_MAX_BYTES: u64 = 64 * 1024;

/// Why the rest of a file can't be read. Rows imported before stay.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Its name doesn't end with a known format.
    #[error("neither .csv nor .jsonl: say with --format what the file is")]
    UnknownFormat,
    /// It doesn't exist or can't be read.
    #[error("the file can't be read: {0}; check its path and who may read it")]
    Unreadable(#[from] io::Error),
    #[error("the file is empty: it needs a header row with {}", COLUMNS.join(", "))]
    Empty,
    #[error("line 1: the header is not UTF-8; save the file as UTF-8")]
    HeaderEncoding,
    #[error("line 1: the header has no column {}{hint}", missing.join(", "))]
    MissingColumns {
        missing: Vec<&'static str>,
        /// What may have happened.
        hint: &'static str,
    },
    /// A column occurs twice.
    #[error("line 1: the header has the column {0} twice")]
    RepeatedColumn(&'static str),
    /// A row without an end.
    #[error("line {line}: the row is over {} KiB long; is a quote left open? Nothing after it was read", ROW_MAX_BYTES / 1024)]
    EndlessRow { line: u64 },
}

/// Why a row isn't a session. The error never contains the row's values, because they may be tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BadRow {
    pub(super) column: Option<&'static str>,
    pub(super) problem: String,
}

impl BadRow {
    pub(super) fn new(problem: impl Into<String>) -> Self {
        Self { column: None, problem: problem.into() }
    }

    pub(super) fn in_column(column: &'static str, problem: impl Into<String>) -> Self {
        Self { column: Some(column), problem: problem.into() }
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

/// A row's fields, as text.
pub(super) struct RowText<'a> {
    pub(super) line: u64,
    /// In the order of [`COLUMNS`].
    pub(super) texts: Result<[&'a str; 5], BadRow>,
}

/// Reads one row at a time.
pub(super) trait Reader: Send {
    /// The next row. `None` at the end of the file.
    fn next(&mut self) -> Result<Option<RowText<'_>>, FileError>;
}

/// A file that counts the bytes read from it, for the progress bar.
pub(super) struct Counted {
    source: Box<dyn Read + Send>,
    count: Arc<AtomicU64>,
    /// In bytes; standard input has none.
    pub(super) length: Option<u64>,
}

impl Counted {
    /// Opens a file; `-` is standard input.
    pub(super) fn open(file: &Path) -> Result<Self, FileError> {
        if file == Path::new("-") {
            return Ok(Self::over(io::stdin(), None));
        }
        let file = File::open(file)?;
        let metadata = file.metadata()?;
        Ok(Self::over(file, metadata.is_file().then_some(metadata.len())))
    }

    pub(super) fn over(source: impl Read + Send + 'static, length: Option<u64>) -> Self {
        Self { source: Box::new(source), count: Arc::default(), length }
    }

    /// How many bytes have been read, now and later.
    pub(super) fn count(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.count)
    }
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.count.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
