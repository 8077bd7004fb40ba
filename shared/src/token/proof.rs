//! The proof: distinguishes tokens that a login issued, however old, from forgeries.

use std::{fmt, marker::PhantomData};

use super::{Access, Kind, ProofHash, Refresh, Seed};
use crate::{
    crypto::{CryptoError, Hkdf, base64url, base64url_32},
    entropy::{NoEntropy, Random},
};

/// 256 bits in 43 characters, the same in every token of one kind of one login.
pub struct Proof<K>([u8; 32], PhantomData<K>);

impl<K: Kind> Proof<K> {
    pub(super) fn parse(text: &str) -> Option<Self> {
        base64url_32(text).map(Self::from_bytes)
    }

    pub(super) fn to_text(&self) -> String {
        base64url(&self.0)
    }

    /// The hash that the login item keeps.
    #[must_use]
    pub fn hash(&self) -> ProofHash<K> {
        ProofHash::of(&self.to_text())
    }
}

impl<K> Proof<K> {
    pub(super) fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes, PhantomData)
    }
}

impl Proof<Refresh> {
    /// Draws the proof of a new login.
    ///
    /// # Errors
    /// [`NoEntropy`] when the generator fails.
    pub fn generate(random: &Random) -> Result<Self, NoEntropy> {
        random.bytes().map(Self::from_bytes)
    }

    /// The proof of an imported login from its first rotation on. It is derived from the successor's seed, so that a replay, which opens
    /// the seed, can make the same pair again.
    ///
    /// # Errors
    /// [`CryptoError`] where the crypto library refuses.
    pub fn of_imported(successor: &Seed) -> Result<Self, CryptoError> {
        Hkdf::of(&successor.0).expand("latchkey/v1/refresh-proof").map(Self::from_bytes)
    }

    /// The proof of the same login's access tokens. A refresh can derive it, and this proof can't be derived from it.
    ///
    /// # Errors
    /// [`CryptoError`] where the crypto library refuses.
    pub fn access_proof(&self) -> Result<Proof<Access>, CryptoError> {
        Hkdf::of(&self.0).expand("latchkey/v1/access-proof").map(Proof::from_bytes)
    }
}

impl<K> Clone for Proof<K> {
    fn clone(&self) -> Self {
        Self::from_bytes(self.0)
    }
}

impl<K> fmt::Debug for Proof<K> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}
