//! Comma-separated rows (RFC 4180) under a header.

use std::io::{self, Chain, Read};

use super::{BadRow, Column, Counted, FileError, ROW_MAX_BYTES, Reader, RowText};
use csv::{ByteRecord, Reader as CsvReader, ReaderBuilder, Terminator};

/// Put after the file, so that its last row is ended too.
const LINE_FEED: &[u8] = b"\n";

/// Rows, and in which field each column stands.
pub(crate) struct CsvRows<const N: usize> {
    reader: CsvReader<Bounded>,
    columns: [Column; N],
    fields: [Option<usize>; N],
    width: usize,
    record: ByteRecord,
}

impl<const N: usize> CsvRows<N> {
    /// Reads the header. Gives also the columns that mean nothing here.
    pub(crate) fn of(source: Counted, columns: [Column; N]) -> Result<(Self, Vec<String>), FileError> {
        let bounded = Bounded { source: source.chain(LINE_FEED), left: ROW_MAX_BYTES, ended: false };
        // Flexible: a row with a field too few is one bad row, and no end of the file. Ended by the line feed alone, with any
        // carriage return left to the last field: otherwise the reader's line is that of the end of the row before.
        let mut reader = ReaderBuilder::new().flexible(true).terminator(Terminator::Any(b'\n')).from_reader(bounded);
        let header = reader.byte_headers().map_err(|error| file_error(error, 1))?.clone();
        if header.is_empty() {
            return Err(FileError::Empty(headings(&columns)));
        }
        let names = header.iter().map(|name| std::str::from_utf8(name).map(str::trim)).collect::<Result<Vec<_>, _>>();
        let names = names.map_err(|_| FileError::HeaderEncoding)?;
        let fields = fields(&names, &columns)?;
        let read = |name: &str| columns.iter().any(|column| column.heading == name);
        let ignored = names.iter().filter(|name| !read(name)).map(|name| (*name).to_owned()).collect();
        Ok((Self { reader, columns, fields, width: names.len(), record: ByteRecord::new() }, ignored))
    }
}

fn headings<const N: usize>(columns: &[Column; N]) -> Vec<String> {
    columns.iter().filter(|column| column.required).map(|column| column.heading.clone()).collect()
}

fn fields<const N: usize>(names: &[&str], columns: &[Column; N]) -> Result<[Option<usize>; N], FileError> {
    let missing: Vec<_> = headings(columns).into_iter().filter(|heading| !names.contains(&heading.as_str())).collect();
    if !missing.is_empty() {
        let hint = match names {
            [one] if one.contains(';') || one.contains('\t') => "; columns are separated by commas",
            _ => "; the first line names the columns",
        };
        return Err(FileError::MissingColumns { missing, hint });
    }
    if let Some(repeated) = columns.iter().find(|column| names.iter().filter(|name| **name == column.heading).count() > 1) {
        return Err(FileError::RepeatedColumn(repeated.heading.clone()));
    }
    Ok(columns.each_ref().map(|column| names.iter().position(|name| *name == column.heading)))
}

impl<const N: usize> Reader<N> for CsvRows<N> {
    fn next(&mut self) -> Result<Option<RowText<'_, N>>, FileError> {
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
            // The last line feed ends the last row, unless a quote is open: then it is in the row, and the file's end ends it.
            if self.reader.get_ref().ended {
                let line = self.reader.position().line() - within;
                return Err(FileError::OpenQuote { line });
            }
            let line = self.reader.position().line() - 1 - within;
            return Ok(Some(RowText { line, texts: self.texts() }));
        }
    }
}

impl<const N: usize> CsvRows<N> {
    fn texts(&self) -> Result<[Option<&str>; N], BadRow> {
        if self.record.len() != self.width {
            return Err(BadRow::new(format!("the row has {} fields, and the header {}", self.record.len(), self.width)));
        }
        let mut texts = [None; N];
        for ((text, field), column) in texts.iter_mut().zip(self.fields).zip(&self.columns) {
            let Some(field) = field else { continue };
            let mut bytes = self.record.get(field).unwrap_or_default();
            if field + 1 == self.width {
                bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
            }
            *text = Some(std::str::from_utf8(bytes).map_err(|_| BadRow::in_column(column.name, "is not UTF-8"))?);
        }
        Ok(texts)
    }
}

/// Refuses to read on within one row: the csv crate would keep it all in memory.
struct Bounded {
    source: Chain<Counted, &'static [u8]>,
    left: u64,
    /// Whether the end was read.
    ended: bool,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let read = self.source.read(buffer)?;
        self.left = self.left.saturating_sub(read as u64);
        self.ended |= read == 0 && !buffer.is_empty();
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
