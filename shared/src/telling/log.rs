//! One JSON line per outcome, with a code from the catalogue. `docs/logs.md` says what each means to an operator.
//!
//! A line holds ids, codes and hash prefixes; never a token, a password, a name or an address. What is logged is counted, in
//! the same place: [`Event::counts`].

use chrono::{DateTime, Utc};
use tracing::{Level, Subscriber, event};
use tracing_subscriber::fmt::MakeWriter;

use super::{
    Refused,
    signals::{self, Metric},
};
use crate::clock::rfc3339;

/// What a line reports. Its code is the variant's name in snake_case. Alarms match on codes, so they don't change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
#[cfg_attr(test, derive(strum::EnumIter))]
pub enum Event {
    /// A login was created.
    LoginSucceeded,
    /// Unknown user, wrong password or disabled user.
    LoginFailed,
    /// Too many attempts.
    LoginThrottled,
    /// The password was right, and the user has as many sessions as are allowed.
    LoginLimitReached,
    /// A user changed their password, which ended every other login of theirs.
    PasswordChanged,
    /// A session was replaced by its successor.
    RefreshRotated,
    /// A rotation was answered again.
    RefreshReplayed,
    /// The same, after the window: the client came back without having used the new tokens.
    RefreshRecovered,
    /// A token was refused for the moment: a newer one was issued just now.
    RefreshSuperseded,
    /// The same, and the idempotency keys differ: two parties hold the token.
    RefreshKeysDiffer,
    /// A genuine refresh token came without a proof by its login's key.
    RefreshKeyMismatch,
    /// A proof came that was answered before.
    RefreshProofRepeated,
    /// A login's client has sent more proofs than a login remembers.
    RefreshProofLimit,
    /// A refresh token is not, or no longer, good.
    RefreshRefused(Refused),
    /// A token that was replaced long ago came back: its login has been ended.
    RefreshReused,
    /// An access token passed.
    AccessAllowed,
    /// An access token didn't.
    AccessDenied(Refused),
    /// The clock of this environment differs from DynamoDB's, which is the one that counts.
    ClockSkew,
    /// The first use of new tokens couldn't be marked; the request passed all the same, and the next one marks it.
    MarkLost,
    /// A login was ended.
    LoggedOut,
    /// A user's logins were ended everywhere, or everywhere else.
    LoggedOutEverywhere,
    /// A logout of a login that isn't there.
    LogoutOfNothing,
    /// A caller of the back office did something.
    AdminAction,
    /// A request's form is wrong.
    RequestMalformed,
    /// The store gave no answer.
    StoreUnavailable,
    /// The request was not settled in its time.
    DeadlinePassed,
    /// Our fault: a request that DynamoDB rejects, a damaged item, no randomness.
    Internal,
    /// A user's password hash is of no form that this function verifies: that user can't log in.
    PasswordHashUnusable,
    /// The gateway sent no authorizer context, or no IAM caller, to a route that needs one.
    ContextMissing,
    /// A token leads to two logins, and was refused.
    TokenAmbiguous,
    /// What follows a settled answer didn't work; nothing depends on it.
    CleanupFailed,
    /// A login found a change of its user's attributes unfinished, and couldn't finish it; the next one tries again.
    AttributesPending,
    /// The connection couldn't be opened at the start; the first request tries again.
    WarmUpFailed,
    /// The extension isn't registered, so there may be no SIGTERM before the end.
    ShutdownUnregistered,
    /// A setting is missing or wrong: the process has stopped at its start.
    Misconfigured,
}

