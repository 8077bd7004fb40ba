//! The functions that other systems hash passwords with, and their parameters.

use zeroize::Zeroizing;

/// A function with its costs. The bounds of the costs are in `work.rs`.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::password) enum Scheme {
    Argon2 {
        variant: Variant,
        /// 16 or 19.
        version: u32,
        memory_kib: u32,
        passes: u32,
        lanes: u32,
    },
    Bcrypt {
        cost: u32,
        input: BcryptInput,
    },
    Scrypt {
        log_n: u32,
        r: u32,
        p: u32,
    },
    Pbkdf2 {
        digest: Digest,
        rounds: u32,
    },
    /// Firebase encrypts its signer key with a key that scrypt derives. The import takes the signer key out: what is kept is the
    /// second half of the key stream.
    Firebase {
        log_n: u32,
        r: u32,
    },
    /// Argon2id with Latchkey's own costs, over an old hash that alone would be too fast.
    Wrapped(Fast),
}

#[derive(Clone, Copy, PartialEq, Eq, strum::IntoStaticStr, strum::EnumString)]
#[strum(serialize_all = "lowercase")]
pub(in crate::password) enum Variant {
    Argon2i,
    Argon2d,
    Argon2id,
}

/// What bcrypt is given.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::password) enum BcryptInput {
    /// The password.
    Whole,
    /// The password and a secret behind it (Devise). No more than 71 bytes of the secret can count.
    Peppered(Zeroizing<Vec<u8>>),
    /// The password's SHA-256 in hexadecimal (Django, Flask-Bcrypt).
    HexSha256,
    /// HMAC-SHA-256 of the password in base64, keyed with the spelling of the salt (passlib's `bcrypt_sha256`).
    HmacSha256,
    /// HMAC-SHA-384 of the trimmed password in base64, keyed with `wp-sha384` (WordPress from 6.8 on).
    HmacSha384,
}

#[derive(Clone, Copy, PartialEq, Eq, strum::IntoStaticStr, strum::EnumString)]
#[strum(serialize_all = "lowercase")]
pub(in crate::password) enum Digest {
    Md5,
    Sha1,
    Sha256,
    Sha512,
}

impl Digest {
    pub(super) fn length(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

/// A hash that takes no time, or next to none.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::password) struct Fast {
    pub(super) digest: Digest,
    pub(super) salted: Salted,
    pub(super) salt: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::password) enum Salted {
    /// One digest of the salt and the password.
    Before,
    /// One digest of the password and the salt.
    Behind,
    /// 2^n digests as phpass makes them: WordPress and phpBB with MD5, Drupal with SHA-512.
    Rounds(u32),
}

impl Scheme {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Argon2 { variant, .. } => (*variant).into(),
            Self::Bcrypt { .. } => "bcrypt",
            Self::Scrypt { .. } => "scrypt",
            Self::Pbkdf2 { .. } => "pbkdf2",
            Self::Firebase { .. } => "firebase",
            Self::Wrapped(_) => "wrapped",
        }
    }
}
