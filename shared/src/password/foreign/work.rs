//! What a verification costs, and how much of it is allowed. A row of the users table must not decide how long a login takes.

use super::scheme::{Digest, Salted, Scheme};

/// The cost of a verification, in thousandths of one Argon2id with Latchkey's own costs. It is computed from weights that were
/// measured with the crates that verify (x86-64 with SHA instructions, the higher one of several measurements).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Work(u64);

impl Work {
    /// The most that one login may cost: 24 Argon2ids.
    pub const MOST: Self = Self(24_000);
    /// The most memory that one verification may take. Django's Argon2 takes 100 MiB.
    pub const MOST_MEMORY_KIB: u32 = 128 * 1024;

    /// How many verifications of this cost one login may make. At least one.
    #[must_use]
    pub fn tries(self) -> usize {
        usize::try_from(Self::MOST.0 / self.0.max(1)).unwrap_or(usize::MAX).max(1)
    }
}

/// A figure of a hash that is out of bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("has {what} of {is}; {least} to {most} are allowed")]
pub struct OutOfBounds {
    what: &'static str,
    is: u64,
    least: u64,
    most: u64,
}

fn within(what: &'static str, is: u64, least: u64, most: u64) -> Result<(), OutOfBounds> {
    if (least..=most).contains(&is) { Ok(()) } else { Err(OutOfBounds { what, is, least, most }) }
}

/// Judges the costs and lengths, and computes the work.
pub(super) fn judge(scheme: &Scheme, salt_bytes: usize, output_bytes: usize) -> Result<Work, OutOfBounds> {
    let ([least_salt, most_salt], [least, most]) = match scheme {
        Scheme::Argon2 { .. } => ([8, 64], [16, 64]),
        Scheme::Bcrypt { .. } => ([16, 16], [23, 23]),
        Scheme::Firebase { .. } => ([0, 64], [32, 32]),
        Scheme::Wrapped(_) => ([16, 16], [16, 64]),
        Scheme::Scrypt { .. } | Scheme::Pbkdf2 { .. } => ([0, 64], [16, 64]),
    };
    within("a salt length", salt_bytes as u64, least_salt, most_salt)?;
    within("an output length", output_bytes as u64, least, most)?;
    let work = match scheme {
        Scheme::Argon2 { memory_kib, passes, lanes, .. } => {
            within("Argon2 lanes", (*lanes).into(), 1, 16)?;
            within("Argon2 passes", (*passes).into(), 1, 1_000)?;
            within("an Argon2 memory in KiB", (*memory_kib).into(), u64::from(*lanes) * 8, Work::MOST_MEMORY_KIB.into())?;
            let both = u64::from(*memory_kib) * u64::from(*passes);
            within("an Argon2 memory times passes", both, 8, 300 * 1024)?;
            both * 54 / 1024
        }
        Scheme::Bcrypt { cost, .. } => {
            within("a bcrypt cost", (*cost).into(), 4, 13)?;
            (1 << *cost) * 285 / 100
        }
        Scheme::Scrypt { log_n, r, p } => scrypt(*log_n, *r, *p)?,
        Scheme::Firebase { log_n, r } => scrypt(*log_n, *r, 1)?,
        Scheme::Pbkdf2 { digest, rounds } => {
            let (most, millionths) = match digest {
                Digest::Md5 | Digest::Sha1 => (3_000_000, 5_080),
                Digest::Sha256 => (4_000_000, 4_380),
                Digest::Sha512 => (700_000, 33_300),
            };
            within("PBKDF2 rounds", (*rounds).into(), 1, most)?;
            u64::from(*rounds) * millionths / 1_000_000
        }
        Scheme::Wrapped(fast) => {
            within("an old salt length", fast.salt.len() as u64, 0, 64)?;
            let rounds = match fast.salted {
                Salted::Before | Salted::Behind => 1,
                Salted::Rounds(log) => {
                    within("a binary logarithm of phpass rounds", log.into(), 7, 18)?;
                    1_u64 << log
                }
            };
            1_000 + rounds * 33_300 / 1_000_000
        }
    };
    within("a work", work, 0, Work::MOST.0)?;
    Ok(Work(work))
}

fn scrypt(log_n: u32, r: u32, p: u32) -> Result<u64, OutOfBounds> {
    within("a binary logarithm of scrypt's N", log_n.into(), 1, 20)?;
    within("scrypt's r", r.into(), 1, 1 << 16)?;
    within("scrypt's p", p.into(), 1, 1 << 16)?;
    let product = (1_u64 << log_n).saturating_mul(r.into()).saturating_mul(p.into());
    within("scrypt's N times r times p", product, 2, 1 << 20)?;
    Ok(product * 15_100 / 1_000_000)
}

pub(super) fn memory_kib(scheme: &Scheme) -> u32 {
    match scheme {
        Scheme::Argon2 { memory_kib, .. } => *memory_kib,
        Scheme::Bcrypt { .. } => 4,
        // 128 · N · r bytes.
        Scheme::Scrypt { log_n, r, .. } | Scheme::Firebase { log_n, r } => (r << log_n) / 8,
        Scheme::Pbkdf2 { .. } => 0,
        Scheme::Wrapped(_) => 19_456,
    }
}
