//! User ids that an export made of something else: of no value, or of a number that lost digits. Imported as they are, they would
//! make one user of all the people whose rows have them, and each could end the others' logins.

use super::BadRow;

/// What exporters write for "no value", in lower case: SQL clients and dumps, languages, data frames, spreadsheets.
const NO_VALUE: [&str; 10] = ["null", "(null)", "<null>", "nil", "\\n", "none", "undefined", "nan", "n/a", "#n/a"];

/// Refuses such an id. `--user-ids-as-they-are` leaves this check out.
pub(crate) fn check(user_id: &str) -> Result<(), BadRow> {
    problem(user_id).map_or(Ok(()), |problem| {
        let problem = format!("{problem}; --user-ids-as-they-are imports it all the same");
        Err(BadRow::in_column(latchkey::import::COLUMNS[0], problem))
    })
}

fn problem(user_id: &str) -> Option<&'static str> {
    if user_id.trim().is_empty() {
        return Some("is blank");
    }
    if user_id.trim() != user_id || user_id.contains(char::is_control) {
        return Some("has white space around it, or a control character");
    }
    if NO_VALUE.contains(&user_id.to_ascii_lowercase().as_str()) {
        return Some("is what exports write for no value");
    }
    if is_rounded(user_id) {
        return Some("is a number in scientific notation, which a spreadsheet has rounded: other users' ids may have become the same");
    }
    if is_float(user_id) {
        return Some("is a whole number with a decimal point, which an export has added: the user's own id has none");
    }
    None
}

/// `1.23457E+17`, as spreadsheets write a long number. Without the plus it may be an id of hexadecimal digits.
fn is_rounded(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['E', 'e']) else { return false };
    let Some(exponent) = exponent.strip_prefix('+') else { return false };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    [whole, fraction, exponent].into_iter().all(is_digits)
}

/// `42.0`, as data frames write a column of integers that has a gap.
fn is_float(text: &str) -> bool {
    text.split_once('.')
        .is_some_and(|(whole, fraction)| is_digits(whole) && is_digits(fraction) && fraction.bytes().all(|byte| byte == b'0'))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_identity_is_refused() {
        for bad in [
            "",
            " ",
            "   ",
            "\t",
            " ada",
            "ada ",
            "a\nb",
            "a\u{0}",
            "NULL",
            "null",
            "Null",
            "(null)",
            "<NULL>",
            "\\N",
            "None",
            "nil",
            "undefined",
            "nan",
            "NaN",
            "N/A",
            "#N/A",
            "1.23457E+17",
            "1E+17",
            "1.23457e+17",
            "42.0",
            "42.00",
            "0.0",
        ] {
            let refused = check(bad).unwrap_err();
            assert_eq!(refused.column, Some("user_id"), "{bad:?}");
            assert!(refused.problem.contains("--user-ids-as-they-are"), "{bad:?}: {}", refused.problem);
        }
    }

    #[test]
    fn an_id_is_any_other_text() {
        for good in [
            "0",
            "42",
            "-1",
            "user-1",
            "ada@example.com",
            "Ada Lovelace",
            "nullable",
            "Nonette",
            "nano",
            "null-1",
            "1e17",
            "9e12",
            "e+1",
            "1E-17",
            "1.2.3",
            "42.5",
            "42.01",
            "v42.0",
            ".0",
            "42.",
            "1.E+17",
            "123456789012345678",
            "\\N1",
            "用户",
            "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
        ] {
            assert_eq!(check(good), Ok(()), "{good:?}");
        }
    }
}
