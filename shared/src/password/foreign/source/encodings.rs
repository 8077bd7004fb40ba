//! Base64 in its dialects, hexadecimal, integers.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true)
    .with_encode_padding(false);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
pub(in crate::password::foreign) const BCRYPT_BASE64: GeneralPurpose = GeneralPurpose::new(&alphabet::BCRYPT, LENIENT);

/// Standard base64, with or without padding.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// passlib's: a full stop for the plus.
pub(super) fn base64_passlib(text: &str) -> Option<Vec<u8>> {
    if text.contains('+') { None } else { base64(&text.replace('.', "+")) }
}

pub(super) fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

/// Digits alone: no sign, no zero in front.
pub(super) fn integer(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

pub(in crate::password::foreign) const ITOA64: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The encoding of phpass: the lowest six bits first.
#[cfg(feature = "foreign-hashes")]
pub(in crate::password::foreign) fn itoa64(bytes: &[u8]) -> Vec<u8> {
    let mut characters = Vec::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let value = group.iter().rev().fold(0_u32, |value, byte| value << 8 | u32::from(*byte));
        let sixes = (0..=group.len()).map(|at| value >> (6 * at) & 63);
        characters.extend(sixes.filter_map(|six| ITOA64.get(six as usize)));
    }
    characters
}

/// The value of one character of it.
pub(super) fn itoa64_value(character: u8) -> Option<u32> {
    ITOA64.iter().position(|one| *one == character).and_then(|at| u32::try_from(at).ok())
}
