//! Hash, HKDF and AEAD, all of one library.

use std::sync::LazyLock;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    digest::{Context, SHA256},
    hkdf::{HKDF_SHA256, KeyType, Prk, Salt},
};

/// The crypto library refused. Lengths are constants here, so this is a bug or tampered data, never a client's doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the crypto library refused the operation")]
pub struct CryptoError;

/// SHA-256 of the parts put together.
pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// HKDF-SHA-256 without salt (RFC 5869): bytes for several purposes from one input.
pub(crate) struct Hkdf(Prk);

impl Hkdf {
    pub(crate) fn of(ikm: &[u8]) -> Self {
        // An empty salt is a key too, and takes as long to prepare as a whole extraction.
        static NO_SALT: LazyLock<Salt> = LazyLock::new(|| Salt::new(HKDF_SHA256, &[]));
        Self(NO_SALT.extract(ikm))
    }

    /// `N` bytes for the purpose `info`.
    pub(crate) fn expand<const N: usize>(&self, info: &str) -> Result<[u8; N], CryptoError> {
        let mut out = [0; N];
        self.0.expand(&[info.as_bytes()], Length(N)).and_then(|okm| okm.fill(&mut out)).map_err(|_| CryptoError)?;
        Ok(out)
    }
}

/// AES-256-GCM: nonce 12, ciphertext, tag 16.
pub(crate) fn seal<const N: usize, const SEALED: usize>(
    key: &[u8; 32],
    nonce: [u8; NONCE_LEN],
    associated: &str,
    plain: &[u8; N],
) -> Result<[u8; SEALED], CryptoError> {
    let mut text = *plain;
    let tag = aead(key)?
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(associated), &mut text)
        .map_err(|_| CryptoError)?;
    [nonce.as_slice(), &text, tag.as_ref()].concat().try_into().map_err(|_| CryptoError)
}

/// Opens what [`seal`] made.
pub(crate) fn open<const N: usize>(key: &[u8; 32], associated: &str, sealed: &[u8]) -> Result<[u8; N], CryptoError> {
    let (nonce, text) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(CryptoError)?;
    let mut text = text.to_vec();
    aead(key)?
        .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(associated), &mut text)
        .map_err(|_| CryptoError)?
        .as_ref()
        .try_into()
        .map_err(|_| CryptoError)
}

fn aead(key: &[u8; 32]) -> Result<LessSafeKey, CryptoError> {
    UnboundKey::new(&AES_256_GCM, key).map(LessSafeKey::new).map_err(|_| CryptoError)
}

/// base64url without padding (RFC 4648 section 5).
pub(crate) fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads 32 bytes from their 43 characters, in the one spelling that [`base64url`] gives them.
pub(crate) fn base64url_32(text: &str) -> Option<[u8; 32]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5869, appendix A.3: no salt, empty info.
    #[test]
    fn hkdf_is_the_rfcs() {
        let okm: [u8; 42] = Hkdf::of(&[0x0b; 22]).expand("").unwrap();
        let hex: String = okm.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
    }

    #[test]
    fn a_seal_opens_only_with_its_key_and_its_place() {
        let sealed: [u8; 60] = seal(&[1; 32], [2; 12], "here", &[3; 32]).unwrap();
        assert_eq!(open(&[1; 32], "here", &sealed), Ok([3; 32]));
        assert_eq!(open::<32>(&[9; 32], "here", &sealed), Err(CryptoError));
        assert_eq!(open::<32>(&[1; 32], "there", &sealed), Err(CryptoError));
        for cut in 0..60 {
            assert_eq!(open::<32>(&[1; 32], "here", &sealed[..cut]), Err(CryptoError), "{cut} bytes");
        }
    }

    #[test]
    fn bytes_have_one_spelling() {
        let text = base64url(&[0xff; 32]);
        assert_eq!(base64url_32(&text), Some([0xff; 32]));
        let other = format!("{}9", &text[..42]);
        assert_eq!(base64url_32(&other), None);
    }
}
