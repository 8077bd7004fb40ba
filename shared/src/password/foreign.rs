//! Password hashes that other systems made. An import brings them along, a login verifies them once more and replaces them.
//!
//! [`source`] reads the spellings of other systems. All become one [`Foreign`], which is stored in one grammar of Latchkey's own, so
//! that a login reads no other system's format.

mod scheme;
mod source;
mod stored;
#[cfg(feature = "foreign-hashes")]
mod verify;
mod work;
mod wrap;

pub use source::{FirebaseSettings, ForeignHash, Hints, SpringPbkdf2, UnreadableHash};
pub use work::{OutOfBounds, Work};
pub use wrap::FastHash;

pub(super) use scheme::{BcryptInput, Digest, Fast, Salted, Scheme, Variant};

use std::fmt;

/// A hash by another function or at other costs than Latchkey's own. Its costs are within the bounds, and its `Debug` prints
/// `[redacted]`.
#[derive(Clone, PartialEq, Eq)]
pub struct Foreign {
    scheme: Scheme,
    salt: Vec<u8>,
    output: Vec<u8>,
    work: Work,
}

impl Foreign {
    /// Takes the parts if they are within the bounds.
    fn new(scheme: Scheme, salt: Vec<u8>, output: Vec<u8>) -> Result<Self, OutOfBounds> {
        // The blocks of PBKDF2 are independent: the first one says whether the password is right.
        let mut output = output;
        if let Scheme::Pbkdf2 { digest, .. } = &scheme {
            output.truncate(digest.length());
        }
        let work = work::judge(&scheme, salt.len(), output.len())?;
        Ok(Self { scheme, salt, output, work })
    }

    /// What one verification costs.
    #[must_use]
    pub fn work(&self) -> Work {
        self.work
    }

    /// Memory of one verification, in KiB.
    #[must_use]
    pub fn memory_kib(&self) -> u32 {
        work::memory_kib(&self.scheme)
    }

    /// Whether a password of so many bytes is hashed whole. bcrypt ends at 72: what follows was never checked.
    #[must_use]
    pub fn takes_whole(&self, password_bytes: usize) -> bool {
        !matches!(&self.scheme, Scheme::Bcrypt { input: BcryptInput::Whole | BcryptInput::Peppered(_), .. }) || password_bytes <= 72
    }

    /// The name of the function, for a summary.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.scheme.name()
    }
}

impl fmt::Debug for Foreign {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}

#[cfg(test)]
#[cfg(feature = "foreign-hashes")]
mod tests;
