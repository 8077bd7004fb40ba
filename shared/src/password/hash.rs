//! What the users table holds of a password.

use std::fmt;

use argon2::Version;
use argon2::password_hash::phc;
use thiserror::Error;
use zeroize::Zeroizing;

use super::{Costs, Foreign, Password};

/// Random bytes, as in a PHC string: 16 of salt and 32 in the place of the hash.
const DUMMY: &str = "s4w/Lt/xkR1fX3SIfxB6hg$os8TV5ZJ944DXAq7XCWhPWpm5WHv2ilmEKYmpVj6ElM";

/// What is stored of a password: a PHC string that says Argon2id, version 19, with parameters a login can bear; or a hash of another
/// system in the grammar of [`Foreign`]; or that there is no password. Its `Debug` prints `[redacted]`.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    pub(super) text: Zeroizing<String>,
    pub(super) kind: Kind,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Own,
    Foreign(Box<Foreign>),
    NoPassword,
    Unreadable,
}

/// Stored where a user has no password.
const NO_PASSWORD: &str = "$foreign$none";

impl PasswordHash {
    /// Reads a stored PHC string, `$argon2id$v=19$m=…,t=…,p=…$salt$hash`. Its parameters are judged here, before
    /// anything is allocated for them: 8 to 64 MiB, 1 to 10 passes, 1 to 4 lanes, a salt of 8 to 48 bytes,
    /// a hash of 16 to 64 bytes.
    ///
    /// # Errors
    /// [`PasswordHashError`] names what is wrong with it, never the string.
    pub fn parse(stored: String) -> Result<Self, PasswordHashError> {
        let text = Zeroizing::new(stored);
        read(&text)?;
        Ok(Self { text, kind: Kind::Own })
    }

    /// Reads what the users table holds, whatever it is. If it is of no form, [`is_unreadable`](Self::is_unreadable) says so, and no
    /// password is right.
    #[must_use]
    pub fn stored(text: String) -> Self {
        let text = Zeroizing::new(text);
        let kind = if *text == NO_PASSWORD {
            Kind::NoPassword
        } else if let Some(foreign) = Foreign::parse(&text) {
            Kind::Foreign(Box::new(foreign))
        } else if read(&text).is_ok() {
            Kind::Own
        } else {
            Kind::Unreadable
        };
        Self { text, kind }
    }

    /// Of a user who can't log in with any password. To verify one against it takes the time that a wrong password takes.
    #[must_use]
    pub fn none() -> Self {
        Self { text: Zeroizing::new(NO_PASSWORD.to_owned()), kind: Kind::NoPassword }
    }

    /// The hash of another system, if it is one.
    #[must_use]
    pub fn foreign(&self) -> Option<&Foreign> {
        match &self.kind {
            Kind::Foreign(foreign) => Some(foreign),
            Kind::Own | Kind::NoPassword | Kind::Unreadable => None,
        }
    }

    /// Whether there is no password.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.kind == Kind::NoPassword
    }

    /// Whether it is of no form that Latchkey verifies, or beyond the bounds.
    #[must_use]
    pub fn is_unreadable(&self) -> bool {
        self.kind == Kind::Unreadable
    }

    /// Whether it should be replaced once `password` was found right: another function or other costs than a new hash, which has
    /// `costs`. A hash that saw only the first 72 bytes of a longer password stays, because the rest of it was never checked.
    #[must_use]
    pub fn is_to_be_replaced(&self, password: &Password, costs: &Costs) -> bool {
        match &self.kind {
            Kind::Own => self.needs_rehash(costs),
            Kind::Foreign(foreign) => foreign.takes_whole(password.sent_bytes()),
            Kind::NoPassword | Kind::Unreadable => false,
        }
    }

    /// The text, for storing.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether a new hash, with `costs`, would have other parameters: then the next login with the right password replaces this one.
    #[must_use]
    pub fn needs_rehash(&self, costs: &Costs) -> bool {
        read(&self.text).map_or(true, |stored| stored.costs != *costs)
    }

    /// A hash with these costs that is the hash of no known password.
    #[must_use]
    pub fn dummy(costs: &Costs) -> Self {
        let Costs { memory_kib, passes, lanes, .. } = costs;
        let text = format!("$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${DUMMY}");
        Self { text: Zeroizing::new(text), kind: Kind::Own }
    }
}

