//! Lists on standard output: an aligned table for people, JSON lines for scripts.

use chrono::{DateTime, Utc};
use comfy_table::{ContentArrangement, Table, presets::NOTHING};
use serde_json::Value;

/// The form of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listing {
    /// A table with headers.
    Table,
    /// One JSON object per line.
    JsonLines,
}

impl Listing {
    /// The form for the flag `--json`.
    #[must_use]
    pub fn json(json: bool) -> Self {
        if json { Self::JsonLines } else { Self::Table }
    }

    /// The list as text, with a line break after each line. Empty if there are no rows.
    #[must_use]
    pub fn render<T>(self, headers: &[&str], rows: &[T], cells: impl Fn(&T) -> Vec<String>, json: impl Fn(&T) -> Value) -> String {
        match self {
            Self::JsonLines => rows.iter().map(|row| format!("{}\n", json(row))).collect(),
            Self::Table if rows.is_empty() => String::new(),
            Self::Table => {
                let mut table = Table::new();
                table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled).set_header(headers);
                for row in rows {
                    table.add_row(cells(row).iter().map(|cell| harmless(cell)));
                }
                for column in table.column_iter_mut() {
                    column.set_padding((0, 2));
                }
                table.lines().map(|line| format!("{}\n", line.trim_end())).collect()
            }
        }
    }
}

/// A datetime for people: UTC, to the second.
#[must_use]
pub fn readable(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// Text that others chose, such as a device name, must not move the cursor or reverse the writing direction.
fn harmless(text: &str) -> String {
    let turns =
        |character: char| matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|character| if character.is_control() || turns(character) { '\u{fffd}' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(listing: Listing, rows: &[(&str, &str)]) -> String {
        let json = |row: &(&str, &str)| serde_json::json!({"name": row.0, "device": row.1});
        listing.render(&["NAME", "DEVICE"], rows, |row| vec![row.0.to_owned(), row.1.to_owned()], json)
    }

    #[test]
    fn columns_are_aligned_also_where_letters_are_wide() {
        let rows = [("ada", "phone"), ("絵本", "tablet")];
        assert_eq!(render(Listing::Table, &rows), "NAME  DEVICE\nada   phone\n絵本  tablet\n");
        assert_eq!(render(Listing::Table, &[]), "");
    }

    #[test]
    fn scripts_get_a_json_object_per_line() {
        assert_eq!(render(Listing::JsonLines, &[("ada", "a\"b\n")]), "{\"device\":\"a\\\"b\\n\",\"name\":\"ada\"}\n");
    }

    /// S2: a device name can't rewrite the operator's terminal.
    #[test]
    fn s2_nothing_moves_the_cursor() {
        let text = render(Listing::Table, &[("ada", "\u{1b}[2Kphone\n\r\u{202e}enohp\u{9b}1m")]);
        assert_eq!(text, "NAME  DEVICE\nada   \u{fffd}[2Kphone\u{fffd}\u{fffd}\u{fffd}enohp\u{fffd}1m\n");
    }

    #[test]
    fn dates_are_read_at_a_glance() {
        let time = DateTime::from_timestamp_millis(1_800_000_000_999).unwrap();
        assert_eq!(readable(time), "2027-01-15 08:00:00Z");
    }
}
