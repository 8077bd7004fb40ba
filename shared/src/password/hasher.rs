//! What a hash costs, and the memory that Argon2id works in.

use std::fmt;
use std::ops::RangeInclusive;

use argon2::password_hash::{self, phc};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use thiserror::Error;

use super::{OutOfBounds, PasswordHashError};
use crate::entropy::NoEntropy;

// What a stored hash may ask of the function that verifies it. A row of the users table must not decide how much
// memory or time a login takes: the smallest function has 128 MiB.
const MEMORY_KIB: RangeInclusive<u32> = 8 * 1024..=64 * 1024;
const PASSES: RangeInclusive<u32> = 1..=10;
const LANES: RangeInclusive<u32> = 1..=4;
const SALT_BYTES: RangeInclusive<usize> = 8..=48; // the phc crate has room for no more
const HASH_BYTES: RangeInclusive<usize> = 16..=64;

/// Blocks of 1 KiB that are kept for the next hash: the most that a hash of our own takes.
const MEMORY_BLOCKS_KEPT: usize = 64 * 1024;

/// What a hash costs to verify, and the lengths of its two byte strings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Costs {
    pub(super) memory_kib: u32,
    pub(super) passes: u32,
    pub(super) lanes: u32,
    pub(super) salt_bytes: usize,
    pub(super) hash_bytes: usize,
}

impl Costs {
    /// Of a new hash: m = 19 MiB, t = 2, p = 1, OWASP's minimum for Argon2id
    /// (<https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html>).
    pub const CURRENT: Self = Self { memory_kib: 19_456, passes: 2, lanes: 1, salt_bytes: 16, hash_bytes: 32 };

    /// With the least memory and passes that a stored hash may have: for tests that log in thousands of times.
    pub const LEAST: Self = Self { memory_kib: *MEMORY_KIB.start(), passes: *PASSES.start(), ..Self::CURRENT };

    pub(super) fn params(&self) -> Result<Params, password_hash::Error> {
        Ok(Params::new(self.memory_kib, self.passes, self.lanes, Some(self.hash_bytes))?)
    }

    /// Whether a login can bear them.
    pub(super) fn within_bounds(&self) -> Result<(), PasswordHashError> {
        for (name, value, within) in [
            ("m", u64::from(self.memory_kib), MEMORY_KIB.contains(&self.memory_kib)),
            ("t", u64::from(self.passes), PASSES.contains(&self.passes)),
            ("p", u64::from(self.lanes), LANES.contains(&self.lanes)),
            ("salt length", self.salt_bytes as u64, SALT_BYTES.contains(&self.salt_bytes)),
            ("hash length", self.hash_bytes as u64, HASH_BYTES.contains(&self.hash_bytes)),
        ] {
            if !within {
                return Err(PasswordHashError::OutOfBounds { name, value });
            }
        }
        Ok(())
    }
}

/// The costs of new hashes, and the memory that passwords are hashed in. A wrapped hash doesn't store its costs, so it always has the
/// current ones. The memory is kept from one hash to the next: as much as the largest of them took, 19 MiB at the current costs. It is
/// wiped after each.
///
/// Taken from the allocator and given back at every hash, it would become many times as much: glibc seldom finds a freed block
/// again when the alignment asked for is not its own.
pub struct Hasher {
    pub(super) costs: Costs,
    pub(super) memory: Vec<Block>,
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

    pub(super) fn argon2id(&mut self, password: &[u8], salt: &[u8], params: Params) -> Result<phc::Output, password_hash::Error> {
        let length = params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
        let mut output = [0; phc::Output::MAX_LENGTH];
        let output = &mut output[..length];
        self.argon2(Algorithm::Argon2id, Version::V0x13, params, password, salt, output)?;
        Ok(phc::Output::new(output)?)
    }

    pub(super) fn argon2(
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

    pub(super) fn hold_for_new_hashes(&mut self) -> Result<(), password_hash::Error> {
        self.hold(self.costs.params()?.block_count())
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hasher({:?}, {} KiB)", self.costs, self.memory.capacity())
    }
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
