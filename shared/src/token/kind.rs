//! The two kinds of token.

/// The differences between the two kinds, in their text and in the keys derived for them. Sealed.
pub trait Kind: sealed::Sealed {
    /// The field's name for it. With `_hash` it names the index and the indexed attribute.
    const NAME: &'static str;
    /// The first four characters.
    const PREFIX: &'static str;
    /// The HKDF info of the secret.
    const SECRET_INFO: &'static str;
    /// The prefix of the proof in the hash that the login item keeps.
    const PROOF_LABEL: &'static str;
}

/// Access tokens: valid for minutes, sent to the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {}

/// Refresh tokens: valid for days, sent to `/refresh`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refresh {}

impl Kind for Access {
    const NAME: &'static str = "access_token";
    const PREFIX: &'static str = "lka_";
    const SECRET_INFO: &'static str = "latchkey/v1/access-secret";
    const PROOF_LABEL: &'static str = "latchkey:access-proof:";
}

impl Kind for Refresh {
    const NAME: &'static str = "refresh_token";
    const PREFIX: &'static str = "lkr_";
    const SECRET_INFO: &'static str = "latchkey/v1/refresh-secret";
    const PROOF_LABEL: &'static str = "latchkey:refresh-proof:";
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Access {}
    impl Sealed for super::Refresh {}
}
