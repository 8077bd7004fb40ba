//! The rows of a file: each is a session to import or the reason why it isn't one.

use std::path::Path;

use latchkey::import::{COLUMNS, ImportRow, ImportedSession};

use super::duplicates::Duplicates;
use crate::{
    args::ImportFormat,
    rows::{BadRow, Column, Counted, CsvRows, FileError, JsonRows, Reader, RowText, TimeFormat, ending, rfc3339, user_ids},
};

/// A row and its first line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) line: u64,
    pub(super) session: Result<ImportedSession, BadRow>,
}

/// The rows of a file, one after the other.
pub(super) struct Rows {
    reader: Box<dyn Reader<5>>,
    seen: Duplicates,
    time_format: TimeFormat,
    user_ids_as_they_are: bool,
    /// Columns that are ignored.
    pub(super) ignored: Vec<String>,
}

impl Rows {
    pub(super) fn of(source: Counted, format: ImportFormat, time_format: TimeFormat) -> Result<Self, FileError> {
        let epoch = matches!(time_format, TimeFormat::EpochS | TimeFormat::EpochMs);
        let numbers = |name: &str| name == "user_id" || (epoch && name.ends_with("_at"));
        let columns = COLUMNS.map(|name| Column { name, heading: name.to_owned(), required: true, numbers: numbers(name) });
        let (reader, ignored): (Box<dyn Reader<5>>, _) = match format {
            ImportFormat::Csv => {
                let (rows, ignored) = CsvRows::of(source, columns)?;
                (Box::new(rows), ignored)
            }
            ImportFormat::Jsonl => (Box::new(JsonRows::of(source, columns)), Vec::new()),
        };
        Ok(Self { reader, seen: Duplicates::default(), time_format, user_ids_as_they_are: false, ignored })
    }

    /// The same rows, whose user ids may look like no value or a rounded number.
    pub(super) fn with_user_ids_as_they_are(self, user_ids_as_they_are: bool) -> Self {
        Self { user_ids_as_they_are, ..self }
    }

    /// The next row. `None` at the end of the file.
    pub(super) fn next(&mut self) -> Result<Option<Row>, FileError> {
        let Some(RowText { line, texts }) = self.reader.next()? else { return Ok(None) };
        let (as_they_are, time_format) = (self.user_ids_as_they_are, self.time_format);
        let texts = texts.map(|texts| texts.map(Option::unwrap_or_default));
        let session = texts
            .and_then(|texts| parse(texts, as_they_are, time_format))
            .and_then(|session| self.seen.check(&session, line).map(|()| session));
        Ok(Some(Row { line, session }))
    }
}

fn parse(
    [user_id, access_token, refresh_token, access_token_expires_at, refresh_token_expires_at]: [&str; 5],
    user_ids_as_they_are: bool,
    time_format: TimeFormat,
) -> Result<ImportedSession, BadRow> {
    // An empty one is refused in any case.
    if !user_ids_as_they_are && !user_id.is_empty() {
        user_ids::check(user_id)?;
    }
    let date = |column, text| {
        rfc3339(text, time_format).ok_or_else(|| BadRow::in_column(column, "is no date of the format that --time-format names"))
    };
    let access_token_expires_at = &date(COLUMNS[3], access_token_expires_at)?;
    let refresh_token_expires_at = &date(COLUMNS[4], refresh_token_expires_at)?;
    ImportedSession::parse(ImportRow { user_id, access_token, refresh_token, access_token_expires_at, refresh_token_expires_at })
        .map_err(|error| BadRow::in_column(error.column, error.problem))
}

/// The format, by the end of the file's name.
pub(super) fn format_of(file: &Path) -> Result<ImportFormat, FileError> {
    match ending(file).as_deref() {
        Some("csv") => Ok(ImportFormat::Csv),
        Some("jsonl" | "ndjson") => Ok(ImportFormat::Jsonl),
        // What DynamoDB exports to S3 is named so, and has one item per line.
        Some("json") if file.extension().is_some_and(|gz| gz.eq_ignore_ascii_case("gz")) => Ok(ImportFormat::Jsonl),
        _ => Err(FileError::UnknownFormat),
    }
}

#[cfg(test)]
mod tests;