impl Event {
    /// The code that alarms match on.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.into()
    }

    /// Our own faults are ERROR. What a caller did is WARN if an operator should look at it, otherwise INFO.
    #[must_use]
    pub const fn level(self) -> Level {
        match self {
            Self::StoreUnavailable
            | Self::DeadlinePassed
            | Self::Internal
            | Self::PasswordHashUnusable
            | Self::ContextMissing
            | Self::TokenAmbiguous
            | Self::Misconfigured => Level::ERROR,
            Self::RefreshReused
            | Self::RefreshKeysDiffer
            | Self::RefreshKeyMismatch
            | Self::RefreshProofRepeated
            | Self::RefreshProofLimit
            | Self::LoginThrottled
            | Self::ClockSkew
            | Self::MarkLost
            | Self::CleanupFailed
            | Self::AttributesPending
            | Self::WarmUpFailed
            | Self::ShutdownUnregistered => Level::WARN,
            Self::LoginSucceeded
            | Self::LoginFailed
            | Self::LoginLimitReached
            | Self::PasswordChanged
            | Self::RefreshRotated
            | Self::RefreshReplayed
            | Self::RefreshRecovered
            | Self::RefreshSuperseded
            | Self::RefreshRefused(_)
            | Self::AccessDenied(_)
            | Self::LoggedOut
            | Self::LoggedOutEverywhere
            | Self::LogoutOfNothing
            | Self::AdminAction
            | Self::RequestMalformed => Level::INFO,
            // One per request of the whole API: the gateway's access log has them already.
            Self::AccessAllowed => Level::DEBUG,
        }
    }

    /// What it counts for, written or not. Nothing where no request is at hand: the process has not come to one yet.
    #[must_use]
    pub const fn counts(self) -> Option<Metric> {
        Some(match self {
            Self::LoginSucceeded => Metric::LoginsSucceeded,
            Self::LoginFailed => Metric::LoginsFailed,
            Self::LoginThrottled => Metric::LoginsThrottled,
            Self::LoginLimitReached => Metric::LoginsAtLimit,
            Self::PasswordChanged => Metric::PasswordsChanged,
            Self::RefreshRotated => Metric::RefreshesRotated,
            Self::RefreshReplayed => Metric::RefreshesReplayed,
            Self::RefreshRecovered => Metric::RefreshesRecovered,
            Self::RefreshSuperseded => Metric::RefreshesSuperseded,
            Self::RefreshKeysDiffer => Metric::RefreshesWithOtherKey,
            Self::RefreshKeyMismatch => Metric::RefreshesWithoutKey,
            Self::RefreshProofRepeated => Metric::ProofsRepeated,
            Self::RefreshProofLimit => Metric::ProofsOverLimit,
            Self::RefreshRefused(_) => Metric::RefreshesRefused,
            Self::RefreshReused => Metric::RefreshesReused,
            Self::AccessAllowed => Metric::AccessAllowed,
            Self::AccessDenied(_) => Metric::AccessDenied,
            Self::ClockSkew => Metric::ClocksSkewed,
            Self::MarkLost => Metric::MarksLost,
            Self::LoggedOut => Metric::Logouts,
            Self::LoggedOutEverywhere => Metric::LogoutsEverywhere,
            Self::LogoutOfNothing => Metric::LogoutsOfNothing,
            Self::AdminAction => Metric::AdminActions,
            Self::RequestMalformed => Metric::RequestsMalformed,
            Self::StoreUnavailable => Metric::StoreErrors,
            Self::DeadlinePassed => Metric::DeadlinesPassed,
            Self::Internal | Self::ContextMissing | Self::PasswordHashUnusable => Metric::InternalErrors,
            Self::TokenAmbiguous => Metric::TokensAmbiguous,
            Self::CleanupFailed | Self::AttributesPending => Metric::CleanupFailures,
            Self::WarmUpFailed | Self::ShutdownUnregistered | Self::Misconfigured => return None,
        })
    }

    /// The reason that it is counted by.
    #[must_use]
    pub const fn refused(self) -> Option<Refused> {
        match self {
            Self::RefreshRefused(refused) | Self::AccessDenied(refused) => Some(refused),
            _ => None,
        }
    }
}

/// What a line says beside its code.
#[derive(Debug, Clone, Copy, Default)]
pub struct Fields<'a> {
    /// The gateway's id of the request.
    pub request_id: Option<&'a str>,
    /// The user's key in the sessions table, where one must be found by the line.
    pub user_key: Option<&'a str>,
    /// The login that it is about.
    pub login_id: Option<&'a str>,
    /// The account that was tried, by the first characters of its subject's hash.
    pub account: Option<&'a str>,
    /// The network that it was tried from, likewise.
    pub network: Option<&'a str>,
    /// The first characters of the token's hash.
    pub token_hash: Option<&'a str>,
    /// Why, in a word.
    pub reason: Option<&'a str>,
    /// What a caller of the back office did.
    pub action: Option<&'a str>,
    /// The ARN of that caller.
    pub user_arn: Option<&'a str>,
    /// The unique id of that caller.
    pub caller: Option<&'a str>,
    /// What the decision knew.
    pub known: Known,
}

