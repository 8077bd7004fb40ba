//! Access and refresh tokens: their grammar, their hashes, and how they are minted.
//!
//! ```text
//! lka_ (access) or lkr_ (refresh) | user key 22 | login id 22 | generation 5 | proof 43 | secret 154 | check 6 = 256
//! ```
//!
//! A token is a bearer secret (RFC 6750): it has no `Display`, no `Serialize`, and `Debug` prints `[redacted]`. The
//! store takes [`TokenHash`]es only, so plaintext can't reach a table, and the kind is part of the type, so a refresh
//! token can't be passed where an access token is wanted. Prefixes never change: secret scanners know them.

#[cfg(test)]
mod golden;
mod grammar;
mod hash;
mod imported;
mod kind;
mod mint;
mod presented;
mod proof;
mod seal;

pub use grammar::{MalformedToken, TOKEN_CHARS};
pub use hash::{ProofHash, TokenHash};
pub use imported::{IMPORTED_MIN_CHARS, ImportedToken};
pub use kind::{Access, Kind, Refresh};
#[cfg(test)]
pub(crate) use mint::tests as test_values;
pub use mint::{MintError, Seed, TokenPair};
pub use presented::{AnyToken, Claim, ImportedTokens, PresentedToken};
pub use proof::Proof;
pub use seal::{SEALED_BYTES, SealedSeed};

use std::{fmt, marker::PhantomData};

use crate::ids::{Generation, LoginKey};

/// A token of kind `K` whose form and check characters are right. Whether it is valid, the table decides.
pub struct Token<K> {
    text: Box<str>,
    key: LoginKey,
    generation: Generation,
    proof: Proof<K>,
    kind: PhantomData<K>,
}

/// A token for the API, valid for minutes.
pub type AccessToken = Token<Access>;
/// A token for `/refresh`, valid for days.
pub type RefreshToken = Token<Refresh>;

impl<K: Kind> Token<K> {
    /// The login that the token names.
    #[must_use]
    pub fn key(&self) -> &LoginKey {
        &self.key
    }

    /// The generation that the token names.
    #[must_use]
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// The proof that the token carries. All tokens of its kind and login share it.
    #[must_use]
    pub fn proof(&self) -> &Proof<K> {
        &self.proof
    }

    /// SHA-256 of all 256 characters, the only form that is stored.
    #[must_use]
    pub fn hash(&self) -> TokenHash<K> {
        TokenHash::of(&self.text)
    }

    /// The 256 characters, for the answer to their owner only.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }
}

impl<K> fmt::Debug for Token<K> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}

impl<K> Clone for Token<K> {
    fn clone(&self) -> Self {
        Self { text: self.text.clone(), key: self.key.clone(), generation: self.generation, proof: self.proof.clone(), kind: PhantomData }
    }
}
