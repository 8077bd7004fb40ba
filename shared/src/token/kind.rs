//! The two kinds of token.

/// What tells the kinds apart, in their text and in what is derived for them. Sealed: there are two.
pub trait Kind: sealed::Sealed {
    /// What the field calls it: the name of its index and, with `_hash`, of the attribute that is indexed.
    const NAME: &'static str;
    /// The first four characters.
    const PREFIX: &'static str;
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