/// What a decision about a token knew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Known {
    /// The generation that the presented token names.
    pub generation: Option<u32>,
    /// The generation of its login.
    pub login_generation: Option<u32>,
    /// The end of the replay window of a rotated token.
    pub replay_until: Option<DateTime<Utc>>,
    /// When the access token expires, or the refresh tokens of its login.
    pub expires_at: Option<DateTime<Utc>>,
}

/// The id by which the gateway knows a request. The front leaves it in the request's extensions.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

impl<'a> Fields<'a> {
    /// The fields that a request's extensions give: its id, where the front has left one.
    #[must_use]
    pub fn of(extensions: &'a http::Extensions) -> Self {
        Self { request_id: extensions.get::<RequestId>().map(|id| id.0.as_str()), ..Self::default() }
    }
}

/// Counts what happened, and writes a line.
pub fn log(what: Event, fields: Fields<'_>, error: Option<&dyn std::error::Error>) {
    if let Some(metric) = what.counts() {
        signals::count(metric, what.refused());
    }
    let code = what.code();
    let trace_id = signals::trace_id();
    let Fields { request_id, user_key, login_id, account, network, token_hash, reason, action, user_arn, caller, known } = fields;
    let Known { generation, login_generation, .. } = known;
    let (replay_until, expires_at) = (known.replay_until.map(rfc3339), known.expires_at.map(rfc3339));
    let error = error.map(chain);
    macro_rules! line {
        ($level:expr) => {
            event!(
                target: "latchkey",
                $level,
                code,
                request_id,
                trace_id,
                user_key,
                login_id,
                account,
                network,
                token_hash,
                reason,
                action,
                user_arn,
                caller,
                generation,
                login_generation,
                replay_until,
                expires_at,
                error
            )
        };
    }
    match what.level() {
        Level::ERROR => line!(Level::ERROR),
        Level::WARN => line!(Level::WARN),
        Level::INFO => line!(Level::INFO),
        Level::DEBUG => line!(Level::DEBUG),
        Level::TRACE => line!(Level::TRACE),
    }
}

/// An error with what caused it, each level once.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let next = cause.to_string();
        if !text.ends_with(&next) {
            text = format!("{text}: {next}");
        }
        source = cause.source();
    }
    text
}

/// One JSON object a line. Control characters that a client sent are escaped.
pub fn subscriber<W>(writer: W, level: Level) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_max_level(level)
        .with_writer(writer)
        .finish()
}

/// Sends the lines to standard output, where Lambda collects them. No-op if a subscriber is already set.
pub fn init() {
    let _somebody_listens = tracing::subscriber::set_global_default(subscriber(std::io::stdout, Level::INFO));
}

/// Ends the process at its start, with a line that says what to set.
pub fn stop(error: &dyn std::error::Error) -> ! {
    log(Event::Misconfigured, Fields::default(), Some(error));
    std::process::exit(1)
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator as _;

    use super::*;

    /// An error whose text ends in its cause's, as many of the SDK's do, says the cause once.
    #[test]
    fn a_chain_says_each_cause_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("{text}")]
        struct Level {
            text: &'static str,
            source: Option<Box<Self>>,
        }
        let error = |texts: [&'static str; 3]| {
            texts.into_iter().rev().fold(None, |source, text| Some(Box::new(Level { text, source }))).map(|error| chain(&*error)).unwrap()
        };
        assert_eq!(error(["no answer", "connect", "refused"]), "no answer: connect: refused");
        assert_eq!(error(["no answer: connect", "connect", "refused"]), "no answer: connect: refused");
        assert_eq!(error(["no answer: refused", "refused", "refused"]), "no answer: refused");
    }

    #[test]
    fn codes_are_unique_snake_case_words() {
        let codes: std::collections::BTreeSet<_> = Event::iter().map(Event::code).collect();
        assert_eq!(codes.len(), Event::iter().count());
        assert!(codes.iter().all(|code| code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')));
    }

    #[test]
    fn the_catalogue_is_documented_as_it_is() {
        let documented = include_str!("../../../docs/logs.md");
        for event in Event::iter() {
            let counted = event.counts().map_or_else(|| "–".to_owned(), |metric| format!("`{}`", metric.name()));
            let row = format!("| `{}` | {} | {counted} |", event.code(), event.level());
            assert!(documented.contains(&row), "docs/logs.md lacks {row}");
        }
        assert_eq!(documented.lines().filter(|line| line.starts_with("| `")).count(), Event::iter().count());
    }
}
