//! Ids of users, logins and sessions, as tokens and keys contain them.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};

use crate::entropy::{NoEntropy, Random};

/// The longest user id, in bytes. Every item contains it, and every item must stay under 1 KiB (one write unit).
pub const USER_ID_MAX_BYTES: usize = 128;

/// Characters in a user key and in a login id.
pub(crate) const KEY_CHARS: usize = 22;

/// Whether `text` uses only the alphabet of tokens and ids, `A-Z a-z 0-9 - _` (RFC 4648 section 5).
#[must_use]
pub fn is_url_safe(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Not the 22 URL-safe characters of a user key or a login id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not 22 URL-safe characters")]
pub struct MalformedId;

fn parse_22(text: &str) -> Result<Box<str>, MalformedId> {
    if text.len() == KEY_CHARS && is_url_safe(text) { Ok(text.into()) } else { Err(MalformedId) }
}

/// The partition key of a user: the first 22 characters of base64url(SHA-256("latchkey:user:" + user id)).
///
/// Any user id works, and none can be read from a token.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserKey(Box<str>);

impl UserKey {
    /// The key of the user with this id.
    #[must_use]
    pub fn of(user_id: &str) -> Self {
        let hash = digest(&SHA256, format!("latchkey:user:{user_id}").as_bytes());
        let mut text = URL_SAFE_NO_PAD.encode(hash.as_ref());
        text.truncate(KEY_CHARS);
        Self(text.into())
    }

    /// Reads a key from a token or an item.
    ///
    /// # Errors
    /// [`MalformedId`] for anything but 22 URL-safe characters.
    pub fn parse(text: &str) -> Result<Self, MalformedId> {
        parse_22(text).map(Self)
    }

    /// The 22 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A login's id: 128 random bits in 22 URL-safe characters. It isn't a secret: logs and device lists show it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LoginId(Box<str>);

impl LoginId {
    /// A new id.
    ///
    /// # Errors
    /// [`NoEntropy`] when the generator fails.
    pub fn generate(random: &Random) -> Result<Self, NoEntropy> {
        let bytes: [u8; 16] = random.bytes()?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes).into()))
    }

    /// What a register names that a block has made: no login has this id.
    pub(crate) fn of_no_login(user_key: &UserKey) -> Self {
        let hash = digest(&SHA256, format!("latchkey:no-login:{}", user_key.as_str()).as_bytes());
        Self::first_of(&URL_SAFE_NO_PAD.encode(hash.as_ref()))
    }

    /// The id made of the first characters of a longer URL-safe text.
    pub(crate) fn first_of(text: &str) -> Self {
        Self(text.chars().take(KEY_CHARS).collect())
    }

    /// Reads an id from a path, a token or an item.
    ///
    /// # Errors
    /// [`MalformedId`] for anything but 22 URL-safe characters.
    pub fn parse(text: &str) -> Result<Self, MalformedId> {
        parse_22(text).map(Self)
    }

    /// The 22 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LoginId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The key of a login: its user's partition and its own sort key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LoginKey {
    /// The partition of the user.
    pub user_key: UserKey,
    /// The login.
    pub login_id: LoginId,
}

/// The number of a session within its login: 0 at the login, one more at every refresh. It has 30 bits, five characters of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(u32);

impl Generation {
    /// The first session, which the login made.
    pub const FIRST: Self = Self(0);
    /// The last one that a token can name. A login that refreshes every half minute gets there in a thousand years.
    pub const MAX: u32 = (1 << 30) - 1;

    /// The generation with this number. `None` if 30 bits can't hold it.
    #[must_use]
    pub const fn new(number: u32) -> Option<Self> {
        if number <= Self::MAX { Some(Self(number)) } else { None }
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The successor's generation. `None` after the last one.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        Self::new(self.0 + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_key_is_22_characters_and_never_changes() {
        assert_eq!(UserKey::of("user-1").as_str(), "h2uzXkR-4Tn0EKGWcJpQdr");
        assert_eq!(UserKey::of("").as_str().len(), 22);
        assert_ne!(UserKey::of("a"), UserKey::of("A"));
    }

    #[test]
    fn an_id_is_22_url_safe_characters() {
        for wrong in ["", "short", "aaaaaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaaa=", "aaaaaaaaaaaaaaaaaaaaa\n", "éaaaaaaaaaaaaaaaaaaaa"]
        {
            assert_eq!(LoginId::parse(wrong), Err(MalformedId), "{wrong:?}");
        }
        assert!(LoginId::parse("abcdefghijklmnopqrst-_").is_ok());
    }

    #[test]
    fn generations_end_at_30_bits() {
        assert_eq!(Generation::FIRST.next().map(Generation::number), Some(1));
        assert_eq!(Generation::new(Generation::MAX).and_then(Generation::next), None);
        assert_eq!(Generation::new(1 << 30), None);
    }
}
