//! Users in CSV or JSON lines: Latchkey's own columns, under whatever name the file has them.

use latchkey::password::ForeignHash;

use super::{
    entry::{Entered, Entry, Fields},
    settings::Settings,
};
use crate::{
    args::UsersFormat,
    rows::{BadRow, Column, Counted, CsvRows, FileError, JsonRows, Reader, RowText},
};

/// The columns of a file of users.
pub(crate) const COLUMNS: [&str; 4] = ["username", "user_id", "password_hash", "status"];

/// The rows of a file, one after the other.
pub(super) struct Rows {
    reader: Box<dyn Reader<4>>,
    /// Columns that are ignored.
    pub(super) ignored: Vec<String>,
}

impl Rows {
    pub(super) fn of(source: Counted, format: UsersFormat, settings: &Settings) -> Result<Self, FileError> {
        let columns = COLUMNS.map(|name| {
            let named = settings.columns.iter().find(|(ours, _)| ours == name).map(|(_, theirs)| theirs.clone());
            // A column that the command names has to be there.
            let required = name == "username" || named.is_some();
            let of_format = if format == UsersFormat::Cognito && name == "username" { "cognito:username" } else { name };
            Column {
                name,
                heading: named.unwrap_or_else(|| of_format.to_owned()),
                required,
                numbers: name == "user_id" || name == "status",
            }
        });
        let (reader, ignored): (Box<dyn Reader<4>>, _) = match format {
            UsersFormat::Jsonl => (Box::new(JsonRows::of(source, columns)), Vec::new()),
            _ => {
                let (rows, ignored) = CsvRows::of(source, columns)?;
                (Box::new(rows), ignored)
            }
        };
        Ok(Self { reader, ignored })
    }

    /// The next row. `None` at the end of the file.
    pub(super) fn next(&mut self, settings: &Settings) -> Result<Option<Entry>, FileError> {
        let Some(RowText { line, texts }) = self.reader.next()? else { return Ok(None) };
        let user = texts.and_then(|texts| entered(texts, settings)).map_err(Into::into);
        Ok(Some(Entry { line, user }))
    }
}

fn entered([username, user_id, hash, status]: [Option<&str>; 4], settings: &Settings) -> Result<Entered, BadRow> {
    let fields = Fields {
        username: username.unwrap_or_default(),
        user_id,
        hash: ForeignHash::read(hash.unwrap_or_default(), &settings.hints),
        disabled: status.map_or(Ok(false), is_disabled)?,
    };
    fields.entered(settings.user_ids_as_they_are)
}

/// `t` and `f` are PostgreSQL's.
fn is_disabled(status: &str) -> Result<bool, BadRow> {
    match status.to_ascii_lowercase().as_str() {
        "active" | "enabled" | "true" | "t" | "1" | "yes" => Ok(false),
        "disabled" | "inactive" | "false" | "f" | "0" | "no" => Ok(true),
        _ => Err(BadRow::in_column("status", "takes active, enabled, true, t, yes or 1; disabled, inactive, false, f, no or 0")),
    }
}
