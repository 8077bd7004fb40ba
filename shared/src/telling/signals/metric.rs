//! What is counted and measured. `docs/metrics.md` says what each means to an operator.

use strum::VariantArray as _;

use crate::telling::Refused;

/// The functions, by the name that the dimension `Function` has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::VariantArray, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Function {
    /// `POST /login`.
    Login,
    /// `POST /refresh`.
    Refresh,
    /// Asked before every protected route.
    Authorizer,
    /// The other routes.
    Sessions,
    /// The back office.
    Admin,
}

impl Function {
    /// The value of the dimension `Function`, which is the binary's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// A metric. CloudWatch has it under the variant's name. Names don't change: alarms are set on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::VariantArray, strum::IntoStaticStr)]
pub enum Metric {
    /// Logins created.
    LoginsSucceeded,
    /// Unknown user, wrong password or disabled user.
    LoginsFailed,
    /// Attempts that had to wait.
    LoginsThrottled,
    /// The right password, and as many sessions as are allowed.
    LoginsAtLimit,
    /// Passwords that their users changed.
    PasswordsChanged,
    /// Sessions replaced by their successor.
    RefreshesRotated,
    /// Rotations answered again.
    RefreshesReplayed,
    /// Lost answers given again after the window.
    RefreshesRecovered,
    /// 409: a newer token was issued just now.
    RefreshesSuperseded,
    /// The same, with another idempotency key.
    RefreshesWithOtherKey,
    /// Genuine refresh tokens of bound logins without a proof by the login's key.
    RefreshesWithoutKey,
    /// Proofs that came again.
    ProofsRepeated,
    /// 429: more proofs of one login than it remembers.
    ProofsOverLimit,
    /// Refresh tokens refused, also by reason.
    RefreshesRefused,
    /// Logins ended because an old token came back.
    RefreshesReused,
    /// Access tokens that passed.
    AccessAllowed,
    /// Access tokens that didn't, also by reason.
    AccessDenied,
    /// Requests in an environment whose clock differs from DynamoDB's by more than two seconds.
    ClocksSkewed,
    /// First uses of new tokens that couldn't be marked.
    MarksLost,
    /// Logins ended by their holder.
    Logouts,
    /// All logins of a user ended, or all but one.
    LogoutsEverywhere,
    /// Logouts of what had already ended.
    LogoutsOfNothing,
    /// What callers of the back office did.
    AdminActions,
    /// 400, 413, 415.
    RequestsMalformed,
    /// Requests that ended in 503 because DynamoDB gave no answer.
    StoreErrors,
    /// Requests that were not settled in their time.
    DeadlinesPassed,
    /// 500: our fault.
    InternalErrors,
    /// Tokens that lead to two logins.
    TokensAmbiguous,
    /// Tokens refused as malformed or forged, also by version.
    TokensForeign,
    /// What follows a settled answer and didn't work.
    CleanupFailures,
    /// Calls to DynamoDB, each with all its attempts.
    StoreLatency,
    /// Attempts of such calls beyond the first.
    StoreRetries,
    /// Attempts of such calls that DynamoDB throttled, also by table or index.
    StoreThrottles,
    /// Requests that were the first of their process.
    ColdStarts,
}

impl Metric {
    /// Its name in CloudWatch.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Its unit, as CloudWatch names it.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        if matches!(self, Self::StoreLatency) { "Milliseconds" } else { "Count" }
    }

    /// The functions that write it: there are no others to set an alarm on.
    #[must_use]
    pub const fn functions(self) -> &'static [Function] {
        match self {
            Self::LoginsSucceeded | Self::LoginsFailed | Self::LoginsThrottled | Self::LoginsAtLimit | Self::PasswordsChanged => {
                &[Function::Login]
            }
            Self::RefreshesRotated
            | Self::RefreshesReplayed
            | Self::RefreshesRecovered
            | Self::RefreshesSuperseded
            | Self::RefreshesWithOtherKey
            | Self::RefreshesWithoutKey
            | Self::ProofsRepeated
            | Self::ProofsOverLimit
            | Self::RefreshesRefused
            | Self::RefreshesReused => &[Function::Refresh],
            Self::AccessAllowed | Self::AccessDenied | Self::MarksLost => &[Function::Authorizer, Function::Admin],
            Self::ClocksSkewed | Self::TokensForeign => &[Function::Refresh, Function::Authorizer, Function::Admin],
            Self::Logouts | Self::LogoutsEverywhere | Self::LogoutsOfNothing => &[Function::Sessions],
            Self::AdminActions => &[Function::Admin],
            Self::RequestsMalformed | Self::CleanupFailures => &[Function::Login, Function::Refresh, Function::Sessions, Function::Admin],
            Self::TokensAmbiguous => &[Function::Refresh, Function::Authorizer, Function::Sessions, Function::Admin],
            Self::StoreErrors
            | Self::DeadlinesPassed
            | Self::InternalErrors
            | Self::StoreLatency
            | Self::StoreRetries
            | Self::StoreThrottles
            | Self::ColdStarts => Function::VARIANTS,
        }
    }

    /// Its values of the dimension `Reason`; empty for metrics without that dimension.
    #[must_use]
    pub const fn reasons(self) -> &'static [Refused] {
        match self {
            Self::AccessDenied => Refused::VARIANTS,
            Self::RefreshesRefused => {
                &[Refused::Absent, Refused::Malformed, Refused::Unknown, Refused::Ended, Refused::Forged, Refused::Expired]
            }
            _ => &[],
        }
    }

    /// Whether it is also counted by the function's version, as the dimension `Version`.
    #[must_use]
    pub const fn is_by_version(self) -> bool {
        matches!(self, Self::TokensForeign)
    }
}
