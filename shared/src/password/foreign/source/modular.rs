//! Strings that begin with a dollar sign: PHC strings and the older modular crypt format.

use base64::Engine as _;
use zeroize::Zeroizing;

use super::{
    FirebaseSettings, ForeignHash, Hints, MALFORMED, UnreadableHash,
    encodings::{BCRYPT_BASE64, base64, base64_passlib, integer, itoa64_value},
    fields::firebase,
};
use crate::password::foreign::{BcryptInput, Digest, Fast, FastHash, Foreign, Salted, Scheme, Variant};

pub(super) fn read(text: &str, hints: &Hints) -> Result<ForeignHash, UnreadableHash> {
    let parts: Vec<&str> = text.split('$').skip(1).collect();
    let (name, rest) = parts.split_first().ok_or(MALFORMED)?;
    match (*name, rest) {
        ("argon2i" | "argon2d" | "argon2id", rest) => argon2(name, rest),
        ("2a" | "2b" | "2y", [cost, both]) => {
            let cost = bcrypt_cost(cost)?;
            let input = match &hints.pepper {
                _ if hints.bcrypt_hex_sha256 => BcryptInput::HexSha256,
                // The password has at least one byte, and bcrypt takes 72.
                Some(pepper) => BcryptInput::Peppered(Zeroizing::new(pepper.iter().copied().take(71).collect())),
                None => BcryptInput::Whole,
            };
            bcrypt(cost, both, input)
        }
        ("2x" | "2", _) => {
            Err(UnreadableHash::Form("is bcrypt with the fault of 2011 ($2x$) or before it ($2$): that function isn't computed"))
        }
        ("wp", ["2a" | "2b" | "2y", cost, both]) => bcrypt(bcrypt_cost(cost)?, both, BcryptInput::HmacSha384),
        ("bcrypt-sha256", [params, salt, output]) => {
            let cost = params
                .strip_prefix("v=2,t=2b,r=")
                .ok_or(UnreadableHash::Form("is passlib's bcrypt-sha256, of which version 2 alone is read"))?;
            bcrypt(integer(cost).ok_or(MALFORMED)?, &format!("{salt}{output}"), BcryptInput::HmacSha256)
        }
        ("scrypt", [params, salt, output]) => scrypt(params, salt, output),
        ("firescrypt", [params, salt, output, separator, signer]) => {
            let (log_n, r, p) = scrypt_params(params).ok_or(MALFORMED)?;
            let settings = FirebaseSettings::new(signer, separator, r, log_n).filter(|_| p == 1).ok_or(MALFORMED)?;
            firebase(output, salt, &settings)
        }
        ("P" | "H", [rest]) => phpass(rest, Digest::Md5, 22),
        ("S", [rest]) => phpass(rest, Digest::Sha512, 43),
        ("1" | "5" | "6", _) => Err(UnreadableHash::Form("is a hash of crypt(3) ($1$, $5$, $6$), which isn't computed")),
        (name, [params, salt, output]) if name.starts_with("pbkdf2") => pbkdf2(name, params, salt, output),
        // scrypt of Spring Security has no name: its parameters stand in its place.
        (packed, [salt, output]) => spring_scrypt(packed, salt, output),
        _ => Err(UnreadableHash::Form("is of no form that is read")),
    }
}

fn slow(scheme: Scheme, salt: Vec<u8>, output: Vec<u8>) -> Result<ForeignHash, UnreadableHash> {
    Ok(ForeignHash::Slow(Foreign::new(scheme, salt, output)?))
}

/// `$argon2id$v=19$m=65536,t=3,p=4$salt$output`. The version is missing from old strings, and then it is 16. The order of the parameters
/// differs: npm's argon2 writes m, p, t.
pub(super) fn argon2(name: &str, rest: &[&str]) -> Result<ForeignHash, UnreadableHash> {
    let (version, rest) = match rest {
        ["v=16", rest @ ..] => (16, rest),
        ["v=19", rest @ ..] => (19, rest),
        rest => (16, rest),
    };
    let [params, salt, output] = rest else { return Err(MALFORMED) };
    let (mut memory, mut passes, mut lanes) = (None, None, None);
    for param in params.split(',') {
        let (place, value) = match param.split_once('=') {
            Some(("m", value)) => (&mut memory, value),
            Some(("t", value)) => (&mut passes, value),
            Some(("p", value)) => (&mut lanes, value),
            Some(("data" | "keyid", _)) => {
                return Err(UnreadableHash::Form("is Argon2 with associated data or a key, which isn't computed"));
            }
            _ => return Err(MALFORMED),
        };
        if place.replace(integer(value).ok_or(MALFORMED)?).is_some() {
            return Err(MALFORMED);
        }
    }
    let (Some(memory_kib), Some(passes), Some(lanes)) = (memory, passes, lanes) else { return Err(MALFORMED) };
    let variant: Variant = name.parse().map_err(|_| MALFORMED)?;
    slow(Scheme::Argon2 { variant, version, memory_kib, passes, lanes }, base64(salt).ok_or(MALFORMED)?, base64(output).ok_or(MALFORMED)?)
}

