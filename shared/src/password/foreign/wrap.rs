//! Hashes that are too fast to be kept as they are: an import wraps them in Argon2id.

use std::fmt;

use argon2::{Algorithm, Version};

use super::{Fast, Foreign, OutOfBounds, Scheme, work};
use crate::{
    entropy::Random,
    password::{Costs, HashError, Hasher},
};

/// A fast hash of another system: MD5 or SHA with or without a salt, phpass, Drupal. It isn't stored. [`FastHash::wrap`] makes a
/// hash of it that is. Its `Debug` prints `[redacted]`.
#[derive(Clone, PartialEq, Eq)]
pub struct FastHash {
    fast: Fast,
    /// The old hash: the bytes of a digest, or the characters of phpass.
    output: Vec<u8>,
}

impl FastHash {
    pub(super) fn new(fast: Fast, output: Vec<u8>) -> Result<Self, OutOfBounds> {
        work::judge(&Scheme::Wrapped(fast.clone()), Costs::CURRENT.salt_bytes, Costs::CURRENT.hash_bytes)?;
        Ok(Self { fast, output })
    }

    /// Argon2id over the old hash, with Latchkey's own costs and a fresh salt. Blocks for tens of milliseconds.
    ///
    /// # Errors
    /// [`HashError`] if there are no random bytes or no memory.
    pub fn wrap(&self, random: &Random, hasher: &mut Hasher) -> Result<Foreign, HashError> {
        let salt: [u8; Costs::CURRENT.salt_bytes] = random.bytes()?;
        let mut output = vec![0; Costs::CURRENT.hash_bytes];
        hasher.argon2(Algorithm::Argon2id, Version::V0x13, Costs::CURRENT.params()?, &self.output, &salt, &mut output)?;
        Ok(Foreign::new(Scheme::Wrapped(self.fast.clone()), salt.to_vec(), output)?)
    }
}

impl fmt::Debug for FastHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}
