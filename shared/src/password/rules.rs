//! Rules for new passwords, after NIST SP 800-63B-4, section 3.1.1.2: long and hard to guess. There are no rules on composition, and no
//! expiry.

use super::Password;
use thiserror::Error;
use zxcvbn::feedback::{Feedback, Warning};
use zxcvbn::{Score, zxcvbn};

/// The shortest new password, in Unicode scalar values: NIST's number for a password that is the only factor.
const MIN_CHARACTERS: usize = 15;

/// How many characters are judged. With many symbols that can stand for letters (`4`, `@`, `(`), zxcvbn tries every combination of their
/// meanings on the whole password: 100 such characters take longer than 60 password hashes.
const JUDGED_CHARACTERS: usize = 32;

/// The words that an attacker would try here first, besides the username: the product, and the demo user's published password with its
/// obvious variants.
const EXPECTED: [&str; 4] = ["latchkey", "correct-horse-battery-staple", "correct horse battery staple", "correcthorsebatterystaple"];

/// Why a new password is refused, in words for the person who chose it. It says nothing of the password but its length.
#[derive(Debug, PartialEq, Error)]
pub enum WeakPassword {
    /// Fewer than 15 characters.
    #[error("the password has {characters} characters and needs at least {MIN_CHARACTERS}: try four or more unrelated words")]
    TooShort {
        /// How many it has, in Unicode scalar values.
        characters: usize,
    },
    /// More than 1024 bytes.
    #[error("the password has {bytes} bytes and may have {}: shorten it", Password::MAX_BYTES)]
    TooLong {
        /// How many it has, in UTF-8.
        bytes: usize,
    },
    /// A NUL character. A login refuses it, so such a password could never be used.
    #[error("the password holds a NUL character: leave it out")]
    Nul,
    /// Common, repetitive, or made from the username.
    #[error("the password is easy to guess{}: try four or more unrelated words, or let a password manager choose", because(.0.as_ref()))]
    Guessable(Option<Warning>),
}

fn because(warning: Option<&Warning>) -> String {
    warning.map(|warning| format!(" ({})", warning.to_string().trim_end_matches('.'))).unwrap_or_default()
}

/// Checks a new password of the user `username`.
///
/// # Errors
/// [`WeakPassword`] says what to do about it.
pub fn check(password: &str, username: &str) -> Result<(), WeakPassword> {
    let characters = password.chars().count();
    if characters < MIN_CHARACTERS {
        return Err(WeakPassword::TooShort { characters });
    }
    if password.len() > Password::MAX_BYTES {
        return Err(WeakPassword::TooLong { bytes: password.len() });
    }
    if password.contains('\0') {
        return Err(WeakPassword::Nul);
    }
    // An address is guessed by its parts too; parts of one or two letters would match by chance.
    let parts = username.split(|c: char| !c.is_alphanumeric()).filter(|part| part.chars().count() > 2);
    // Of these, too, only the beginning can be found in the beginning of a password.
    let expected: Vec<&str> = EXPECTED.into_iter().chain([username]).chain(parts).map(beginning).collect();
    let estimate = zxcvbn(beginning(password), &expected);
    // The highest score, from 10^10 guesses on: at this length a password falls short of it by being well known only.
    if estimate.score() < Score::Four {
        return Err(WeakPassword::Guessable(estimate.feedback().and_then(Feedback::warning)));
    }
    Ok(())
}

/// The characters that are judged.
fn beginning(text: &str) -> &str {
    text.char_indices().nth(JUDGED_CHARACTERS).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guessable(password: &str, username: &str) -> bool {
        matches!(check(password, username), Err(WeakPassword::Guessable(_)))
    }

    #[test]
    fn good_passwords() {
        for password in [
            "violin gravel postcode heron",
            "jkx8vqz2mwp4rtn",
            "пароль для скрипки",
            "絵本の中の青い鯨が空を飛んで笑う",
            "\u{1f916} robots & tin cans",
        ] {
            assert_eq!(check(password, "alice"), Ok(()), "{password}");
        }
    }

    #[test]
    fn l4_lengths_at_the_edges() {
        assert_eq!(check("", "alice"), Err(WeakPassword::TooShort { characters: 0 }));
        assert_eq!(check("jkx8vqz2mwp4rt", "alice"), Err(WeakPassword::TooShort { characters: 14 }));
        assert_eq!(check("ñkx8vqz2mwp4rt", "alice"), Err(WeakPassword::TooShort { characters: 14 }), "characters, not bytes");
        assert_eq!(check("jkx8vqz2mwp4rtn", "alice"), Ok(()));
        let long = "jkx8 vqz2 mwp4 rtn6 ".repeat(52);
        let (fits, over): (String, String) = (long.chars().take(1024).collect(), long.chars().take(1025).collect());
        assert_eq!(check(&fits, "alice"), Ok(()));
        assert_eq!(check(&over, "alice"), Err(WeakPassword::TooLong { bytes: 1025 }));
    }

    #[test]
    fn only_the_beginning_is_judged() {
        let good = "violin gravel postcode heron and";
        assert_eq!(good.chars().count(), JUDGED_CHARACTERS);
        assert_eq!(check(&format!("{good}{}", "a".repeat(900)), "alice"), Ok(()));
        assert!(guessable(&format!("{}violin gravel postcode heron", "a".repeat(JUDGED_CHARACTERS)), "alice"));
    }

    #[test]
    fn a_password_that_no_login_takes() {
        assert_eq!(check("violin gravel\0postcode heron", "alice"), Err(WeakPassword::Nul));
    }

    #[test]
    fn common_and_expected_passwords() {
        for password in [
            "passwordpassword",
            "123456789012345",
            "qwertyuiopasdfgh",
            "aaaaaaaaaaaaaaaaaa",
            "abcdefghijklmno",
            "administrator2026",
            "Password123456!",
        ] {
            assert!(guessable(password, "alice"), "{password}");
        }
        for password in [
            "correct-horse-battery-staple",
            "Correct Horse Battery Staple",
            "correcthorsebatterystaple!",
            "latchkeylatchkey",
            "Latchkey2026Latchkey",
        ] {
            assert!(guessable(password, "alice"), "{password}");
        }
    }

    #[test]
    fn the_username_is_no_password() {
        assert!(guessable("alice@example.com", "alice@example.com"));
        assert!(guessable("verylongusername1", "VeryLongUsername"));
        assert!(guessable("alicealicealice", "alice@example.com"));
        let longer_than_what_is_judged = "jkxvqzmwprtnlhsdgfbcjkvxqzwmprtnlhsdgfbc";
        assert!(guessable(longer_than_what_is_judged, longer_than_what_is_judged));
        assert_eq!(check("violin gravel postcode heron", "v.g"), Ok(()), "short parts of it don't count");
    }

    #[test]
    fn errors_say_what_to_do_and_not_what_was_typed() {
        let error = check("passwordpassword", "alice").unwrap_err().to_string();
        assert!(error.contains("four or more unrelated words"), "{error}");
        assert!(error.contains("Repeats like"), "{error}");
        for password in ["canary", "canarycanarycanary", &"canary".repeat(200)] {
            let error = check(password, "alice").unwrap_err();
            assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
        }
    }
}
