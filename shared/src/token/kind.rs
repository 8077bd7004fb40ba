//! The two kinds of token.

/// What tells the kinds apart, in their text and in what is derived for them. Sealed: there are two.
pub trait Kind: sealed::Sealed {
    /// The first four characters.
    const PREFIX: &'static str;
    /// As the sessions table's index is named; the indexed attribute is this and `_hash`.
    const NAME: &'static str;
    /// The HKDF info of the secret.
    const SECRET_INFO: &'static str;
    /// What stands before the proof in the hash that the login item keeps.
    const PROOF_LABEL: &'static str;
}

/// Access: minutes, for the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {}

/// Refresh: days, for `/refresh`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refresh {}

impl Kind for Access {
    const PREFIX: &'static str = "lka_";
    const NAME: &'static str = "access_token";
    const SECRET_INFO: &'static str = "latchkey/v1/access-secret";
    const PROOF_LABEL: &'static str = "latchkey:access-proof:";
}

impl Kind for Refresh {
    const PREFIX: &'static str = "lkr_";
    const NAME: &'static str = "refresh_token";
    const SECRET_INFO: &'static str = "latchkey/v1/refresh-secret";
    const PROOF_LABEL: &'static str = "latchkey:refresh-proof:";
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Access {}
    impl Sealed for super::Refresh {}
}
