//! The reasons for refused tokens, as metrics count them.

/// Why a token was refused: the value of a metric's dimension. The `reason` of a log line may say more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::VariantArray, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
#[cfg_attr(test, derive(Default))]
pub enum Refused {
    /// No token was presented.
    Absent,
    /// Not a token, or more than one.
    Malformed,
    /// An imported token that is in no index.
    Unknown,
    /// Its login has ended, or never existed.
    #[cfg_attr(test, default)]
    Ended,
    /// Its session has been replaced.
    Rotated,
    /// Its session isn't visible: a rotation is being committed.
    NoSession,
    /// The key fields of a session, but another token.
    Forged,
    /// Past its expiry.
    Expired,
}

impl Refused {
    /// Whether the token was refused as malformed or forged. A new version that misreads tokens refuses good ones for these
    /// reasons, and little else does. So a rollback alarm compares these refusals with those of the version before.
    #[must_use]
    pub const fn is_foreign(self) -> bool {
        matches!(self, Self::Malformed | Self::Forged)
    }

    /// The value of the dimension `Reason`.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.into()
    }
}
