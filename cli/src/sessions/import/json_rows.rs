//! One JSON object per line (<https://jsonlines.org>).

use std::io::{self, BufRead as _, BufReader, Read as _};

use latchkey::import::COLUMNS;
use serde::Deserialize;
use serde_json::Value;

use super::row::{BadRow, Counted, FileError, ROW_MAX_BYTES, Reader, RowText};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Lines, and the texts of the last one.
pub(super) struct JsonRows {
    source: BufReader<Counted>,
    line: u64,
    bytes: Vec<u8>,
    texts: [String; 5],
}

/// Other members are ignored; one of these twice is an error.
#[derive(Deserialize)]
struct Members {
    user_id: Option<Value>,
    access_token: Option<Value>,
    refresh_token: Option<Value>,
    access_token_expires_at: Option<Value>,
    refresh_token_expires_at: Option<Value>,
}

impl JsonRows {
    pub(super) fn of(source: Counted) -> Self {
        Self { source: BufReader::new(source), line: 0, bytes: Vec::new(), texts: Default::default() }
    }

    /// Reads a line without its end, as far as a row goes; none at the end of the file.
    fn read_line(&mut self) -> io::Result<Option<Result<(), BadRow>>> {
        self.bytes.clear();
        let limit = ROW_MAX_BYTES + 2;
        if (&mut self.source).take(limit).read_until(b'\n', &mut self.bytes)? == 0 {
            return Ok(None);
        }
        self.line += 1;
        if self.bytes.len() as u64 == limit && !self.bytes.ends_with(b"\n") {
            self.source.skip_until(b'\n')?;
            return Ok(Some(Err(BadRow::new(format!("the row is over {} KiB long", ROW_MAX_BYTES / 1024)))));
        }
        if self.line == 1 && self.bytes.starts_with(BYTE_ORDER_MARK) {
            self.bytes.drain(..BYTE_ORDER_MARK.len());
        }
        Ok(Some(Ok(())))
    }

    fn parse(&mut self) -> Result<(), BadRow> {
        let text = std::str::from_utf8(&self.bytes)
            .map_err(|error| BadRow::new(format!("the row is not UTF-8, from its byte {} on", error.valid_up_to() + 1)))?;
        // serde_json's messages may quote a token.
        let members: Members = serde_json::from_str(text).map_err(|_| BadRow::new("the row is no JSON object with each column once"))?;
        let values = [
            members.user_id,
            members.access_token,
            members.refresh_token,
            members.access_token_expires_at,
            members.refresh_token_expires_at,
        ];
        for ((text, value), column) in self.texts.iter_mut().zip(values).zip(COLUMNS) {
            *text = match value {
                Some(Value::String(value)) => value,
                // Many tables number their users.
                Some(Value::Number(number)) if column == "user_id" && !number.is_f64() => number.to_string(),
                Some(_) => return Err(BadRow::in_column(column, "takes a string")),
                None => return Err(BadRow::in_column(column, "is missing")),
            };
        }
        Ok(())
    }
}

impl Reader for JsonRows {
    fn next(&mut self) -> Result<Option<RowText<'_>>, FileError> {
        loop {
            let read = match self.read_line()? {
                None => return Ok(None),
                Some(Ok(())) if self.bytes.trim_ascii().is_empty() => continue,
                Some(read) => read,
            };
            let parsed = read.and_then(|()| self.parse());
            return Ok(Some(RowText { line: self.line, texts: parsed.map(|()| self.texts.each_ref().map(String::as_str)) }));
        }
    }
}