impl From<Foreign> for PasswordHash {
    fn from(foreign: Foreign) -> Self {
        Self { text: foreign.to_text(), kind: Kind::Foreign(Box::new(foreign)) }
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Whether passwords are verified against the hashes of other systems: `ACCEPT_FOREIGN_HASHES`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForeignHashes {
    /// As far as one takes no more memory than this.
    Accepted {
        /// In KiB.
        most_memory_kib: u32,
    },
    /// A user with such a hash can't log in.
    Refused,
}

impl ForeignHashes {
    /// Whether a login may verify this hash; otherwise why not. A user without a password has nothing to verify, and nothing is wrong.
    ///
    /// # Errors
    /// The reason, for the log.
    pub fn admit(self, hash: &PasswordHash) -> Result<(), &'static str> {
        match (&hash.kind, self) {
            (Kind::Own | Kind::NoPassword, _) => Ok(()),
            (Kind::Foreign(foreign), Self::Accepted { most_memory_kib }) if foreign.memory_kib() <= most_memory_kib => Ok(()),
            (Kind::Foreign(_), Self::Accepted { .. }) => Err("foreign_hash_beyond_memory"),
            (Kind::Foreign(_), Self::Refused) => Err("foreign_hashes_not_accepted"),
            (Kind::Unreadable, _) => Err("unreadable_hash"),
        }
    }
}

/// Why a stored password hash is not one that Latchkey verifies.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum PasswordHashError {
    /// Not of the form `$name$v=…$params$salt$hash`.
    #[error("the stored password hash is no PHC string")]
    Malformed(#[source] phc::Error),
    /// Another function, or another version of this one.
    #[error("the stored password hash is not Argon2id, version 19")]
    Algorithm,
    /// Parameters are missing, or there are more than m, t and p.
    #[error("the stored password hash does not have exactly the parameters m, t and p, a salt and a hash")]
    Parameters,
    /// A parameter out of bounds.
    #[error("the stored password hash has {name} = {value}, which is out of bounds")]
    OutOfBounds {
        /// The parameter.
        name: &'static str,
        /// Its value: m in KiB, lengths in bytes.
        value: u64,
    },
}

/// A PHC string, read and judged.
pub(super) struct Stored {
    pub(super) salt: phc::Salt,
    pub(super) output: phc::Output,
    pub(super) costs: Costs,
}

/// Reads and judges a PHC string. Both byte strings have fixed upper lengths in the phc crate: nothing is allocated.
pub(super) fn read(stored: &str) -> Result<Stored, PasswordHashError> {
    let hash = phc::PasswordHash::new(stored).map_err(PasswordHashError::Malformed)?;
    if hash.algorithm != argon2::ARGON2ID_IDENT || hash.version != Some(Version::V0x13.into()) {
        return Err(PasswordHashError::Algorithm);
    }
    let (Some(memory_kib), Some(passes), Some(lanes), Some(salt), Some(output), 3) = (
        hash.params.get_decimal("m"),
        hash.params.get_decimal("t"),
        hash.params.get_decimal("p"),
        hash.salt,
        hash.hash,
        hash.params.iter().count(), // a fourth would be `keyid` or `data`, which Latchkey never writes
    ) else {
        return Err(PasswordHashError::Parameters);
    };
    let costs = Costs { memory_kib, passes, lanes, salt_bytes: salt.len(), hash_bytes: output.len() };
    costs.within_bounds()?;
    Ok(Stored { salt, output, costs })
}
