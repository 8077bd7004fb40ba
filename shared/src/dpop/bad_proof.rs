//! Why a proof proves nothing.

/// What is wrong with a proof. Its text is the `detail` of the answer: a constant that quotes nothing of the proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.detail())]
pub enum BadProof {
    /// There is none, and one is required.
    Missing,
    /// Two `DPoP` headers.
    SentTwice,
    /// Longer than any proof has to be.
    TooLong,
    /// No JWT in compact form, or a member is missing, of another type, or there twice.
    Malformed,
    /// `typ` is another.
    Type,
    /// An algorithm that isn't offered, or one that doesn't fit the key.
    Algorithm,
    /// `crit` asks for an extension. There is none.
    Critical,
    /// The key isn't a full public key of its curve.
    Key,
    /// The key is there with its private part.
    PrivateKey,
    /// The signature isn't the key's.
    Signature,
    /// `htm` is another method.
    Method,
    /// `htu` is another URL.
    Url,
    /// `iat`, `exp` or `nbf` is too far from now.
    Time,
    /// `ath` is the hash of another token.
    TokenHash,
    /// The proof was answered before.
    Repeated,
}

impl BadProof {
    /// What the client is told.
    #[must_use]
    pub const fn detail(self) -> &'static str {
        match self {
            Self::Missing => "a DPoP proof is required",
            Self::SentTwice => "the header DPoP is sent once",
            Self::TooLong => "the proof is over 4096 bytes",
            Self::Malformed => "the proof is no JWT with typ, alg, jwk, jti, htm, htu and iat, each once",
            Self::Type => "`typ` must be dpop+jwt",
            Self::Algorithm => "`alg` must be ES256 with a P-256 key, or EdDSA or Ed25519 with an Ed25519 key",
            Self::Critical => "`crit` isn't supported",
            Self::Key => "`jwk` isn't a full public key; if your library shortens a coordinate that begins with a zero, a new key helps",
            Self::PrivateKey => "`jwk` holds a private key; that key is no longer secret, so make a new one",
            Self::Signature => "the signature isn't by the key in `jwk`",
            Self::Method => "`htm` must be the request's method in capital letters",
            Self::Url => "`htu` must be the URL that the request was sent to",
            Self::Time => "`iat` is over 5 minutes from the server's time; take the time from the header Date and sign again",
            Self::TokenHash => "`ath` must be the hash of the refresh token that is sent",
            Self::Repeated => "this proof was answered before; sign a new one",
        }
    }
}
