//! Dates as other systems write them.

use std::borrow::Cow;

use chrono::{DateTime, Datelike as _, NaiveDateTime, Utc};
use clap::ValueEnum;

/// How a file writes dates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum TimeFormat {
    /// RFC 3339 with an offset. Also `+02` and `UTC` for one, as PostgreSQL and BigQuery write them.
    #[default]
    Rfc3339,
    /// Seconds since 1970, whole or with a fraction.
    EpochS,
    /// Milliseconds since 1970.
    EpochMs,
    /// A date and a time without an offset, in UTC: MySQL, PostgreSQL's timestamp.
    NaiveUtc,
}

/// The same date in RFC 3339. `None` if it isn't of that format.
pub(crate) fn rfc3339(text: &str, format: TimeFormat) -> Option<Cow<'_, str>> {
    match format {
        TimeFormat::Rfc3339 => Some(with_whole_offset(text)),
        TimeFormat::EpochS => {
            let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
            let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            let milliseconds: String = fraction.chars().chain("000".chars()).take(3).collect();
            let both = format!("{seconds}{milliseconds}");
            if digits(seconds) && digits(fraction) { epoch(both.parse().ok()?) } else { None }
        }
        TimeFormat::EpochMs => text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten().and_then(epoch),
        TimeFormat::NaiveUtc => {
            let naive = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f");
            let naive = naive.or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f")).ok()?;
            Some(spelled(naive.and_utc()))
        }
    }
}

fn epoch(milliseconds: i64) -> Option<Cow<'static, str>> {
    // Beyond are milliseconds that were taken for seconds; RFC 3339 has no such years.
    DateTime::from_timestamp_millis(milliseconds).filter(|time| time.year() <= 9999).map(spelled)
}

fn spelled(time: DateTime<Utc>) -> Cow<'static, str> {
    latchkey::clock::rfc3339(time).into()
}

/// `2026-12-24 10:05:00+00` of PostgreSQL, `… UTC` of BigQuery, `… +0000 UTC` of Go, in the spelling of RFC 3339.
fn with_whole_offset(text: &str) -> Cow<'_, str> {
    let (text, utc) = match text.strip_suffix(" UTC") {
        Some(text) => (text, true),
        None => (text, false),
    };
    let time_begins = "2026-12-24 1".len();
    let signed = text.get(time_begins..).and_then(|time| time.rfind(['+', '-'])).map(|at| at + time_begins);
    match signed.and_then(|at| text.split_at_checked(at)) {
        None if utc => format!("{text}Z").into(),
        None => text.into(),
        Some((time, offset)) if offset.bytes().skip(1).all(|byte| byte.is_ascii_digit()) => match offset.split_at_checked(3) {
            Some((hours, "")) => format!("{}{hours}:00", time.trim_end()).into(),
            Some((hours, minutes)) if minutes.len() == 2 => format!("{}{hours}:{minutes}", time.trim_end()).into(),
            _ => text.into(),
        },
        Some(_) => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn read(text: &str, format: TimeFormat) -> Option<DateTime<Utc>> {
        DateTime::parse_from_rfc3339(&rfc3339(text, format)?).ok().map(|time| time.to_utc())
    }

    #[test]
    fn dates_of_other_systems_are_read() {
        let time = DateTime::parse_from_rfc3339("2026-12-24T10:05:00Z").unwrap().to_utc();
        for (text, format) in [
            ("2026-12-24T10:05:00Z", TimeFormat::Rfc3339),
            ("2026-12-24 10:05:00+00", TimeFormat::Rfc3339),
            ("2026-12-24 10:05:00+00:00", TimeFormat::Rfc3339),
            ("2026-12-24 15:35:00+05:30", TimeFormat::Rfc3339),
            ("2026-12-24 15:35:00+0530", TimeFormat::Rfc3339),
            ("2026-12-24 05:05:00-05", TimeFormat::Rfc3339),
            ("2026-12-24 10:05:00 UTC", TimeFormat::Rfc3339),
            ("2026-12-24 10:05:00 +0000 UTC", TimeFormat::Rfc3339),
            ("1798106700", TimeFormat::EpochS),
            ("1798106700.0", TimeFormat::EpochS),
            ("1798106700000", TimeFormat::EpochMs),
            ("2026-12-24 10:05:00", TimeFormat::NaiveUtc),
            ("2026-12-24T10:05:00.000000", TimeFormat::NaiveUtc),
        ] {
            assert_eq!(read(text, format), Some(time), "{text}");
        }
        let more = TimeDelta::milliseconds(123);
        for (text, format) in [
            ("2026-12-24 10:05:00.123+00", TimeFormat::Rfc3339),
            ("1798106700.1239", TimeFormat::EpochS),
            ("1798106700123", TimeFormat::EpochMs),
            ("2026-12-24 10:05:00.123", TimeFormat::NaiveUtc),
        ] {
            assert_eq!(read(text, format), Some(time + more), "{text}");
        }
    }

    /// A date without an offset is in no time zone until the switch says so, and a number is no date.
    #[test]
    fn what_is_of_another_format_is_refused() {
        for text in ["2026-12-24 10:05:00", "1798106700", "1798106700000", "", "UTC", " UTC", "2026-12-24", "2026-12-24 10:05:00+5", "é"] {
            assert_eq!(read(text, TimeFormat::Rfc3339), None, "{text}");
        }
        for text in ["2026-12-24T10:05:00Z", "-5", "+5", "1e9", "1.", ".5", "", "1798106700123456789012"] {
            assert_eq!(read(text, TimeFormat::EpochS), None, "{text}");
            assert_eq!(read(text, TimeFormat::EpochMs), None, "{text}");
        }
        assert_eq!(rfc3339("1798106700000", TimeFormat::EpochS), None, "milliseconds");
        for text in ["2026-12-24 10:05:00+00", "2026-12-24T10:05:00Z", "1798106700", "2026-12-24"] {
            assert_eq!(read(text, TimeFormat::NaiveUtc), None, "{text}");
        }
    }
}
