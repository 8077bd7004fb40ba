//! Settings from the environment, parsed once at start. Every error names the variable and what it takes.

mod duration;
mod origin;

use std::{num::NonZeroU32, time::Duration};

use crate::{
    decision::{OnSessionLimit, SessionLimit},
    model::{Lifetimes, ReplayRule},
    password::{ForeignHashes, Work},
    telling::signals::{Function, Signals},
    throttle::Throttle,
    token::ImportedTokens,
};

pub use duration::parse_duration;

use duration::spell;
use origin::parse_origin;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A variable that is missing or wrong. The process stops on it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable} {problem}: it takes {takes}")]
pub struct ConfigError {
    /// The variable.
    pub variable: &'static str,
    /// What is wrong with it.
    pub problem: String,
    /// What it takes.
    pub takes: String,
}

type Lookup<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// Where variables are read from.
pub struct Environment<'a>(Box<Lookup<'a>>);

impl Environment<'static> {
    /// The process's.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that may ask")]
    pub fn of_process() -> Self {
        Self::from_fn(|name| std::env::var(name).ok())
    }
}

impl<'a> Environment<'a> {
    /// The values that `lookup` finds.
    pub fn from_fn(lookup: impl Fn(&str) -> Option<String> + 'a) -> Self {
        Self(Box::new(lookup))
    }

    /// The variable's value; `None` if it is unset or empty.
    #[must_use]
    pub fn get(&self, variable: &str) -> Option<String> {
        (self.0)(variable).filter(|value| !value.is_empty())
    }

    /// A variable that has no default.
    ///
    /// # Errors
    /// [`ConfigError`] where it is missing.
    pub fn required(&self, variable: &'static str, takes: &str) -> Result<String, ConfigError> {
        self.get(variable).ok_or_else(|| ConfigError { variable, problem: "is not set".into(), takes: takes.into() })
    }

