//! The one grammar in which a foreign hash is stored:
//!
//! ```text
//! $foreign$argon2id$v=16,m=65536,t=3,p=4$SALT$OUTPUT     also argon2i, argon2d
//! $foreign$bcrypt$c=12,i=whole$SALT$OUTPUT               i: whole, hex-sha256, hmac-sha256, hmac-sha384
//! $foreign$bcrypt$c=12,i=peppered,x=PEPPER$SALT$OUTPUT
//! $foreign$scrypt$n=14,r=8,p=1$SALT$OUTPUT               n is the binary logarithm
//! $foreign$pbkdf2$d=sha256,i=600000$SALT$OUTPUT          at most one block of output
//! $foreign$firebase$n=14,r=8$SALT$OUTPUT                 the salt with its separator, half of the key stream
//! $foreign$wrapped$d=md5,f=before,x=OLD_SALT$SALT$OUTPUT f: before, behind, rounds-N
//! ```
//!
//! Byte strings are base64 without padding. Each hash has one spelling.

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use zeroize::Zeroizing;

use super::{BcryptInput, Digest, Fast, Foreign, Salted, Scheme, Variant};

pub(in crate::password) const PREFIX: &str = "$foreign$";

impl Foreign {
    /// Reads a stored hash. `None` for anything else, also for one that is out of bounds.
    pub(in crate::password) fn parse(stored: &str) -> Option<Self> {
        let mut parts = stored.strip_prefix(PREFIX)?.split('$');
        let (name, params, salt, output) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let scheme = scheme(name, params)?;
        let read = Self::new(scheme, bytes(salt)?, bytes(output)?).ok()?;
        // What would be written in another way was not written by an import.
        (*read.to_text() == stored).then_some(read)
    }

    /// As it is stored.
    pub(in crate::password) fn to_text(&self) -> Zeroizing<String> {
        let params = match &self.scheme {
            Scheme::Argon2 { version, memory_kib, passes, lanes, .. } => format!("v={version},m={memory_kib},t={passes},p={lanes}"),
            Scheme::Bcrypt { cost, input } => match input {
                BcryptInput::Whole => format!("c={cost},i=whole"),
                BcryptInput::HexSha256 => format!("c={cost},i=hex-sha256"),
                BcryptInput::HmacSha256 => format!("c={cost},i=hmac-sha256"),
                BcryptInput::HmacSha384 => format!("c={cost},i=hmac-sha384"),
                BcryptInput::Peppered(pepper) => format!("c={cost},i=peppered,x={}", text(pepper)),
            },
            Scheme::Scrypt { log_n, r, p } => format!("n={log_n},r={r},p={p}"),
            Scheme::Pbkdf2 { digest, rounds } => format!("d={},i={rounds}", <&str>::from(*digest)),
            Scheme::Firebase { log_n, r } => format!("n={log_n},r={r}"),
            Scheme::Wrapped(Fast { digest, salted, salt }) => {
                let form = match salted {
                    Salted::Before => "before".to_owned(),
                    Salted::Behind => "behind".to_owned(),
                    Salted::Rounds(log) => format!("rounds-{log}"),
                };
                format!("d={},f={form},x={}", <&str>::from(*digest), text(salt))
            }
        };
        Zeroizing::new(format!("{PREFIX}{}${params}${}${}", self.scheme.name(), text(&self.salt), text(&self.output)))
    }
}

fn text(bytes: &[u8]) -> String {
    STANDARD_NO_PAD.encode(bytes)
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    STANDARD_NO_PAD.decode(text).ok()
}

/// The values of exactly these parameters, in this order.
fn values<'a, const N: usize>(params: &'a str, names: [&str; N]) -> Option<[&'a str; N]> {
    let mut params = params.split(',');
    let mut values = [""; N];
    for (value, name) in values.iter_mut().zip(names) {
        *value = params.next()?.strip_prefix(name)?.strip_prefix('=')?;
    }
    params.next().is_none().then_some(values)
}

fn scheme(name: &str, params: &str) -> Option<Scheme> {
    Some(match name {
        "bcrypt" => {
            let (cost, input) = if params.contains(",x=") {
                let [cost, input, pepper] = values(params, ["c", "i", "x"])?;
                if input != "peppered" {
                    return None;
                }
                (cost, BcryptInput::Peppered(Zeroizing::new(bytes(pepper)?)))
            } else {
                let [cost, input] = values(params, ["c", "i"])?;
                let input = match input {
                    "whole" => BcryptInput::Whole,
                    "hex-sha256" => BcryptInput::HexSha256,
                    "hmac-sha256" => BcryptInput::HmacSha256,
                    "hmac-sha384" => BcryptInput::HmacSha384,
                    _ => return None,
                };
                (cost, input)
            };
            Scheme::Bcrypt { cost: cost.parse().ok()?, input }
        }
        "scrypt" => {
            let [log_n, r, p] = values(params, ["n", "r", "p"])?;
            Scheme::Scrypt { log_n: log_n.parse().ok()?, r: r.parse().ok()?, p: p.parse().ok()? }
        }
        "pbkdf2" => {
            let [digest, rounds] = values(params, ["d", "i"])?;
            let digest: Digest = digest.parse().ok()?;
            if digest == Digest::Md5 {
                return None;
            }
            Scheme::Pbkdf2 { digest, rounds: rounds.parse().ok()? }
        }
        "firebase" => {
            let [log_n, r] = values(params, ["n", "r"])?;
            Scheme::Firebase { log_n: log_n.parse().ok()?, r: r.parse().ok()? }
        }
        "wrapped" => {
            let [digest, form, salt] = values(params, ["d", "f", "x"])?;
            let salted = match form {
                "before" => Salted::Before,
                "behind" => Salted::Behind,
                rounds => Salted::Rounds(rounds.strip_prefix("rounds-")?.parse().ok()?),
            };
            Scheme::Wrapped(Fast { digest: digest.parse().ok()?, salted, salt: bytes(salt)? })
        }
        variant => {
            let [version, memory_kib, passes, lanes] = values(params, ["v", "m", "t", "p"])?;
            Scheme::Argon2 {
                variant: variant.parse::<Variant>().ok()?,
                version: version.parse().ok().filter(|version| matches!(version, 16 | 19))?,
                memory_kib: memory_kib.parse().ok()?,
                passes: passes.parse().ok()?,
                lanes: lanes.parse().ok()?,
            }
        }
    })
}
