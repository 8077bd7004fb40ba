//! Reading and writing the 256 characters.

use std::marker::PhantomData;

use super::{Kind, Proof, Token};
use crate::{
    crypto::base64url,
    ids::{Generation, KEY_CHARS, LoginId, LoginKey, UserKey, is_url_safe},
};

/// Characters in a token.
pub const TOKEN_CHARS: usize = 256;

pub(super) const SECRET_CHARS: usize = 154;
const PREFIX_CHARS: usize = 4;
const GENERATION_CHARS: usize = 5;
const PROOF_CHARS: usize = 43;
const CHECK_CHARS: usize = 6;

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Why a text is no token of the kind asked for. For the log; the client gets one answer for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MalformedToken {
    /// Not 256 characters.
    #[error("not 256 characters")]
    Length,
    /// A character outside `A-Z a-z 0-9 - _`.
    #[error("not URL-safe")]
    Alphabet,
    /// Another prefix: the other kind, or no token of ours.
    #[error("another prefix")]
    Prefix,
    /// The check characters don't match: mistyped, cut and glued, or noise.
    #[error("wrong check characters")]
    Check,
    /// The check holds, but the proof is not 32 bytes in their one spelling.
    #[error("impossible proof")]
    Proof,
    /// Not 16 to 256 characters, as imported tokens are.
    #[error("not 16 to 256 characters")]
    ImportedLength,
    /// Begins like a token of Latchkey's own, as no imported one does.
    #[error("begins like a token of Latchkey's own")]
    ImportedPrefix,
}

impl<K: Kind> Token<K> {
    /// Parses a token. A malformed one is recognised by its form and its check characters, without a lookup.
    ///
    /// # Errors
    /// [`MalformedToken`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, MalformedToken> {
        if text.len() != TOKEN_CHARS {
            return Err(MalformedToken::Length);
        }
        if !is_url_safe(text) {
            return Err(MalformedToken::Alphabet);
        }
        let mut rest = text;
        let mut take = |chars: usize| {
            let (field, after) = rest.split_at_checked(chars).ok_or(MalformedToken::Length)?;
            rest = after;
            Ok(field)
        };
        let prefix = take(PREFIX_CHARS)?;
        let user_key = take(KEY_CHARS)?;
        let login_id = take(KEY_CHARS)?;
        let generation = take(GENERATION_CHARS)?;
        let proof = take(PROOF_CHARS)?;
        let _secret = take(SECRET_CHARS)?;
        let check = take(CHECK_CHARS)?;

        if prefix != K::PREFIX {
            return Err(MalformedToken::Prefix);
        }
        let checked = text.get(..TOKEN_CHARS - CHECK_CHARS).ok_or(MalformedToken::Length)?;
        if check != check_of(checked) {
            return Err(MalformedToken::Check);
        }
        Ok(Self {
            key: LoginKey {
                user_key: UserKey::parse(user_key).map_err(|_| MalformedToken::Alphabet)?,
                login_id: LoginId::parse(login_id).map_err(|_| MalformedToken::Alphabet)?,
            },
            generation: Generation::new(number(generation)).ok_or(MalformedToken::Alphabet)?,
            proof: Proof::parse(proof).ok_or(MalformedToken::Proof)?,
            text: text.into(),
            kind: PhantomData,
        })
    }

    pub(super) fn assemble(key: LoginKey, generation: Generation, proof: Proof<K>, secret: &[u8]) -> Self {
        let mut text = String::with_capacity(TOKEN_CHARS);
        text.push_str(K::PREFIX);
        text.push_str(key.user_key.as_str());
        text.push_str(key.login_id.as_str());
        push_digits(&mut text, generation.number(), GENERATION_CHARS);
        text.push_str(&proof.to_text());
        text.extend(base64url(secret).chars().take(SECRET_CHARS));
        let check = check_of(&text);
        text.push_str(&check);
        Self { text: text.into(), key, generation, proof, kind: PhantomData }
    }
}

/// CRC-32/ISO-HDLC in six digits. It isn't for security: it distinguishes a token from noise without a lookup.
fn check_of(text: &str) -> String {
    let mut check = String::with_capacity(CHECK_CHARS);
    push_digits(&mut check, crc32fast::hash(text.as_bytes()), CHECK_CHARS);
    check
}

/// Appends a number in `count` base64url *digits*, most significant first (this is not base64 of its bytes).
fn push_digits(text: &mut String, number: u32, count: usize) {
    for place in (0..count).rev() {
        let digit = (u64::from(number) >> (6 * place)) & 63;
        text.push(char::from(DIGITS[usize::try_from(digit).unwrap_or(0)]));
    }
}

fn number(digits: &str) -> u32 {
    digits.bytes().fold(0, |number, byte| {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' => 62,
            _ => 63,
        };
        (number << 6) | u32::from(digit)
    })
}

#[cfg(test)]
mod tests;
