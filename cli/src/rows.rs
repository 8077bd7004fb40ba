//! The rows of a file that another system exported: CSV with a header, JSON lines, DynamoDB's exports, each of them compressed or not.

mod csv_rows;
mod json_rows;
mod row;
mod source;
mod times;
pub(crate) mod user_ids;

pub use row::FileError;

pub(crate) use csv_rows::CsvRows;
pub(crate) use json_rows::JsonRows;
pub(crate) use row::{BadRow, Column, ROW_MAX_BYTES, Reader, RowText};
pub(crate) use source::Counted;
pub use times::TimeFormat;
pub(crate) use times::rfc3339;

use std::path::Path;

/// The end of a file's name that says its format, in lower case, without `.gz`.
pub(crate) fn ending(file: &Path) -> Option<String> {
    let name = file.file_name()?.to_str()?.to_ascii_lowercase();
    let (stem, ending) = name.strip_suffix(".gz").unwrap_or(&name).rsplit_once('.')?;
    (!stem.is_empty()).then(|| ending.to_owned())
}
