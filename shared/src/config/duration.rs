//! Durations as people write them: `30s`, `5m`, `1h`, `7d`, `0`.

use std::time::Duration;

/// Reads a number and a unit, or `0`; `None` for anything else.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let unit_at = text.len().checked_sub(1)?;
    let (digits, unit) = text.split_at_checked(unit_at)?;
    let seconds = match unit {
        "s" => 1,
        "m" => super::MINUTE,
        "h" => super::HOUR,
        "d" => super::DAY,
        _ => return None,
    };
    // `parse` would take a sign.
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse::<u64>().ok()?.checked_mul(seconds).map(Duration::from_secs)
}

/// The shortest spelling that [`parse_duration`] reads back.
pub(super) fn spell(seconds: u64) -> String {
    [(super::DAY, 'd'), (super::HOUR, 'h'), (super::MINUTE, 'm')]
        .into_iter()
        .find(|(unit, _)| seconds >= *unit && seconds.is_multiple_of(*unit))
        .map_or_else(|| format!("{seconds}s"), |(unit, letter)| format!("{}{letter}", seconds / unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_a_number_and_a_unit() {
        for (text, seconds) in [("0", 0), ("0s", 0), ("30s", 30), ("5m", 300), ("1h", 3600), ("7d", 604_800), ("010s", 10)] {
            assert_eq!(parse_duration(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "5", "s", "-5m", "+5m", "5 m", "5M", "1.5h", "5m30s", "99999999999999999999s", "9999999999999999999d", "é"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_spelled_reads_back() {
        for seconds in [1, 59, 60, 90, 3600, 86_400, 604_800] {
            assert_eq!(parse_duration(&spell(seconds)), Some(Duration::from_secs(seconds)));
        }
    }
}
