//! Reads the spellings of other systems. None is guessed by its length: where a string doesn't say what it is, a hint has to.

mod encodings;
mod fields;
mod modular;
mod named;

pub use fields::FirebaseSettings;

#[cfg(feature = "foreign-hashes")]
pub(super) use encodings::{BCRYPT_BASE64, itoa64};

use zeroize::Zeroizing;

use super::{FastHash, Foreign, OutOfBounds};

/// A hash of another system, as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ForeignHash {
    /// It can be stored.
    Slow(Foreign),
    /// It has to be wrapped first.
    Fast(FastHash),
    /// The other system's mark of a user without a password.
    NoPassword,
}

/// What strings don't say.
#[derive(Default)]
pub struct Hints {
    /// The settings of PBKDF2 strings of Spring Security that name none.
    pub spring_pbkdf2: Option<SpringPbkdf2>,
    /// bcrypt was given the password's SHA-256 in hexadecimal (Flask-Bcrypt with `BCRYPT_HANDLE_LONG_PASSWORDS`).
    pub bcrypt_hex_sha256: bool,
    /// The secret behind the password (Devise).
    pub pepper: Option<Zeroizing<Vec<u8>>>,
}

/// The defaults of Spring Security's `Pbkdf2PasswordEncoder`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpringPbkdf2 {
    /// SHA-1, 185,000 rounds, 8 bytes of salt.
    V5_5,
    /// SHA-256, 310,000 rounds, 16 bytes of salt.
    V5_8,
}

/// Why a hash isn't read. It never contains the hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableHash {
    /// Of no form that is read.
    #[error("{0}")]
    Form(&'static str),
    /// Its costs are out of bounds.
    #[error(transparent)]
    OutOfBounds(#[from] OutOfBounds),
}

const MALFORMED: UnreadableHash = UnreadableHash::Form("begins like a hash, and isn't of that form to its end");

impl ForeignHash {
    /// Reads the string that another system stored.
    ///
    /// # Errors
    /// [`UnreadableHash`]
    pub fn read(text: &str, hints: &Hints) -> Result<Self, UnreadableHash> {
        if text.is_empty() || text.starts_with('!') || text == "*" || text == "x" {
            return Ok(Self::NoPassword);
        }
        if text.starts_with('{') {
            named::in_braces(text, hints)
        } else if text.starts_with('$') {
            modular::read(text, hints)
        } else {
            named::read(text, hints)
        }
    }
}
