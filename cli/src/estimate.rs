//! What an import will cost, for the operator to see before it starts.

use std::{fs, io::BufRead as _, io::BufReader, path::Path, time::Duration};

use aws_sdk_dynamodb::Client;

use crate::rows::{Counted, FileError};

/// Write units a second that a new on-demand table takes at once
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/warm-throughput.html>). docs/scale.md has it too.
const OF_A_NEW_TABLE: u64 = 4_000;

/// How many write units a second a table takes at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WarmThroughput {
    /// As DynamoDB reports it of the table.
    Reported(u64),
    /// DynamoDB reports none: an emulator, or an account that may not describe the table.
    Unknown,
}

impl WarmThroughput {
    pub(crate) async fn of(client: &Client, table: &str) -> Self {
        let described = client.describe_table().table_name(table).send().await.ok().and_then(|described| described.table);
        let units = described.and_then(|table| table.warm_throughput?.write_units_per_second);
        units.and_then(|units| u64::try_from(units).ok()).filter(|units| *units > 0).map_or(Self::Unknown, Self::Reported)
    }
}

/// The rows of a file by its lines, as good as they tell: a quoted field may have line breaks. `None` if it can be read only once.
pub(crate) fn lines_of(file: &Path, header: bool) -> Result<Option<u64>, FileError> {
    if !fs::metadata(file).is_ok_and(|metadata| metadata.is_file()) {
        return Ok(None);
    }
    let mut source = BufReader::new(Counted::open(file)?);
    let mut lines = 0_u64;
    while source.skip_until(b'\n')? > 0 {
        lines += 1;
    }
    Ok(Some(lines.saturating_sub(u64::from(header))))
}

/// The line on standard error: rows, write units, and the time that they take at the table's warm throughput.
pub(crate) fn sentence(rows: u64, units_a_row: u64, warm: WarmThroughput) -> String {
    let (a_second, whose) = match warm {
        WarmThroughput::Reported(units) => (units, "the table's warm throughput"),
        WarmThroughput::Unknown => (OF_A_NEW_TABLE, "the warm throughput of a new on-demand table"),
    };
    let units = rows.saturating_mul(units_a_row);
    let took = readable(Duration::from_secs(units.div_ceil(a_second)));
    format!("rows: {rows}, write units: {units} ({units_a_row} a row), {took} at {a_second} units a second, {whose}")
}

fn readable(time: Duration) -> String {
    match time.as_secs() {
        seconds @ ..60 => format!("{seconds} s"),
        seconds => format!("{} min", seconds.div_ceil(60)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_rows_are_ten_million_units() {
        assert_eq!(
            sentence(1_000_000, 10, WarmThroughput::Unknown),
            "rows: 1000000, write units: 10000000 (10 a row), 42 min at 4000 units a second, the warm throughput of a new on-demand table"
        );
        assert_eq!(
            sentence(1_000, 10, WarmThroughput::Reported(40_000)),
            "rows: 1000, write units: 10000 (10 a row), 1 s at 40000 units a second, the table's warm throughput"
        );
        assert_eq!(sentence(0, 10, WarmThroughput::Unknown).split(", ").nth(2), Some("0 s at 4000 units a second"));
    }
}
