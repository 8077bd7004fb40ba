//! The rows of a file: each is a session to import or the reason why it isn't one.

use std::path::Path;

use latchkey::import::{ImportRow, ImportedSession};

use super::{
    csv_rows::CsvRows,
    duplicates::Duplicates,
    json_rows::JsonRows,
    row::{BadRow, Counted, FileError, Reader, RowText},
    user_ids,
};
use crate::args::ImportFormat;

/// A row and its first line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) line: u64,
    pub(super) session: Result<ImportedSession, BadRow>,
}

/// The rows of a file, one after the other.
pub(super) struct Rows {
    reader: Box<dyn Reader>,
    seen: Duplicates,
    user_ids_as_they_are: bool,
    /// Columns that are ignored.
    pub(super) ignored: Vec<String>,
}

impl Rows {
    pub(super) fn of(source: Counted, format: ImportFormat) -> Result<Self, FileError> {
        let (reader, ignored): (Box<dyn Reader>, _) = match format {
            ImportFormat::Csv => {
                let (rows, ignored) = CsvRows::of(source)?;
                (Box::new(rows), ignored)
            }
            ImportFormat::Jsonl => (Box::new(JsonRows::of(source)), Vec::new()),
        };
        Ok(Self { reader, seen: Duplicates::default(), user_ids_as_they_are: false, ignored })
    }

    /// The same rows, whose user ids may look like no value or a rounded number.
    pub(super) fn with_user_ids_as_they_are(self, user_ids_as_they_are: bool) -> Self {
        Self { user_ids_as_they_are, ..self }
    }

    /// The next row. `None` at the end of the file.
    pub(super) fn next(&mut self) -> Result<Option<Row>, FileError> {
        let Some(RowText { line, texts }) = self.reader.next()? else { return Ok(None) };
        let as_they_are = self.user_ids_as_they_are;
        let session =
            texts.and_then(|texts| parse(texts, as_they_are)).and_then(|session| self.seen.check(&session, line).map(|()| session));
        Ok(Some(Row { line, session }))
    }
}

fn parse(
    [user_id, access_token, refresh_token, access_token_expires_at, refresh_token_expires_at]: [&str; 5],
    user_ids_as_they_are: bool,
) -> Result<ImportedSession, BadRow> {
    // An empty one is refused in any case.
    if !user_ids_as_they_are && !user_id.is_empty() {
        user_ids::check(user_id)?;
    }
    ImportedSession::parse(ImportRow { user_id, access_token, refresh_token, access_token_expires_at, refresh_token_expires_at })
        .map_err(|error| BadRow::in_column(error.column, error.problem))
}

/// The format, by the end of the file's name.
pub(super) fn format_of(file: &Path) -> Result<ImportFormat, FileError> {
    let extension = file.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
    match extension.as_deref() {
        Some("csv") => Ok(ImportFormat::Csv),
        Some("jsonl" | "ndjson") => Ok(ImportFormat::Jsonl),
        _ => Err(FileError::UnknownFormat),
    }
}

#[cfg(test)]
mod tests;
