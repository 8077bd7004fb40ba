//! Why tokens are refused, in the few words that are counted.

/// Why a token was refused, as a metric's dimension tells it. A line's `reason` may say more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Nothing was presented.
    Absent,
    /// No token, or more than one.
    Malformed,
    /// An imported token that no index knows.
    Unknown,
    /// Its login has ended, or never was.
    Ended,
    /// Its session has been replaced.
    Rotated,
    /// Its session isn't to be seen: a rotation is being committed.
    NoSession,
    /// The right place, another token.
    Forged,
    /// Past its expiry.
    Expired,
}

impl Refused {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::Absent, Self::Malformed, Self::Unknown, Self::Ended, Self::Rotated, Self::NoSession, Self::Forged, Self::Expired];

    /// The value of the dimension `Reason`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Malformed => "malformed",
            Self::Unknown => "unknown",
            Self::Ended => "ended",
            Self::Rotated => "rotated",
            Self::NoSession => "no_session",
            Self::Forged => "forged",
            Self::Expired => "expired",
        }
    }
}
