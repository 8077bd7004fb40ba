//! Why tokens are refused, in the few words that are counted.

/// Why a token was refused, as a metric's dimension tells it. A line's `reason` may say more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::VariantArray, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
#[cfg_attr(test, derive(Default))]
pub enum Refused {
    /// Nothing was presented.
    Absent,
    /// No token, or more than one.
    Malformed,
    /// An imported token that no index knows.
    Unknown,
    /// Its login has ended, or never was.
    #[cfg_attr(test, default)]
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
    /// The value of the dimension `Reason`.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.into()
    }
}
