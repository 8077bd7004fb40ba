//! Passwords and what is kept of them: Argon2id hashes as PHC strings, and hashes of other systems until the first login.
//!
//! Everything here is synchronous. A hash takes tens of milliseconds of processor time and 19 MiB, so callers run
//! [`Password::hash`] and [`Password::verify`] on a blocking thread.

mod foreign;
mod hashing;
pub mod rules;

pub use foreign::{FastHash, FirebaseSettings, Foreign, ForeignHash, Hints, OutOfBounds, SpringPbkdf2, UnreadableHash, Work};
pub use hashing::{Hashing, HashingError};

use std::fmt;
use std::ops::RangeInclusive;

use argon2::password_hash::{self, phc};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use precis_profiles::OpaqueString;
use precis_profiles::precis_core::profile::Rules;
use subtle::ConstantTimeEq as _;
use thiserror::Error;
#[cfg(feature = "foreign-hashes")]
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use crate::entropy::{NoEntropy, Random};

// What a stored hash may ask of the function that verifies it. A row of the users table must not decide how much
// memory or time a login takes: the smallest function has 128 MiB.
const MEMORY_KIB: RangeInclusive<u32> = 8 * 1024..=64 * 1024;
const PASSES: RangeInclusive<u32> = 1..=10;
const LANES: RangeInclusive<u32> = 1..=4;
const SALT_BYTES: RangeInclusive<usize> = 8..=48; // the phc crate has room for no more
const HASH_BYTES: RangeInclusive<usize> = 16..=64;

/// Blocks of 1 KiB that are kept for the next hash: the most that a hash of our own takes.
const MEMORY_BLOCKS_KEPT: usize = 64 * 1024;

/// Random bytes, as in a PHC string: 16 of salt and 32 in the place of the hash.
const DUMMY: &str = "s4w/Lt/xkR1fX3SIfxB6hg$os8TV5ZJ944DXAq7XCWhPWpm5WHv2ilmEKYmpVj6ElM";

/// What a hash costs to verify, and the lengths of its two byte strings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Costs {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt_bytes: usize,
    hash_bytes: usize,
}

impl Costs {
    /// Of a new hash: m = 19 MiB, t = 2, p = 1, OWASP's minimum for Argon2id
    /// (<https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html>).
    pub const CURRENT: Self = Self { memory_kib: 19_456, passes: 2, lanes: 1, salt_bytes: 16, hash_bytes: 32 };

    /// With the least memory and passes that a stored hash may have: for tests that log in thousands of times.
    pub const LEAST: Self = Self { memory_kib: *MEMORY_KIB.start(), passes: *PASSES.start(), ..Self::CURRENT };

    fn params(&self) -> Result<Params, password_hash::Error> {
        Ok(Params::new(self.memory_kib, self.passes, self.lanes, Some(self.hash_bytes))?)
    }
}

/// A PHC string, read and judged.
struct Stored {
    salt: phc::Salt,
    output: phc::Output,
    costs: Costs,
}

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

/// The costs of new hashes, and the memory that passwords are hashed in. A wrapped hash doesn't store its costs, so it always has the
/// current ones. The memory is kept from one hash to the next: as much as the largest of them took, 19 MiB at the current costs. It is
/// wiped after each.
///
/// Taken from the allocator and given back at every hash, it would become many times as much: glibc seldom finds a freed block
/// again when the alignment asked for is not its own.
pub struct Hasher {
    costs: Costs,
    memory: Vec<Block>,
}

/// With the current costs.
impl Default for Hasher {
    fn default() -> Self {
        Self::new(Costs::CURRENT)
    }
}

impl Hasher {
    /// Without memory, until the first hash.
    #[must_use]
    pub fn new(costs: Costs) -> Self {
        Self { costs, memory: Vec::new() }
    }

