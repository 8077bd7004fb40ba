//! The key of a proof, and the thumbprint by which a login knows it.

use ring::signature::{ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey};
use subtle::ConstantTimeEq as _;

use super::{BadProof, claims::Jwk};
use crate::crypto::{base64url, base64url_32, sha256};

/// SHA-256 of a public key (RFC 7638): what a login is bound to.
#[derive(Clone, Copy)]
pub struct Thumbprint([u8; 32]);

impl Thumbprint {
    /// Parses 43 base64url characters. `None` for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        base64url_32(text).map(Self)
    }

    /// Reads its 32 bytes. `None` for another number of them.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// As it is stored.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// As it is answered: 43 base64url characters.
    #[must_use]
    pub fn to_text(&self) -> String {
        base64url(&self.0)
    }
}

impl PartialEq for Thumbprint {
    /// In constant time.
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Thumbprint {}

/// Shows nothing: no line of a log follows one device from login to login.
impl std::fmt::Debug for Thumbprint {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Thumbprint")
    }
}

/// A public key with full-length coordinates (RFC 7518 section 6.2.1.2).
pub(super) enum PublicKey {
    P256 { x: [u8; 32], y: [u8; 32] },
    Ed25519 { x: [u8; 32] },
}

impl PublicKey {
    /// The key of a header that says `alg`. Ed25519 has two names: `EdDSA`, and `Ed25519` since RFC 9864.
    pub(super) fn of(alg: &str, jwk: &Jwk) -> Result<Self, BadProof> {
        if jwk.has_private_part() {
            return Err(BadProof::PrivateKey);
        }
        if jwk.r#use.as_deref().is_some_and(|r#use| r#use != "sig") {
            return Err(BadProof::Key);
        }
        if jwk.alg.as_deref().is_some_and(|own| own != alg) {
            return Err(BadProof::Algorithm);
        }
        let coordinate = |text: &Option<String>| text.as_deref().and_then(base64url_32).ok_or(BadProof::Key);
        match (alg, jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("ES256", "EC", Some("P-256")) => Ok(Self::P256 { x: coordinate(&jwk.x)?, y: coordinate(&jwk.y)? }),
            ("EdDSA" | "Ed25519", "OKP", Some("Ed25519")) => Ok(Self::Ed25519 { x: coordinate(&jwk.x)? }),
            _ => Err(BadProof::Algorithm),
        }
    }

    pub(super) fn verify(&self, signed: &str, signature: &[u8]) -> Result<(), BadProof> {
        let verified = match self {
            Self::P256 { x, y } => {
                // The uncompressed point, SEC 1 section 2.3.3. One that isn't on the curve is refused by the library.
                let point = [&[4], x.as_slice(), y].concat();
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed.as_bytes(), signature)
            }
            Self::Ed25519 { x } => UnparsedPublicKey::new(&ED25519, x).verify(signed.as_bytes(), signature),
        };
        verified.map_err(|_| BadProof::Signature)
    }

    /// Of the members that RFC 7638 section 3.2 names, in the order of their names.
    pub(super) fn thumbprint(&self) -> Thumbprint {
        let members = match self {
            Self::P256 { x, y } => format!(r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#, base64url(x), base64url(y)),
            Self::Ed25519 { x } => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, base64url(x)),
        };
        Thumbprint(sha256(&[members.as_bytes()]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8037 appendix A.3, and RFC 9449 section 6.1.
    #[test]
    fn thumbprints_of_the_rfcs() {
        let x = base64url_32("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        assert_eq!(PublicKey::Ed25519 { x }.thumbprint().to_text(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        let x = base64url_32("l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs").unwrap();
        let y = base64url_32("9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA").unwrap();
        assert_eq!(PublicKey::P256 { x, y }.thumbprint().to_text(), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    }

    #[test]
    fn a_thumbprint_has_43_characters_and_one_way_to_write_it() {
        let text = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
        assert_eq!(Thumbprint::parse(text).unwrap().to_text(), text);
        for wrong in ["", &text[1..], &format!("{text}="), &format!("{}J", &text[..42]), &text.replace('-', "+"), &format!("{text}A")] {
            assert_eq!(Thumbprint::parse(wrong), None, "{wrong}");
        }
        assert_eq!(format!("{:?}", Thumbprint::parse(text).unwrap()), "Thumbprint");
    }
}
