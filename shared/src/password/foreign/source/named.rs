//! Strings that begin with the name of a scheme: Django's, Werkzeug's, and those with the name in braces.

use super::{
    ForeignHash, Hints, MALFORMED, SpringPbkdf2, UnreadableHash,
    encodings::{base64, hex, integer},
    modular,
};
use crate::password::foreign::{BcryptInput, Digest, Fast, FastHash, Foreign, Salted, Scheme};

/// Django: `pbkdf2_sha256$rounds$salt$hash`. Werkzeug: `pbkdf2:sha256:rounds$salt$hash`. Anything else needs a hint.
pub(super) fn read(text: &str, hints: &Hints) -> Result<ForeignHash, UnreadableHash> {
    let parts: Vec<&str> = text.split('$').collect();
    match parts.as_slice() {
        ["pbkdf2_sha256", rounds, salt, output] => pbkdf2(Digest::Sha256, rounds, salt, base64(output)),
        ["pbkdf2_sha1", rounds, salt, output] => pbkdf2(Digest::Sha1, rounds, salt, base64(output)),
        ["scrypt", n, salt, r, p, output] => scrypt(n, r, p, salt, base64(output)),
        ["md5", salt, output] => fast(Digest::Md5, Salted::Before, salt.as_bytes(), hex(output)),
        ["sha1", salt, output] => fast(Digest::Sha1, Salted::Before, salt.as_bytes(), hex(output)),
        ["argon2", name @ ("argon2i" | "argon2d" | "argon2id"), rest @ ..] => modular::argon2(name, rest),
        ["bcrypt", rest @ ..] => bcrypt(rest, BcryptInput::Whole),
        ["bcrypt_sha256", rest @ ..] => bcrypt(rest, BcryptInput::HexSha256),
        [method, salt, output] => match method.split(':').collect::<Vec<_>>().as_slice() {
            ["scrypt", n, r, p] => scrypt(n, r, p, salt, hex(output)),
            ["pbkdf2", "sha1", rounds] => pbkdf2(Digest::Sha1, rounds, salt, hex(output)),
            ["pbkdf2", "sha256", rounds] => pbkdf2(Digest::Sha256, rounds, salt, hex(output)),
            ["pbkdf2", "sha512", rounds] => pbkdf2(Digest::Sha512, rounds, salt, hex(output)),
            _ => Err(UnreadableHash::Form("is of no form that is read")),
        },
        [bare] => match hints.spring_pbkdf2 {
            Some(settings) => spring_pbkdf2(bare, settings),
            None => Err(UnreadableHash::Form("names no scheme, and it isn't guessed: --spring-pbkdf2 reads Spring Security's PBKDF2")),
        },
        _ => Err(UnreadableHash::Form("is of no form that is read")),
    }
}

/// Django puts its name and a dollar sign before a whole string of bcrypt.
fn bcrypt(rest: &[&str], input: BcryptInput) -> Result<ForeignHash, UnreadableHash> {
    match rest {
        ["", "2a" | "2b" | "2y", cost, both] => modular::bcrypt(modular::bcrypt_cost(cost)?, both, input),
        _ => Err(MALFORMED),
    }
}

/// The name in braces before another string: Spring Security's delegating encoder, LDAP, Dovecot.
pub(super) fn in_braces(text: &str, hints: &Hints) -> Result<ForeignHash, UnreadableHash> {
    let (name, rest) = text.trim_start_matches('{').split_once('}').ok_or(MALFORMED)?;
    match name.to_ascii_lowercase().as_str() {
        "bcrypt"
        | "blf-crypt"
        | "crypt"
        | "argon2"
        | "argon2i"
        | "argon2id"
        | "argon2@springsecurity_v5_8"
        | "scrypt"
        | "scrypt@springsecurity_v5_8"
            if rest.starts_with('$') =>
        {
            modular::read(rest, hints)
        }
        "pbkdf2" if !rest.contains('$') => spring_pbkdf2(rest, SpringPbkdf2::V5_5),
        "pbkdf2@springsecurity_v5_8" => spring_pbkdf2(rest, SpringPbkdf2::V5_8),
        "sha" => digest_and_salt(Digest::Sha1, rest),
        "ssha" => digest_and_salt(Digest::Sha1, rest),
        "ssha256" | "sha256" => digest_and_salt(Digest::Sha256, rest),
        "ssha512" | "sha512" => digest_and_salt(Digest::Sha512, rest),
        "md5" | "smd5" => digest_and_salt(Digest::Md5, rest),
        "noop" | "plain" | "cleartext" => Err(UnreadableHash::Form("is a password that isn't hashed: set a new one")),
        _ => Err(UnreadableHash::Form("names a scheme in braces that isn't read")),
    }
}

/// The digest, and the salt behind it.
fn digest_and_salt(digest: Digest, text: &str) -> Result<ForeignHash, UnreadableHash> {
    let bytes = base64(text).ok_or(MALFORMED)?;
    let (output, salt) = bytes.split_at_checked(digest.length()).ok_or(MALFORMED)?;
    fast(digest, Salted::Behind, salt, Some(output.to_vec()))
}

fn fast(digest: Digest, salted: Salted, salt: &[u8], output: Option<Vec<u8>>) -> Result<ForeignHash, UnreadableHash> {
    let output = output.filter(|output| output.len() == digest.length()).ok_or(MALFORMED)?;
    Ok(ForeignHash::Fast(FastHash::new(Fast { digest, salted, salt: salt.to_vec() }, output)?))
}

fn pbkdf2(digest: Digest, rounds: &str, salt: &str, output: Option<Vec<u8>>) -> Result<ForeignHash, UnreadableHash> {
    let scheme = Scheme::Pbkdf2 { digest, rounds: integer(rounds).ok_or(MALFORMED)? };
    Ok(ForeignHash::Slow(Foreign::new(scheme, salt.as_bytes().to_vec(), output.ok_or(MALFORMED)?)?))
}

fn scrypt(n: &str, r: &str, p: &str, salt: &str, output: Option<Vec<u8>>) -> Result<ForeignHash, UnreadableHash> {
    let n = integer(n).filter(|n| n.is_power_of_two()).ok_or(MALFORMED)?;
    let scheme = Scheme::Scrypt { log_n: n.trailing_zeros(), r: integer(r).ok_or(MALFORMED)?, p: integer(p).ok_or(MALFORMED)? };
    Ok(ForeignHash::Slow(Foreign::new(scheme, salt.as_bytes().to_vec(), output.ok_or(MALFORMED)?)?))
}

/// Hexadecimal of the salt and the hash. The string has neither the digest nor the rounds.
fn spring_pbkdf2(text: &str, settings: SpringPbkdf2) -> Result<ForeignHash, UnreadableHash> {
    let (digest, rounds, salt_bytes) = match settings {
        SpringPbkdf2::V5_5 => (Digest::Sha1, 185_000, 8),
        SpringPbkdf2::V5_8 => (Digest::Sha256, 310_000, 16),
    };
    let bytes = hex(text).filter(|bytes| bytes.len() == salt_bytes + 32).ok_or(MALFORMED)?;
    let (salt, output) = bytes.split_at_checked(salt_bytes).ok_or(MALFORMED)?;
    Ok(ForeignHash::Slow(Foreign::new(Scheme::Pbkdf2 { digest, rounds }, salt.to_vec(), output.to_vec())?))
}
