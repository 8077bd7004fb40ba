//! Files that are one document of JSON. A document is read whole, and its users keep the line that they begin in.

use std::io::Read as _;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::rows::{Counted, FileError};

/// The text of a document. Its beginning is enough to tell one document from lines of JSON.
pub(super) fn text(mut source: Counted) -> Result<String, FileError> {
    let mut text = String::new();
    source.read_to_string(&mut text)?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

#[derive(Deserialize)]
struct WithUsers<'a> {
    #[serde(borrow)]
    users: Vec<&'a RawValue>,
}

/// The members of `users`, each with its line.
pub(super) fn users<'a>(text: &'a str, takes: &'static str) -> Result<Vec<(u64, &'a str)>, FileError> {
    let read: Result<WithUsers<'a>, _> = serde_json::from_str(text);
    let read = read.map_err(|error| FileError::Document { line: error.line() as u64, takes })?;
    Ok(with_lines(text, read.users))
}

/// The members of a list, each with its line.
pub(super) fn list<'a>(text: &'a str, takes: &'static str) -> Result<Vec<(u64, &'a str)>, FileError> {
    let read: Result<Vec<&'a RawValue>, _> = serde_json::from_str(text);
    let read = read.map_err(|error| FileError::Document { line: error.line() as u64, takes })?;
    Ok(with_lines(text, read))
}

/// Each line of JSON lines, with its number.
pub(super) fn lines(text: &str) -> Vec<(u64, &str)> {
    (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()).collect()
}

/// The values are slices of the text, in its order.
fn with_lines<'a>(text: &'a str, values: Vec<&'a RawValue>) -> Vec<(u64, &'a str)> {
    let (mut line, mut counted) = (1, 0);
    let mut lines = Vec::with_capacity(values.len());
    for value in values {
        let begins = value.get().as_ptr().addr() - text.as_ptr().addr();
        line += text.as_bytes().get(counted..begins).unwrap_or_default().iter().filter(|byte| **byte == b'\n').count() as u64;
        counted = begins;
        lines.push((line, value.get()));
    }
    lines
}