    fn parsed<T>(
        &self,
        variable: &'static str,
        default: &str,
        takes: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, ConfigError> {
        let value = self.get(variable).unwrap_or_else(|| default.to_owned());
        parse(&value).ok_or_else(|| ConfigError { variable, problem: format!("is {value:?}"), takes: takes.into() })
    }

    fn duration(&self, variable: &'static str, default: &str, least: u64, most: u64) -> Result<Duration, ConfigError> {
        let takes = format!("a duration from {} to {}, such as {default}", spell(least), spell(most));
        self.parsed(variable, default, &takes, |text| {
            parse_duration(text).filter(|duration| (Duration::from_secs(least)..=Duration::from_secs(most)).contains(duration))
        })
    }

    fn count(&self, variable: &'static str, default: &str, least: u32, most: u32) -> Result<u32, ConfigError> {
        let takes = format!("a whole number from {least} to {most}");
        self.parsed(variable, default, &takes, |text| text.parse().ok().filter(|count| (least..=most).contains(count)))
    }

    pub(crate) fn sessions_table(&self) -> Result<String, ConfigError> {
        self.required("SESSIONS_TABLE", "the name of the sessions table")
    }

    /// `ACCESS_TOKEN_TTL` and `REFRESH_TOKEN_TTL`.
    fn lifetimes(&self) -> Result<Lifetimes, ConfigError> {
        let access = self.duration("ACCESS_TOKEN_TTL", "5m", MINUTE, HOUR)?;
        let refresh = self.duration("REFRESH_TOKEN_TTL", "7d", HOUR, 90 * DAY)?;
        if refresh <= access {
            return Err(ConfigError {
                variable: "REFRESH_TOKEN_TTL",
                problem: format!("is {}", spell(refresh.as_secs())),
                takes: "more than ACCESS_TOKEN_TTL".into(),
            });
        }
        Ok(Lifetimes { access, refresh })
    }

    /// `REPLAY_WINDOW`; zero turns replay off.
    fn replay_window(&self, lifetimes: Lifetimes) -> Result<Duration, ConfigError> {
        let takes = "0, or a duration from 10s to 5m, less than ACCESS_TOKEN_TTL";
        self.parsed("REPLAY_WINDOW", "30s", takes, |text| parse_window(text).filter(|window| *window < lifetimes.access))
    }

    /// `REPLAY_WINDOW` and `LOST_ANSWER`. Without a window there is nothing to count a first use's window by.
    fn replay_rule(&self, lifetimes: Lifetimes) -> Result<ReplayRule, ConfigError> {
        let window = self.replay_window(lifetimes)?;
        let default = if window.is_zero() { "window" } else { "until_first_use" };
        let takes = "`until_first_use` or `window`; with REPLAY_WINDOW=0 only `window`";
        let until_first_use = self.parsed("LOST_ANSWER", default, takes, |text| match text {
            "until_first_use" if !window.is_zero() => Some(true),
            "window" => Some(false),
            _ => None,
        })?;
        Ok(ReplayRule { window, until_first_use })
    }

    /// `REPLAY_WINDOW`, for a function that marks first uses. Where the rotations have none, nothing is awaited.
    fn mark_window(&self) -> Result<Duration, ConfigError> {
        let takes = "0, or a duration from 10s to 5m";
        self.parsed("REPLAY_WINDOW", "30s", takes, parse_window)
    }

    /// `CORS_ALLOW_ORIGIN`: which pages may read the answers.
    ///
    /// # Errors
    /// [`ConfigError`] for a value that no browser would compare equal to an origin.
    pub fn cors_allow_origin(&self) -> Result<Option<String>, ConfigError> {
        self.parsed("CORS_ALLOW_ORIGIN", "none", origin::TAKES, parse_origin)
    }

    /// `METRICS_NAMESPACE`: the namespace of the metrics in CloudWatch; without it no metric is written.
    ///
    /// # Errors
    /// [`ConfigError`] for a name that CloudWatch wouldn't take
    /// (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html>).
    pub fn metrics_namespace(&self) -> Result<Option<String>, ConfigError> {
        let takes = "1 to 255 of A-Z a-z 0-9 . _ / # -, not beginning with AWS/";
        let is_name = |text: &str| {
            let of_its_characters = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._/#-".contains(&byte));
            of_its_characters && text.len() <= 255 && !text.starts_with("AWS/")
        };
        self.parsed("METRICS_NAMESPACE", "", takes, |text| is_name(text).then(|| (!text.is_empty()).then(|| text.to_owned())))
    }

    /// The signals of `function`: on where `METRICS_NAMESPACE` is set. Lambda sets the version.
    ///
    /// # Errors
    /// [`ConfigError`] as for [`Self::metrics_namespace`].
    pub fn signals(&self, function: Function) -> Result<Signals, ConfigError> {
        let version = self.get("AWS_LAMBDA_FUNCTION_VERSION");
        Ok(Signals::to_stdout(self.metrics_namespace()?.as_deref(), function).of_version(version.as_deref()))
    }

    /// `ACCEPT_IMPORTED_TOKENS`.
    fn imported_tokens(&self) -> Result<ImportedTokens, ConfigError> {
        self.parsed("ACCEPT_IMPORTED_TOKENS", "false", "`true` or `false`", |text| match text {
            "true" => Some(ImportedTokens::Accepted),
            "false" => Some(ImportedTokens::Refused),
            _ => None,
        })
    }

    /// `ACCEPT_FOREIGN_HASHES`. A verification may take a quarter of the function's memory, which Lambda says.
    fn foreign_hashes(&self) -> Result<ForeignHashes, ConfigError> {
        let memory_mb: Option<u32> = self.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE").and_then(|size| size.parse().ok());
        let most_memory_kib = memory_mb.map_or(Work::MOST_MEMORY_KIB, |size| size.saturating_mul(1024 / 4).min(Work::MOST_MEMORY_KIB));
        self.parsed("ACCEPT_FOREIGN_HASHES", "false", "`true` or `false`", |text| match text {
            "true" => Some(ForeignHashes::Accepted { most_memory_kib }),
            "false" => Some(ForeignHashes::Refused),
            _ => None,
        })
    }

    /// `DPOP`: whether a login can be bound to a key, or must be.
    fn binding(&self) -> Result<Binding, ConfigError> {
        self.parsed("DPOP", "off", "`off`, `optional` or `required`", |text| match text {
            "off" => Some(Binding::Off),
            "optional" => Some(Binding::Optional),
            "required" => Some(Binding::Required),
            _ => None,
        })
    }

    fn session_limit(&self) -> Result<Option<SessionLimit>, ConfigError> {
        let max = self.parsed("MAX_SESSIONS_PER_USER", "off", "`off`, or a whole number from 1 to 1000", |text| match text {
            "off" => Some(None),
            number => number.parse().ok().and_then(NonZeroU32::new).filter(|max| max.get() <= 1000).map(Some),
        })?;
        let on_limit = self.parsed("ON_SESSION_LIMIT", "evict_oldest", "`evict_oldest` or `reject`", |text| match text {
            "evict_oldest" => Some(OnSessionLimit::EvictOldest),
            "reject" => Some(OnSessionLimit::Reject),
            _ => None,
        })?;
        Ok(max.map(|max| SessionLimit { max, on_limit }))
    }

    fn session_max_lifetime(&self, lifetimes: Lifetimes) -> Result<Option<Duration>, ConfigError> {
        let takes = "`off`, or a duration of REFRESH_TOKEN_TTL or more, up to 3650d";
        self.parsed("SESSION_MAX_LIFETIME", "off", takes, |text| match text {
            "off" => Some(None),
            duration => parse_duration(duration)
                .filter(|duration| (lifetimes.refresh..=Duration::from_secs(3650 * DAY)).contains(duration))
                .map(Some),
        })
    }

    fn throttle(&self) -> Result<Throttle, ConfigError> {
        Ok(Throttle {
            free_failures: self.count("LOGIN_FREE_FAILURES", "5", 1, 100)?,
            max_delay: self.duration("LOGIN_MAX_DELAY", "15m", 1, DAY)?,
            network_failures: self.count("LOGIN_NETWORK_FAILURES", "300", 1, 1_000_000)?,
            network_window: self.duration("LOGIN_NETWORK_WINDOW", "5m", MINUTE, DAY)?,
            account_failures: self.count("LOGIN_ACCOUNT_FAILURES", "100", 1, 100)?,
        })
    }
}

/// Whether new logins are bound to a key of the client (RFC 9449). One that is bound stays bound whatever the setting says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// No new login is.
    Off,
    /// One that comes with a proof is.
    Optional,
    /// All are: a login without a proof is refused.
    Required,
}

