//! One JSON object per line (<https://jsonlines.org>). An export of a DynamoDB table has lines like `{"Item":{"name":{"S":"ada"}}}`.

use std::{
    borrow::Cow,
    fmt,
    io::{self, BufRead as _, BufReader, Read as _},
};

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::{BadRow, Column, Counted, FileError, ROW_MAX_BYTES, Reader, RowText};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Lines, and the texts of the last one.
pub(crate) struct JsonRows<const N: usize> {
    source: BufReader<Counted>,
    columns: [Column; N],
    line: u64,
    bytes: Vec<u8>,
    texts: [Option<String>; N],
}

/// Reads the members that are columns. Others are ignored; one of these twice is an error.
#[derive(Clone, Copy)]
struct Members<'a, const N: usize> {
    columns: &'a [Column; N],
    /// Within an `Item` of DynamoDB.
    item: bool,
}

impl<'de, const N: usize> DeserializeSeed<'de> for Members<'_, N> {
    type Value = [Option<Value>; N];

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, const N: usize> Visitor<'de> for Members<'_, N> {
    type Value = [Option<Value>; N];

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut values = [const { None }; N];
        while let Some(name) = members.next_key::<Cow<'_, str>>()? {
            if name == "Item" && !self.item {
                values = members.next_value_seed(Self { item: true, ..self })?;
            } else if let Some(at) = self.columns.iter().position(|column| column.heading == name) {
                let value: Value = members.next_value()?;
                let value = if self.item { plain(value) } else { value };
                match values.get_mut(at) {
                    Some(place @ None) => *place = Some(value),
                    _ => return Err(A::Error::custom("a member twice")),
                }
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(values)
    }
}

/// A value of DynamoDB's JSON, without its type: `{"S":"ada"}` is a text. What is no single value stays as it is.
fn plain(value: Value) -> Value {
    let Value::Object(typed) = value else { return value };
    match typed.iter().next() {
        // A number is a text there, and keeps all its digits.
        Some((kind, Value::String(text))) if kind == "S" || kind == "N" => Value::String(text.clone()),
        Some((kind, Value::Bool(value))) if kind == "BOOL" => Value::Bool(*value),
        Some((kind, _)) if kind == "NULL" => Value::Null,
        _ => Value::Object(typed),
    }
}

impl<const N: usize> JsonRows<N> {
    pub(crate) fn of(source: Counted, columns: [Column; N]) -> Self {
        Self { source: BufReader::new(source), columns, line: 0, bytes: Vec::new(), texts: [const { None }; N] }
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
        let mut parser = serde_json::Deserializer::from_str(text);
        // serde_json's messages may quote a token.
        let values =
            Members { columns: &self.columns, item: false }.deserialize(&mut parser).and_then(|values| parser.end().map(|()| values));
        let values = values.map_err(|_| BadRow::new("the row is no JSON object with each column once"))?;
        for ((text, value), column) in self.texts.iter_mut().zip(values).zip(&self.columns) {
            *text = match value {
                Some(Value::String(value)) => Some(value),
                // Many tables number their users.
                Some(Value::Number(number)) if column.numbers && !number.is_f64() => Some(number.to_string()),
                Some(Value::Bool(value)) if column.name == "status" => Some(value.to_string()),
                None | Some(Value::Null) if column.required => return Err(BadRow::in_column(column.name, "is missing")),
                None | Some(Value::Null) => None,
                Some(_) if column.name == "user_id" => return Err(BadRow::in_column(column.name, "takes a string or a whole number")),
                Some(_) => return Err(BadRow::in_column(column.name, "takes a string")),
            };
        }
        Ok(())
    }
}

impl<const N: usize> Reader<N> for JsonRows<N> {
    fn next(&mut self) -> Result<Option<RowText<'_, N>>, FileError> {
        loop {
            let read = match self.read_line()? {
                None => return Ok(None),
                Some(Ok(())) if self.bytes.trim_ascii().is_empty() => continue,
                Some(read) => read,
            };
            let parsed = read.and_then(|()| self.parse());
            return Ok(Some(RowText { line: self.line, texts: parsed.map(|()| self.texts.each_ref().map(Option::as_deref)) }));
        }
    }
}