/// Two digits.
pub(super) fn bcrypt_cost(text: &str) -> Result<u32, UnreadableHash> {
    if text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().map_err(|_| MALFORMED) } else { Err(MALFORMED) }
}

/// 22 characters of salt and 31 of output.
pub(super) fn bcrypt(cost: u32, both: &str, input: BcryptInput) -> Result<ForeignHash, UnreadableHash> {
    let (salt, output) = both.split_at_checked(22).filter(|(_, output)| output.len() == 31).ok_or(MALFORMED)?;
    let bytes = |text: &str| BCRYPT_BASE64.decode(text).map_err(|_| MALFORMED);
    slow(Scheme::Bcrypt { cost, input }, bytes(salt)?, bytes(output)?)
}

fn scrypt_params(params: &str) -> Option<(u32, u32, u32)> {
    let mut params = params.split(',');
    let log_n = integer(params.next()?.strip_prefix("ln=")?)?;
    let r = integer(params.next()?.strip_prefix("r=")?)?;
    let p = integer(params.next()?.strip_prefix("p=")?)?;
    params.next().is_none().then_some((log_n, r, p))
}

/// `$scrypt$ln=16,r=8,p=1$salt$output`. Kratos writes N itself as `ln`: no logarithm is above 40, and no N that is worth anything is
/// below.
fn scrypt(params: &str, salt: &str, output: &str) -> Result<ForeignHash, UnreadableHash> {
    let (ln, r, p) = scrypt_params(params).ok_or(MALFORMED)?;
    let log_n = match ln {
        n if n > 40 && n.is_power_of_two() => n.trailing_zeros(),
        n if n > 40 => return Err(UnreadableHash::Form("is scrypt with an N that is no power of two")),
        log_n => log_n,
    };
    slow(Scheme::Scrypt { log_n, r, p }, base64(salt).ok_or(MALFORMED)?, base64(output).ok_or(MALFORMED)?)
}

/// `$e0801$salt$output`: the logarithm of N, r in one byte, p in one byte, in hexadecimal.
fn spring_scrypt(packed: &str, salt: &str, output: &str) -> Result<ForeignHash, UnreadableHash> {
    let unknown = UnreadableHash::Form("is of no form that is read");
    let digits = !packed.is_empty() && packed.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    let params = u32::from_str_radix(packed, 16).ok().filter(|params| digits && *params >= 0x1_0000).ok_or(unknown)?;
    let scheme = Scheme::Scrypt { log_n: params >> 16, r: params >> 8 & 0xff, p: params & 0xff };
    slow(scheme, base64(salt).ok_or(MALFORMED)?, base64(output).ok_or(MALFORMED)?)
}

/// `$pbkdf2-sha256$29000$…` of passlib with its own base64, `$pbkdf2-sha256$i=100000,l=32$…` of PHC and Kratos.
fn pbkdf2(name: &str, params: &str, salt: &str, output: &str) -> Result<ForeignHash, UnreadableHash> {
    let digest = match name {
        "pbkdf2" | "pbkdf2-sha1" => Digest::Sha1,
        "pbkdf2-sha256" => Digest::Sha256,
        "pbkdf2-sha512" => Digest::Sha512,
        "pbkdf2-sha224" | "pbkdf2-sha384" => {
            return Err(UnreadableHash::Form("is PBKDF2 with sha224 or sha384, by which Kratos means SHA-3: it isn't computed"));
        }
        _ => return Err(MALFORMED),
    };
    if let Some(rounds) = integer(params) {
        let bytes = |text| base64_passlib(text).ok_or(MALFORMED);
        return slow(Scheme::Pbkdf2 { digest, rounds }, bytes(salt)?, bytes(output)?);
    }
    let (rounds, length) = match params.split_once(',') {
        Some((rounds, length)) => (rounds, Some(length.strip_prefix("l=").and_then(integer).ok_or(MALFORMED)?)),
        None => (params, None),
    };
    let rounds = rounds.strip_prefix("i=").and_then(integer).ok_or(MALFORMED)?;
    let output = base64(output).ok_or(MALFORMED)?;
    if length.is_some_and(|length| length as usize != output.len()) {
        return Err(MALFORMED);
    }
    slow(Scheme::Pbkdf2 { digest, rounds }, base64(salt).ok_or(MALFORMED)?, output)
}

/// One character of the logarithm of the rounds, eight of salt, then the hash.
fn phpass(rest: &str, digest: Digest, length: usize) -> Result<ForeignHash, UnreadableHash> {
    let [rounds, bytes @ ..] = rest.as_bytes() else { return Err(MALFORMED) };
    let (salt, output) = bytes.split_at_checked(8).filter(|(_, output)| output.len() == length).ok_or(MALFORMED)?;
    let log = itoa64_value(*rounds).ok_or(MALFORMED)?;
    if !output.iter().all(|byte| itoa64_value(*byte).is_some()) {
        return Err(MALFORMED);
    }
    let fast = Fast { digest, salted: Salted::Rounds(log), salt: salt.to_vec() };
    Ok(ForeignHash::Fast(FastHash::new(fast, output.to_vec())?))
}
