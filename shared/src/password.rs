//! Passwords and what is kept of them: Argon2id hashes as PHC strings, and hashes of other systems until the first login.
//!
//! Everything here is synchronous. A hash takes tens of milliseconds of processor time and 19 MiB, so callers run
//! [`Password::hash`] and [`Password::verify`] on a blocking thread.

mod foreign;
mod hash;
mod hasher;
mod hashing;
pub mod rules;

pub use foreign::{FastHash, FirebaseSettings, Foreign, ForeignHash, Hints, OutOfBounds, SpringPbkdf2, UnreadableHash, Work};
pub use hash::{ForeignHashes, PasswordHash, PasswordHashError};
pub use hasher::{Costs, HashError, Hasher};
pub use hashing::{Hashing, HashingError};

use std::fmt;

use argon2::Version;
use argon2::password_hash::{self, phc};
use precis_profiles::OpaqueString;
use precis_profiles::precis_core::profile::Rules;
use subtle::ConstantTimeEq as _;
use thiserror::Error;
#[cfg(feature = "foreign-hashes")]
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use crate::entropy::Random;
use hash::{Kind, Stored, read};

/// A password as the client sent it, in the one form that is hashed. It has no `Display` and isn't cloned, its `Debug`
/// prints `[redacted]`, and its memory is wiped when it is dropped.
pub struct Password {
    mapped: Zeroizing<String>,
    /// For hashes of other systems, which map nothing.
    sent: Zeroizing<String>,
}

/// The password that was sent isn't 1 to 1024 bytes long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a password is 1 to {} bytes long", Password::MAX_BYTES)]
pub struct PasswordLengthError;

impl Password {
    /// The longest password that is accepted, in bytes of UTF-8 as sent.
    pub const MAX_BYTES: usize = 1024;

    /// Takes a password of 1 to [`MAX_BYTES`](Self::MAX_BYTES) bytes, whole: nothing is cut off, and a NUL is a
    /// character like any other.
    ///
    /// It is mapped as by the PRECIS profile OpaqueString (RFC 8265, section 4.2.2: any space is U+0020, then NFC), so
    /// that an é is the same password from every keyboard. The profile's refusals are left out: a hash function has no
    /// trouble with a control character, and IANA's table of PRECIS characters ends with Unicode 6.3. Were the mappings
    /// to wait for its consent, a newer emoji would take them away from the é beside it, and the day the table grows
    /// would lock that user out.
    ///
    /// # Errors
    /// [`PasswordLengthError`] for 0 bytes and for more than 1024.
    pub fn parse(sent: String) -> Result<Self, PasswordLengthError> {
        let sent = Zeroizing::new(sent);
        if sent.is_empty() || sent.len() > Self::MAX_BYTES {
            return Err(PasswordLengthError);
        }
        let profile = OpaqueString::new();
        let mapped = profile
            .additional_mapping_rule(sent.as_str())
            .and_then(|spaced| profile.normalization_rule(spaced))
            .map(|mapped| Zeroizing::new(mapped.into_owned()));
        // Neither mapping can fail; if an update of the crate made one, the bytes as sent are still a password.
        Ok(Self { mapped: mapped.unwrap_or_else(|_| sent.clone()), sent })
    }

    /// Its length as sent, in bytes.
    #[must_use]
    pub fn sent_bytes(&self) -> usize {
        self.sent.len()
    }

    /// Hashes with the costs of `hasher` and a fresh salt from `random`. Blocks for tens of milliseconds.
    ///
    /// # Errors
    /// [`HashError`] if there are no random bytes or no memory.
    pub fn hash(&self, random: &Random, hasher: &mut Hasher) -> Result<PasswordHash, HashError> {
        let salt: [u8; Costs::CURRENT.salt_bytes] = random.bytes()?;
        let params = hasher.costs.params()?;
        let hash = phc::PasswordHash {
            algorithm: argon2::ARGON2ID_IDENT,
            version: Some(Version::V0x13.into()),
            params: phc::ParamsString::try_from(&params)?,
            salt: Some(phc::Salt::new(&salt).map_err(password_hash::Error::from)?),
            hash: Some(hasher.argon2id(self.mapped.as_bytes(), &salt, params)?),
        };
        Ok(PasswordHash { text: Zeroizing::new(hash.to_string()), kind: Kind::Own })
    }

    /// Whether this is the password of `hash`, with the parameters of `hash`, compared in constant time. Blocks for
    /// tens of milliseconds, or for as long as a foreign hash takes. Where no password can be right, it takes the time of a wrong
    /// one, by the costs of `hasher`.
    ///
    /// # Errors
    /// [`HashError`] if there is no memory for it.
    pub fn verify(&self, hash: &PasswordHash, hasher: &mut Hasher) -> Result<bool, HashError> {
        match &hash.kind {
            Kind::Own => self.verify_own(&hash.text, hasher),
            Kind::Foreign(foreign) => self.verify_foreign(foreign, hasher),
            Kind::NoPassword | Kind::Unreadable => self.verify_own(&PasswordHash::dummy(&hasher.costs).text, hasher).map(|_| false),
        }
    }

    fn verify_own(&self, hash: &str, hasher: &mut Hasher) -> Result<bool, HashError> {
        let Stored { salt, output, costs } = read(hash)?;
        let ours = hasher.argon2id(self.mapped.as_bytes(), &salt, costs.params()?)?;
        Ok(ours.as_bytes().ct_eq(output.as_bytes()).into())
    }

    /// Other systems hash the bytes that the keyboard sent, composed or decomposed. So the bytes as sent are tried first, then both
    /// normalisations, if they differ and the work allows.
    #[cfg(feature = "foreign-hashes")]
    fn verify_foreign(&self, foreign: &Foreign, hasher: &mut Hasher) -> Result<bool, HashError> {
        let mut forms = vec![self.sent.clone()];
        for form in [self.sent.nfc().collect(), self.sent.nfd().collect()].map(Zeroizing::new) {
            if !forms.contains(&form) {
                forms.push(form);
            }
        }
        for form in forms.iter().take(foreign.work().tries()) {
            if foreign.verify(form.as_bytes(), hasher)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    #[cfg(not(feature = "foreign-hashes"))]
    fn verify_foreign(&self, _: &Foreign, _: &mut Hasher) -> Result<bool, HashError> {
        Err(HashError::Foreign)
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests;
