//! Proofs of possession (RFC 9449, DPoP): a client signs each login and each refresh with a key that never leaves its device.
//!
//! [`check`] is one pure function over the proof, the request and the time. [`AnsweredProofs`] is what a login remembers, so that a
//! proof is answered once.

mod answered;
mod bad_proof;
mod check;
mod claims;
mod key;
mod url;

pub use answered::{AnsweredProofs, MOST, NotTaken, ProofId};
pub use bad_proof::BadProof;
pub use check::{CLOCKS, Possession, ProvedRequest, TOLERANCE, check, good_until};
pub use key::Thumbprint;
pub use url::NormalUrl;

#[cfg(test)]
pub(crate) mod signer;
