//! Minting: a seed becomes the secrets of a pair.

use std::fmt;

use super::{AccessToken, Kind, Proof, Refresh, RefreshToken, Token};
use crate::{
    crypto::{CryptoError, Hkdf},
    entropy::{NoEntropy, Random},
    ids::{Generation, LoginKey},
};

/// Bytes whose base64url has at least the 154 characters of a secret. They give 155.
const SECRET_BYTES: usize = 116;

/// A token could not be minted. Nothing was issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MintError {
    /// The random generator failed.
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
    /// The crypto library refused.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// After 2^30 refreshes no generation is left for a successor.
    #[error("the login has used up its generations")]
    GenerationsUsedUp,
}

/// The 256 random bits that a session's two secrets come from.
#[derive(Clone, PartialEq, Eq)]
pub struct Seed(pub(super) [u8; 32]);

impl Seed {
    /// Draws the seed of a new session.
    ///
    /// # Errors
    /// [`NoEntropy`] when the generator fails.
    pub fn generate(random: &Random) -> Result<Self, NoEntropy> {
        random.bytes().map(Self)
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}

/// The two tokens of one session.
#[derive(Debug)]
pub struct TokenPair {
    /// The access token, for the API.
    pub access: AccessToken,
    /// The refresh token, for `/refresh`.
    pub refresh: RefreshToken,
}

impl TokenPair {
    /// The pair of session `generation` of the login `key`. The same arguments give the same 512 characters. That is why a replay can
    /// get the same pair, although the table holds only hashes.
    ///
    /// # Errors
    /// [`CryptoError`] if the crypto library refuses.
    pub fn mint(key: &LoginKey, generation: Generation, proof: &Proof<Refresh>, seed: &Seed) -> Result<Self, CryptoError> {
        let secrets = Hkdf::of(&seed.0);
        let access = token(key, generation, proof.access_proof()?, &secrets)?;
        Ok(Self { access, refresh: token(key, generation, proof.clone(), &secrets)? })
    }
}

fn token<K: Kind>(key: &LoginKey, generation: Generation, proof: Proof<K>, secrets: &Hkdf) -> Result<Token<K>, CryptoError> {
    let secret: [u8; SECRET_BYTES] = secrets.expand(K::SECRET_INFO)?;
    Ok(Token::assemble(key.clone(), generation, proof, &secret))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::ids::{LoginId, UserKey};

    pub(crate) fn key() -> LoginKey {
        LoginKey { user_key: UserKey::of("user-1"), login_id: LoginId::parse("0123456789-_abcdefghiw").unwrap() }
    }

    pub(crate) fn other_key() -> LoginKey {
        LoginKey { user_key: UserKey::of("user-2"), ..key() }
    }

    pub(crate) fn proof() -> Proof<Refresh> {
        Proof::from_bytes([0x11; 32])
    }

    pub(crate) fn other_proof() -> Proof<Refresh> {
        Proof::from_bytes([0x33; 32])
    }

    impl Seed {
        pub(crate) fn from_byte(byte: u8) -> Self {
            Self([byte; 32])
        }
    }

    pub(crate) fn pair_of(generation: u32, seed: u8) -> TokenPair {
        TokenPair::mint(&key(), Generation::new(generation).unwrap(), &proof(), &Seed([seed; 32])).unwrap()
    }

    pub(crate) fn pair() -> TokenPair {
        pair_of(7, 0x22)
    }

    #[test]
    fn minting_is_a_function_of_its_arguments() {
        assert_eq!(pair().access.expose(), pair().access.expose());
        assert_ne!(pair_of(7, 1).access.expose(), pair_of(7, 2).access.expose());
        assert_ne!(pair_of(7, 1).access.expose(), pair_of(8, 1).access.expose());
    }

    #[test]
    fn the_tokens_of_a_pair_share_no_secret() {
        let pair = pair();
        let secret = |text: &str| text[96..250].to_owned();
        assert_ne!(secret(pair.access.expose()), secret(pair.refresh.expose()));
        assert_ne!(pair.access.expose()[53..96], pair.refresh.expose()[53..96]);
    }
}
