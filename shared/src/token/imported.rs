//! Tokens that another service made, accepted until their logins are refreshed.

use std::fmt;

use super::{Access, Kind, MalformedToken, Refresh, TOKEN_CHARS, TokenHash};
use crate::ids::is_url_safe;

/// The shortest imported token, in characters. A shorter one could be guessed.
pub const IMPORTED_MIN_CHARS: usize = 16;

/// A token that another service issued: 16 to 256 URL-safe characters that name neither a user nor a kind. The index that finds it
/// says which kind it is.
#[derive(Clone)]
pub struct ImportedToken(Box<str>);

impl ImportedToken {
    /// Parses one. A text that begins like a token of Latchkey is refused, so that a damaged token costs no lookup.
    ///
    /// # Errors
    /// [`MalformedToken`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, MalformedToken> {
        if !(IMPORTED_MIN_CHARS..=TOKEN_CHARS).contains(&text.len()) {
            return Err(MalformedToken::ImportedLength);
        }
        if !is_url_safe(text) {
            return Err(MalformedToken::Alphabet);
        }
        if looks_like_ours(text) {
            return Err(MalformedToken::ImportedPrefix);
        }
        Ok(Self(text.into()))
    }

    /// SHA-256 of all its characters, the only form that is stored.
    #[must_use]
    pub fn hash<K: Kind>(&self) -> TokenHash<K> {
        TokenHash::of(&self.0)
    }

    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

/// Whether a text begins like a token of Latchkey.
pub(super) fn looks_like_ours(text: &str) -> bool {
    text.starts_with(Access::PREFIX) || text.starts_with(Refresh::PREFIX)
}

impl fmt::Debug for ImportedToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_imported_token_is_16_to_256_url_safe_characters_and_not_like_ours() {
        let long = "x".repeat(256);
        for right in ["0123456789abcdef", "lkb_456789abcdef-_", long.as_str()] {
            assert!(ImportedToken::parse(right).is_ok(), "{right}");
        }
        let too_long = "x".repeat(257);
        for (wrong, why) in [
            ("", MalformedToken::ImportedLength),
            ("0123456789abcde", MalformedToken::ImportedLength),
            (too_long.as_str(), MalformedToken::ImportedLength),
            ("0123456789abcde=", MalformedToken::Alphabet),
            ("0123456789 abcdef", MalformedToken::Alphabet),
            ("lka_0123456789abcdef", MalformedToken::ImportedPrefix),
            ("lkr_0123456789abcdef", MalformedToken::ImportedPrefix),
        ] {
            assert_eq!(ImportedToken::parse(wrong).err(), Some(why), "{wrong}");
        }
    }

    #[test]
    fn debug_shows_nothing_of_it() {
        assert_eq!(format!("{:?}", ImportedToken::parse("0123456789abcdef")), "Ok([redacted])");
    }
}
