//! Computes the functions of other systems.

use argon2::{Algorithm, Params, Version};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use md5::Md5;
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    digest::{SHA256, digest},
    hmac,
};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::{
    BcryptInput, Digest, Fast, Foreign, Salted, Scheme, Variant,
    source::{BCRYPT_BASE64, itoa64},
};
use crate::password::{Costs, HashError, Hasher};

/// No more of a password counts for bcrypt.
const BCRYPT_BYTES: usize = 72;

impl Foreign {
    /// Whether these bytes are its password, compared in constant time. Blocks for as long as the work takes.
    pub(in crate::password) fn verify(&self, password: &[u8], hasher: &mut Hasher) -> Result<bool, HashError> {
        let Self { scheme, salt, output, .. } = self;
        let mut ours = Zeroizing::new(vec![0; output.len()]);
        match scheme {
            Scheme::Argon2 { variant, version, memory_kib, passes, lanes } => {
                let algorithm = match variant {
                    Variant::Argon2i => Algorithm::Argon2i,
                    Variant::Argon2d => Algorithm::Argon2d,
                    Variant::Argon2id => Algorithm::Argon2id,
                };
                let version = if *version == 16 { Version::V0x10 } else { Version::V0x13 };
                let params = Params::new(*memory_kib, *passes, *lanes, Some(output.len())).map_err(argon2_failed)?;
                hasher.argon2(algorithm, version, params, password, salt, &mut ours)?;
            }
            Scheme::Bcrypt { cost, input } => {
                let Ok(salt) = <[u8; 16]>::try_from(salt.as_slice()) else { return Ok(false) };
                let Some(key) = bcrypt_key(input, &salt, password) else { return Ok(false) };
                // The last of its 24 bytes is in no string.
                ours = Zeroizing::new(bcrypt::bcrypt(*cost, salt, &key).into_iter().take(23).collect());
            }
            Scheme::Scrypt { log_n, r, p } => scrypt(*log_n, *r, *p, password, salt, &mut ours)?,
            Scheme::Pbkdf2 { digest, rounds } => match digest {
                Digest::Md5 => return Ok(false),
                Digest::Sha1 => pbkdf2::pbkdf2_hmac::<Sha1>(password, salt, *rounds, &mut ours),
                Digest::Sha256 => pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, *rounds, &mut ours),
                Digest::Sha512 => pbkdf2::pbkdf2_hmac::<Sha512>(password, salt, *rounds, &mut ours),
            },
            Scheme::Firebase { log_n, r } => {
                let mut key = Zeroizing::new([0; 32]);
                scrypt(*log_n, *r, 1, password, salt, key.as_mut_slice())?;
                ours = Zeroizing::new(second_half_of_key_stream(&key)?.to_vec());
            }
            Scheme::Wrapped(fast) => {
                let inner = fast_hash(fast, password);
                hasher.argon2(Algorithm::Argon2id, Version::V0x13, Costs::CURRENT.params()?, &inner, salt, &mut ours)?;
            }
        }
        Ok(ours.ct_eq(output).into())
    }
}

fn argon2_failed(error: argon2::Error) -> HashError {
    HashError::Argon2(error.into())
}

fn scrypt(log_n: u32, r: u32, p: u32, password: &[u8], salt: &[u8], output: &mut [u8]) -> Result<(), HashError> {
    let log_n = u8::try_from(log_n).map_err(|_| HashError::Scrypt)?;
    let params = scrypt::Params::new(log_n, r, p).map_err(|_| HashError::Scrypt)?;
    scrypt::scrypt(password, salt, &params, output).map_err(|_| HashError::Scrypt)
}

/// The bytes that bcrypt expands, with the NUL that ends a short one. `None` where a NUL stands within: other systems end the
/// password there, so any password with the same beginning would be right.
fn bcrypt_key(input: &BcryptInput, salt: &[u8; 16], password: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut key = Zeroizing::new(Vec::with_capacity(BCRYPT_BYTES + 1));
    match input {
        BcryptInput::Whole => key.extend_from_slice(password.get(..BCRYPT_BYTES).unwrap_or(password)),
        BcryptInput::Peppered(pepper) => key.extend(password.iter().chain(pepper.iter()).take(BCRYPT_BYTES)),
        BcryptInput::HexSha256 => {
            key.extend(digest(&SHA256, password).as_ref().iter().flat_map(|byte| format!("{byte:02x}").into_bytes()));
        }
        BcryptInput::HmacSha256 => {
            let spelling = BCRYPT_BASE64.encode(salt);
            let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, spelling.as_bytes()), password);
            key.extend_from_slice(STANDARD.encode(mac).as_bytes());
        }
        BcryptInput::HmacSha384 => {
            let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA384, b"wp-sha384"), php_trimmed(password));
            key.extend_from_slice(STANDARD.encode(mac).as_bytes());
        }
    }
    if password.contains(&0) {
        return None;
    }
    if key.len() < BCRYPT_BYTES {
        key.push(0);
    }
    Some(key)
}

/// PHP's `trim`.
fn php_trimmed(password: &[u8]) -> &[u8] {
    let cut = |byte: &u8| b" \t\n\r\0\x0B".contains(byte);
    let start = password.iter().position(|byte| !cut(byte)).unwrap_or(password.len());
    let end = password.iter().rposition(|byte| !cut(byte)).map_or(start, |last| last + 1);
    password.get(start..end).unwrap_or_default()
}

/// Bytes 32 to 63 of the key stream of AES-256-CTR from a counter of zero. AES-256-GCM with a nonce of zeros encrypts with just these
/// two blocks: its own counter begins at 2.
fn second_half_of_key_stream(key: &[u8; 32]) -> Result<Zeroizing<[u8; 32]>, HashError> {
    let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| HashError::Aes)?;
    let mut stream = Zeroizing::new([0; 32]);
    let nonce = Nonce::assume_unique_for_key([0; 12]);
    let sealed = LessSafeKey::new(key).seal_in_place_separate_tag(nonce, Aad::empty(), stream.as_mut_slice());
    let _tag = sealed.map_err(|_| HashError::Aes)?;
    Ok(stream)
}

fn digest_of(digest: Digest, parts: [&[u8]; 2]) -> Zeroizing<Vec<u8>> {
    fn of<D: md5::Digest>([first, second]: [&[u8]; 2]) -> Vec<u8> {
        D::new().chain_update(first).chain_update(second).finalize().to_vec()
    }
    Zeroizing::new(match digest {
        Digest::Md5 => of::<Md5>(parts),
        Digest::Sha1 => of::<Sha1>(parts),
        Digest::Sha256 => of::<Sha256>(parts),
        Digest::Sha512 => of::<Sha512>(parts),
    })
}

fn fast_hash(Fast { digest, salted, salt }: &Fast, password: &[u8]) -> Zeroizing<Vec<u8>> {
    match salted {
        Salted::Before => digest_of(*digest, [salt, password]),
        Salted::Behind => digest_of(*digest, [password, salt]),
        Salted::Rounds(log) => {
            // WordPress trims a password when it is set and when someone logs in; Drupal doesn't.
            let password = if *digest == Digest::Md5 { php_trimmed(password) } else { password };
            let mut hash = digest_of(*digest, [salt, password]);
            for _ in 0..1_u32 << log {
                hash = digest_of(*digest, [&hash, password]);
            }
            let mut characters = itoa64(&hash);
            // Drupal cuts the whole string at 55 characters.
            characters.truncate(43);
            Zeroizing::new(characters)
        }
    }
}
