//! Comma-separated rows (RFC 4180) under a header.

use std::io::{self, Chain, Read};

use csv::{ByteRecord, Reader as CsvReader, ReaderBuilder, Terminator};
use latchkey::import::COLUMNS;

use super::row::{BadRow, Counted, FileError, ROW_MAX_BYTES, Reader, RowText};

/// Put after the file, so that its last row is ended too.
const LINE_FEED: &[u8] = b"\n";

/// Rows, and in which field each column stands.
pub(super) struct CsvRows {
    reader: CsvReader<Bounded>,
    fields: [usize; 5],
    width: usize,
    record: ByteRecord,
}

impl CsvRows {
    /// Reads the header. Gives also the columns that mean nothing here.
    pub(super) fn of(source: Counted) -> Result<(Self, Vec<String>), FileError> {
        let bounded = Bounded { source: source.chain(LINE_FEED), left: ROW_MAX_BYTES };
        // Flexible: a row with a field too few is one bad row, and no end of the file. Ended by the line feed alone, with any
        // carriage return left to the last field: otherwise the reader's line is that of the end of the row before.
        let mut reader = ReaderBuilder::new().flexible(true).terminator(Terminator::Any(b'\n')).from_reader(bounded);
        let header = reader.byte_headers().map_err(|error| file_error(error, 1))?.clone();
        if header.is_empty() {
            return Err(FileError::Empty);
        }
        let names = header.iter().map(|name| std::str::from_utf8(name).map(str::trim)).collect::<Result<Vec<_>, _>>();
        let names = names.map_err(|_| FileError::HeaderEncoding)?;
        let fields = fields(&names)?;
        let ignored = names.iter().filter(|name| !COLUMNS.contains(name)).map(|name| (*name).to_owned()).collect();
        Ok((Self { reader, fields, width: names.len(), record: ByteRecord::new() }, ignored))
    }
}

fn fields(names: &[&str]) -> Result<[usize; 5], FileError> {
    let missing: Vec<_> = COLUMNS.into_iter().filter(|column| !names.contains(column)).collect();
    if !missing.is_empty() {
        let hint = match names {
            [one] if one.contains(';') || one.contains('\t') => "; columns are separated by commas",
            _ => "; the first line names the columns",
        };
        return Err(FileError::MissingColumns { missing, hint });
    }
    if let Some(repeated) = COLUMNS.into_iter().find(|column| names.iter().filter(|name| *name == column).count() > 1) {
        return Err(FileError::RepeatedColumn(repeated));
    }
    Ok(COLUMNS.map(|column| names.iter().position(|name| *name == column).unwrap_or_default()))
}

impl Reader for CsvRows {
    fn next(&mut self) -> Result<Option<RowText<'_>>, FileError> {
        loop {
            let next = self.reader.position().line();
            self.reader.get_mut().left = ROW_MAX_BYTES;
            if !self.reader.read_byte_record(&mut self.record).map_err(|error| file_error(error, next))? {
                return Ok(None);
            }
            if self.record.as_slice() == b"\r" {
                continue;
            }
            let within = self.record.as_slice().iter().filter(|byte| **byte == b'\n').count() as u64;
            let line = self.reader.position().line() - 1 - within;
            return Ok(Some(RowText { line, texts: self.texts() }));
        }
    }
}

impl CsvRows {
    fn texts(&self) -> Result<[&str; 5], BadRow> {
        if self.record.len() != self.width {
            return Err(BadRow::new(format!("the row has {} fields, and the header {}", self.record.len(), self.width)));
        }
        let mut texts = [""; 5];
        for ((text, field), column) in texts.iter_mut().zip(self.fields).zip(COLUMNS) {
            let mut bytes = self.record.get(field).unwrap_or_default();
            if field + 1 == self.width {
                bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
            }
            *text = std::str::from_utf8(bytes).map_err(|_| BadRow::in_column(column, "is not UTF-8"))?;
        }
        Ok(texts)
    }
}

/// Refuses to read on within one row: the csv crate would keep it all in memory.
struct Bounded {
    source: Chain<Counted, &'static [u8]>,
    left: u64,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let read = self.source.read(buffer)?;
        self.left = self.left.saturating_sub(read as u64);
        Ok(read)
    }
}

fn file_error(error: csv::Error, line: u64) -> FileError {
    match error.into_kind() {
        csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => FileError::EndlessRow { line },
        csv::ErrorKind::Io(error) => FileError::Unreadable(error),
        // Bytes in rows of any length: nothing else can go wrong.
        other => FileError::Unreadable(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("the csv reader gave up near line {line}: {}", name(&other)),
        )),
    }
}

/// The kind alone: a message of the crate may quote a field.
fn name(kind: &csv::ErrorKind) -> &'static str {
    match kind {
        csv::ErrorKind::Utf8 { .. } => "encoding",
        csv::ErrorKind::UnequalLengths { .. } => "lengths",
        csv::ErrorKind::Seek => "seek",
        _ => "unknown",
    }
}
