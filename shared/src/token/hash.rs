//! Hashes of tokens and proofs, the only form that is stored.

use std::{fmt, marker::PhantomData};

use subtle::ConstantTimeEq as _;

use super::Kind;
use crate::crypto::{base64url, base64url_32, sha256};

macro_rules! stored_hash {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        pub struct $name<K>([u8; 32], PhantomData<K>);

        impl<K> $name<K> {
            /// Parses the 43 characters of an item.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                base64url_32(text).map(|bytes| Self(bytes, PhantomData))
            }

            /// The 43 characters (base64url) as an item holds them.
            #[must_use]
            pub fn to_text(&self) -> String {
                base64url(&self.0)
            }
        }

        impl<K> Clone for $name<K> {
            fn clone(&self) -> Self {
                Self(self.0, PhantomData)
            }
        }

        /// In constant time.
        impl<K> PartialEq for $name<K> {
            fn eq(&self, other: &Self) -> bool {
                self.0.ct_eq(&other.0).into()
            }
        }

        impl<K> Eq for $name<K> {}
    };
}

stored_hash! {
    /// SHA-256 of the 256 characters of a token.
    TokenHash
}

stored_hash! {
    /// SHA-256 of a proof under its kind's label.
    ProofHash
}

impl<K> TokenHash<K> {
    pub(super) fn of(text: &str) -> Self {
        Self(sha256(&[text.as_bytes()]), PhantomData)
    }

    /// The first eight characters: enough to find a token's lines in a log, and useless to an attacker who reads the log.
    #[must_use]
    pub fn log_prefix(&self) -> String {
        base64url(&self.0[..6])
    }
}

impl<K: Kind> ProofHash<K> {
    pub(super) fn of(proof: &str) -> Self {
        Self(sha256(&[K::PROOF_LABEL.as_bytes(), proof.as_bytes()]), PhantomData)
    }
}

impl<K> fmt::Debug for TokenHash<K> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}…", self.log_prefix())
    }
}

impl<K> fmt::Debug for ProofHash<K> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use crate::token::{PresentedToken, SEALED_BYTES, SealedSeed, Seed, test_values};

    /// A log shows the beginning of a token's hash, and nothing of proofs and seeds.
    #[test]
    fn what_is_shown_of_hashes_and_secrets() {
        let hash = test_values::pair().refresh.hash();
        let beginning = &hash.to_text()[..8];
        assert_eq!(hash.log_prefix(), beginning);
        assert_eq!(format!("{hash:?}"), format!("{beginning}…"));
        assert_eq!(format!("{:?}", test_values::proof().hash()), "[redacted]");
        assert_eq!(format!("{:?} {:?}", test_values::proof(), Seed::from_byte(1)), "[redacted] [redacted]");
        let access = test_values::pair().access;
        assert_eq!(format!("{access:?} {:?}", PresentedToken::Own(access.clone())), "[redacted] [redacted]");
        assert_eq!(format!("{:?}", SealedSeed::parse(&[0; SEALED_BYTES])), "Some([sealed])");
    }
}
