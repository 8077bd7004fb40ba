//! A client's key, to make proofs of any form. For tests.

use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};

use crate::crypto::base64url;

pub(crate) struct Signer(Ed25519KeyPair);

impl Signer {
    pub(crate) fn of(byte: u8) -> Self {
        Self(Ed25519KeyPair::from_seed_unchecked(&[byte; 32]).unwrap())
    }

    pub(crate) fn jwk(&self) -> Value {
        json!({"kty": "OKP", "crv": "Ed25519", "x": base64url(self.0.public_key().as_ref())})
    }

    pub(crate) fn header(&self) -> Value {
        json!({"typ": "dpop+jwt", "alg": "EdDSA", "jwk": self.jwk()})
    }

    pub(crate) fn sign(&self, header: &str, payload: &str) -> String {
        let signed = format!("{}.{}", base64url(header.as_bytes()), base64url(payload.as_bytes()));
        let signature = base64url(self.0.sign(signed.as_bytes()).as_ref());
        format!("{signed}.{signature}")
    }
}