/// What the login function needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginConfig {
    /// `SESSIONS_TABLE`.
    pub sessions_table: String,
    /// `USERS_TABLE`.
    pub users_table: String,
    /// `LOGIN_ATTEMPTS_TABLE`.
    pub login_attempts_table: String,
    /// How long tokens live.
    pub lifetimes: Lifetimes,
    /// What no refresh extends.
    pub session_max_lifetime: Option<Duration>,
    /// How many logins a user may have.
    pub session_limit: Option<SessionLimit>,
    /// The throttle's numbers.
    pub throttle: Throttle,
    /// Whether logins are bound to a key.
    pub binding: Binding,
    /// Whether passwords are verified against the hashes of other systems.
    pub foreign_hashes: ForeignHashes,
}

impl LoginConfig {
    /// Reads it.
    ///
    /// # Errors
    /// [`ConfigError`], the first there is.
    pub fn read(environment: &Environment<'_>) -> Result<Self, ConfigError> {
        let lifetimes = environment.lifetimes()?;
        Ok(Self {
            sessions_table: environment.sessions_table()?,
            users_table: environment.required("USERS_TABLE", "the name of the users table")?,
            login_attempts_table: environment.required("LOGIN_ATTEMPTS_TABLE", "the name of the login attempts table")?,
            lifetimes,
            session_max_lifetime: environment.session_max_lifetime(lifetimes)?,
            session_limit: environment.session_limit()?,
            throttle: environment.throttle()?,
            binding: environment.binding()?,
            foreign_hashes: environment.foreign_hashes()?,
        })
    }
}

/// What the admin function needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminConfig {
    /// `SESSIONS_TABLE`.
    pub sessions_table: String,
    /// `USERS_TABLE`.
    pub users_table: String,
    /// How long tokens live.
    pub lifetimes: Lifetimes,
    /// What no refresh extends.
    pub session_max_lifetime: Option<Duration>,
    /// How many logins a user may have.
    pub session_limit: Option<SessionLimit>,
    /// Whether imported tokens are accepted.
    pub imported_tokens: ImportedTokens,
    /// How long an old token is answered after the first use of the new one.
    pub replay_window: Duration,
    /// Whether logins are bound to a key.
    pub binding: Binding,
}

impl AdminConfig {
    /// Reads it.
    ///
    /// # Errors
    /// [`ConfigError`], the first there is.
    pub fn read(environment: &Environment<'_>) -> Result<Self, ConfigError> {
        let lifetimes = environment.lifetimes()?;
        Ok(Self {
            sessions_table: environment.sessions_table()?,
            users_table: environment.required("USERS_TABLE", "the name of the users table")?,
            lifetimes,
            session_max_lifetime: environment.session_max_lifetime(lifetimes)?,
            session_limit: environment.session_limit()?,
            imported_tokens: environment.imported_tokens()?,
            replay_window: environment.mark_window()?,
            binding: environment.binding()?,
        })
    }
}

/// A replay window: none, or long enough for a retry and short enough for a stolen token.
fn parse_window(text: &str) -> Option<Duration> {
    let allowed = Duration::from_secs(10)..=Duration::from_secs(5 * MINUTE);
    parse_duration(text).filter(|window| window.is_zero() || allowed.contains(window))
}

/// What the authorizer and the sessions function need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReaderConfig {
    /// `SESSIONS_TABLE`.
    pub sessions_table: String,
    /// Whether imported tokens are accepted.
    pub imported_tokens: ImportedTokens,
    /// How long an old token is answered after the first use of the new one.
    pub replay_window: Duration,
}

impl ReaderConfig {
    /// Reads it.
    ///
    /// # Errors
    /// [`ConfigError`], the first there is.
    pub fn read(environment: &Environment<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            sessions_table: environment.sessions_table()?,
            imported_tokens: environment.imported_tokens()?,
            replay_window: environment.mark_window()?,
        })
    }
}

/// What the refresh function needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshConfig {
    /// `SESSIONS_TABLE`.
    pub sessions_table: String,
    /// How long tokens live.
    pub lifetimes: Lifetimes,
    /// How a lost answer is given again.
    pub replay: ReplayRule,
    /// Whether imported tokens are accepted.
    pub imported_tokens: ImportedTokens,
}

impl RefreshConfig {
    /// Reads it.
    ///
    /// # Errors
    /// [`ConfigError`], the first there is.
    pub fn read(environment: &Environment<'_>) -> Result<Self, ConfigError> {
        let lifetimes = environment.lifetimes()?;
        Ok(Self {
            sessions_table: environment.sessions_table()?,
            lifetimes,
            replay: environment.replay_rule(lifetimes)?,
            imported_tokens: environment.imported_tokens()?,
        })
    }
}

#[cfg(test)]
mod tests;