    fn argon2id(&mut self, password: &[u8], salt: &[u8], params: Params) -> Result<phc::Output, password_hash::Error> {
        let length = params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
        let mut output = [0; phc::Output::MAX_LENGTH];
        let output = &mut output[..length];
        self.argon2(Algorithm::Argon2id, Version::V0x13, params, password, salt, output)?;
        Ok(phc::Output::new(output)?)
    }

    fn argon2(
        &mut self,
        algorithm: Algorithm,
        version: Version,
        params: Params,
        password: &[u8],
        salt: &[u8],
        output: &mut [u8],
    ) -> Result<(), password_hash::Error> {
        let blocks = params.block_count();
        self.hold(blocks)?;
        let memory = &mut self.memory[..blocks];
        let done = Argon2::new(algorithm, version, params).hash_password_into_with_memory(password, salt, output, &mut *memory);
        memory.fill(Block::new());
        // A foreign hash may have taken a hundred megabytes, which no other needs.
        if blocks > MEMORY_BLOCKS_KEPT {
            self.memory.truncate(MEMORY_BLOCKS_KEPT);
            self.memory.shrink_to_fit();
        }
        Ok(done?)
    }

    /// Takes at least so many blocks and writes to each, so that the kernel has given their pages.
    fn hold(&mut self, blocks: usize) -> Result<(), password_hash::Error> {
        let missing = blocks.saturating_sub(self.memory.len());
        self.memory.try_reserve_exact(missing).map_err(|_| argon2::Error::OutOfMemory)?;
        if missing > 0 {
            self.memory.resize(blocks, Block::new());
        }
        Ok(())
    }

    fn hold_for_new_hashes(&mut self) -> Result<(), password_hash::Error> {
        self.hold(self.costs.params()?.block_count())
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hasher({:?}, {} KiB)", self.costs, self.memory.capacity())
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// What is stored of a password: a PHC string that says Argon2id, version 19, with parameters a login can bear; or a hash of another
/// system in the grammar of [`Foreign`]; or that there is no password. Its `Debug` prints `[redacted]`.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    text: Zeroizing<String>,
    kind: Kind,
}

#[derive(Clone, PartialEq, Eq)]
enum Kind {
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

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
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

/// Why a password could be neither hashed nor verified. None of these says anything about the password.
#[derive(Debug, Error)]
pub enum HashError {
    /// There were no random bytes for a salt.
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
    /// The hash can't be read. It was when it was made, so this is a bug.
    #[error(transparent)]
    Unreadable(#[from] PasswordHashError),
    /// Argon2 failed, for want of memory most likely.
    #[error("Argon2 failed")]
    Argon2(#[from] password_hash::Error),
    /// scrypt failed.
    #[error("scrypt failed")]
    Scrypt,
    /// AES failed.
    #[error("AES failed")]
    Aes,
    /// A wrapped hash is out of bounds. It was within when it was read, so this is a bug.
    #[error("the wrapped hash {0}")]
    OutOfBounds(#[from] OutOfBounds),
    /// This program is built without the feature `foreign-hashes`.
    #[error("this program verifies no hashes of other systems")]
    Foreign,
}

/// Reads and judges a PHC string. Both byte strings have fixed upper lengths in the phc crate: nothing is allocated.
fn read(stored: &str) -> Result<Stored, PasswordHashError> {
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
    for (name, value, within) in [
        ("m", u64::from(memory_kib), MEMORY_KIB.contains(&memory_kib)),
        ("t", u64::from(passes), PASSES.contains(&passes)),
        ("p", u64::from(lanes), LANES.contains(&lanes)),
        ("salt length", costs.salt_bytes as u64, SALT_BYTES.contains(&costs.salt_bytes)),
        ("hash length", costs.hash_bytes as u64, HASH_BYTES.contains(&costs.hash_bytes)),
    ] {
        if !within {
            return Err(PasswordHashError::OutOfBounds { name, value });
        }
    }
    Ok(Stored { salt, output, costs })
}

#[cfg(test)]
mod tests;
