//! The successor's seed, sealed under the predecessor's refresh token.

use std::fmt;

use super::{MintError, PresentedToken, Refresh, Seed};
use crate::{
    crypto::{CryptoError, Hkdf, open, seal},
    entropy::Random,
    ids::{Generation, LoginKey},
};

/// Bytes of a sealed seed: nonce 12, ciphertext 32, tag 16.
pub const SEALED_BYTES: usize = 60;

/// A seed, encrypted with AES-256-GCM. The key is derived from the 256 characters of the old refresh token and not from their hash, so
/// the table alone can't open it. The associated data names the successor, so it can't be moved to another session.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedSeed([u8; SEALED_BYTES]);

impl SealedSeed {
    /// Seals `seed`, from which session `successor` of the login `key` was minted, under the refresh token `presented`.
    ///
    /// # Errors
    /// [`MintError`] when the generator fails or the crypto library refuses.
    pub fn seal(
        presented: &PresentedToken<Refresh>,
        key: &LoginKey,
        successor: Generation,
        seed: &Seed,
        random: &Random,
    ) -> Result<Self, MintError> {
        let nonce = random.bytes()?;
        Ok(Self(seal(&key_of(presented)?, nonce, &associated(key, successor), &seed.0)?))
    }

    /// Opens it with the refresh token it was sealed under.
    ///
    /// # Errors
    /// [`CryptoError`] for any other token or session, and if the bytes were changed.
    pub fn open(&self, presented: &PresentedToken<Refresh>, key: &LoginKey, successor: Generation) -> Result<Seed, CryptoError> {
        open(&key_of(presented)?, &associated(key, successor), &self.0).map(Seed)
    }

    /// The bytes as an item holds them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Parses the bytes of an item.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

fn key_of(presented: &PresentedToken<Refresh>) -> Result<[u8; 32], CryptoError> {
    Hkdf::of(presented.expose().as_bytes()).expand("latchkey/v1/seal")
}

fn associated(key: &LoginKey, successor: Generation) -> String {
    format!("latchkey/v1/{}/{}/{}", key.user_key.as_str(), key.login_id, successor.number())
}

impl fmt::Debug for SealedSeed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[sealed]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        entropy::Random,
        token::{
            ImportedTokens,
            test_values::{key, other_key, pair_of},
        },
    };

    #[test]
    fn only_the_predecessors_refresh_token_opens_it() {
        let (old, other): (PresentedToken<Refresh>, PresentedToken<Refresh>) = (pair_of(7, 1).refresh.into(), pair_of(7, 2).refresh.into());
        let (successor, seed) = (Generation::new(8).unwrap(), Seed([5; 32]));
        let sealed = SealedSeed::seal(&old, &key(), successor, &seed, &Random::system()).unwrap();
        assert_eq!(sealed.open(&old, &key(), successor), Ok(seed));
        assert_eq!(sealed.open(&other, &key(), successor), Err(CryptoError));
        assert_eq!(sealed.open(&old, &key(), Generation::new(9).unwrap()), Err(CryptoError));
        assert_eq!(sealed.open(&old, &other_key(), successor), Err(CryptoError));
        assert_eq!(SealedSeed::parse(&sealed.as_bytes()[1..]), None);
    }

    #[test]
    fn an_imported_token_opens_what_was_sealed_for_it() {
        let imported = |text| PresentedToken::<Refresh>::parse(text, ImportedTokens::Accepted).unwrap();
        let (successor, seed) = (Generation::new(1).unwrap(), Seed([5; 32]));
        let sealed = SealedSeed::seal(&imported("0123456789abcdef"), &key(), successor, &seed, &Random::system()).unwrap();
        assert_eq!(sealed.open(&imported("0123456789abcdef"), &key(), successor), Ok(seed));
        assert_eq!(sealed.open(&imported("0123456789abcdeF"), &key(), successor), Err(CryptoError));
    }
}
