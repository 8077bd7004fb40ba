//! Hashes that an export spreads over several fields: Firebase's and Keycloak's.

use serde::Deserialize;
use serde_json::Value;
use zeroize::Zeroizing;

use super::{
    ForeignHash, MALFORMED, UnreadableHash,
    encodings::{base64, integer},
};
use crate::password::foreign::{Digest, Foreign, Scheme, Variant};

/// The settings of a Firebase project's passwords (`firebase auth:export` doesn't write them; the console shows them). `Debug` shows
/// nothing: the signer key is a secret.
pub struct FirebaseSettings {
    signer_key: Zeroizing<Vec<u8>>,
    salt_separator: Vec<u8>,
    rounds: u32,
    mem_cost: u32,
}

impl std::fmt::Debug for FirebaseSettings {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("FirebaseSettings")
    }
}

impl FirebaseSettings {
    /// Both byte strings in base64. `None` where they aren't, or where the signer key hasn't 64 bytes.
    #[must_use]
    pub fn new(signer_key: &str, salt_separator: &str, rounds: u32, mem_cost: u32) -> Option<Self> {
        let signer_key = Zeroizing::new(base64(signer_key).filter(|key| key.len() == 64)?);
        Some(Self { signer_key, salt_separator: base64(salt_separator)?, rounds, mem_cost })
    }
}

impl ForeignHash {
    /// A user of a Firebase export. The key is taken out of the hash, so that nothing secret of the project is needed at a login.
    ///
    /// # Errors
    /// [`UnreadableHash`]
    pub fn of_firebase(hash: &str, salt: &str, settings: &FirebaseSettings) -> Result<Self, UnreadableHash> {
        if hash.is_empty() { Ok(Self::NoPassword) } else { firebase(hash, salt, settings) }
    }

    /// The two texts of a Keycloak credential, each an object in JSON.
    ///
    /// # Errors
    /// [`UnreadableHash`]
    pub fn of_keycloak(secret_data: &str, credential_data: &str) -> Result<Self, UnreadableHash> {
        let secret: Secret = serde_json::from_str(secret_data).map_err(|_| MALFORMED)?;
        let credential: Credential = serde_json::from_str(credential_data).map_err(|_| MALFORMED)?;
        let (salt, output) = (base64(&secret.salt).ok_or(MALFORMED)?, base64(&secret.value).ok_or(MALFORMED)?);
        let digest = match credential.algorithm.as_str() {
            "pbkdf2" => Digest::Sha1,
            "pbkdf2-sha256" => Digest::Sha256,
            "pbkdf2-sha512" => Digest::Sha512,
            "argon2" => {
                let scheme = credential.argon2().ok_or(MALFORMED)?;
                return Ok(Self::Slow(Foreign::new(scheme, salt, output)?));
            }
            _ => return Err(UnreadableHash::Form("names an algorithm of Keycloak that isn't read")),
        };
        let scheme = Scheme::Pbkdf2 { digest, rounds: credential.hash_iterations };
        Ok(Self::Slow(Foreign::new(scheme, salt, output)?))
    }
}

/// The hash is the signer key, encrypted with the derived key. Without the signer key the key stream is left. Its second half is kept:
/// 256 bits say whether the password is right.
pub(super) fn firebase(hash: &str, salt: &str, settings: &FirebaseSettings) -> Result<ForeignHash, UnreadableHash> {
    let hash = base64(hash).filter(|hash| hash.len() == settings.signer_key.len()).ok_or(MALFORMED)?;
    let stream = hash.iter().zip(settings.signer_key.iter()).map(|(hash, key)| hash ^ key).skip(32).collect();
    let salt = [base64(salt).ok_or(MALFORMED)?, settings.salt_separator.clone()].concat();
    let scheme = Scheme::Firebase { log_n: settings.mem_cost, r: settings.rounds };
    Ok(ForeignHash::Slow(Foreign::new(scheme, salt, stream)?))
}

#[derive(Deserialize)]
struct Secret {
    value: String,
    salt: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Credential {
    algorithm: String,
    hash_iterations: u32,
    #[serde(default)]
    additional_parameters: Value,
}

impl Credential {
    /// Each parameter is a list with one text.
    fn parameter(&self, name: &str) -> Option<&str> {
        self.additional_parameters.get(name)?.get(0)?.as_str()
    }

    fn argon2(&self) -> Option<Scheme> {
        Some(Scheme::Argon2 {
            variant: match self.parameter("type")? {
                "id" => Variant::Argon2id,
                "i" => Variant::Argon2i,
                "d" => Variant::Argon2d,
                _ => return None,
            },
            version: match self.parameter("version")? {
                "1.3" => 19,
                "1.0" => 16,
                _ => return None,
            },
            memory_kib: integer(self.parameter("memory")?)?,
            passes: self.hash_iterations,
            lanes: integer(self.parameter("parallelism")?)?,
        })
    }
}
