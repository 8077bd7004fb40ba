//! What a configuration lets happen, and how much of it.

/// One bounded world. Each is aimed at a promise; a giant that had everything would never be explored to its end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Config {
    pub(crate) name: &'static str,
    /// Logins that are there at the start, whole and in the client's hands.
    pub(crate) logins_before: u8,
    pub(crate) refreshes: u8,
    pub(crate) authorizations: u8,
    pub(crate) logouts: u8,
    /// Ends of logins that another device saw in the list, answered yet or not.
    pub(crate) listed_ends: u8,
    pub(crate) logins: u8,
    pub(crate) everywheres: u8,
    pub(crate) password_changes: u8,
    /// Requests and transactions of crashed requests that are under way at once.
    pub(crate) at_once: usize,
    pub(crate) ticks: u8,
    /// How often a request hears nothing of its transaction, which goes on.
    pub(crate) lost_answers: u8,
    /// How often a request stops for good, its transaction going on.
    pub(crate) crashes: u8,
    /// Somebody copies tokens of the client's, once.
    pub(crate) thief: bool,
    /// What the two send as idempotency key.
    pub(crate) client_key: Option<u8>,
    pub(crate) thief_key: Option<u8>,
    /// Stale tokens from other tabs, too; otherwise the newest that the client has.
    pub(crate) tabs: bool,
    /// The client presents nothing whose replay window has passed, as one that retries in time.
    pub(crate) in_time: bool,
    pub(crate) max_logins: Option<usize>,
    pub(crate) prepare: Prepare,
    pub(crate) weakness: Option<Weakness>,
}

/// In which order a transaction's items are prepared. They are committed in every order, always: that is what a query
/// can see. The order of preparing only decides who runs into whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prepare {
    InOrder,
    AnyOrder,
}

/// One thing taken away, for a control that must fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weakness {
    /// The login update takes an absent item: it doesn't ask whether the login exists.
    RotationRevives,
    /// Neither the generation of the login nor the hash of the old session is asked for.
    RotationUnconditional,
    EndDeletesOnlySession,
    AuthorizerIgnoresGeneration,
    ReuseBeforeTorn,
    ReplayWithoutWindow,
    ReplayWithUnequalKeys,
    EverywhereWithoutLastLogin,
    LoginWithoutPredecessor,
    RegisterReadLast,
    /// A login's request that finds the register moved, and nothing of its own, writes the login that it minted first.
    SameLoginAgain,
    /// Requests and their transactions go on for as long as they like.
    NoDeadline,
    LimitDeletesNothing,
}

impl Config {
    pub(crate) const NOTHING: Self = Self {
        name: "",
        logins_before: 1,
        refreshes: 0,
        authorizations: 0,
        logouts: 0,
        listed_ends: 0,
        logins: 0,
        everywheres: 0,
        password_changes: 0,
        at_once: usize::MAX,
        ticks: 0,
        lost_answers: 0,
        crashes: 0,
        thief: false,
        client_key: None,
        thief_key: None,
        tabs: false,
        in_time: true,
        max_logins: None,
        prepare: Prepare::InOrder,
        weakness: None,
    };

    pub(crate) fn weakened(self, weakness: Weakness) -> Self {
        Self { weakness: Some(weakness), ..self }
    }

    pub(crate) fn is(&self, weakness: Weakness) -> bool {
        self.weakness == Some(weakness)
    }
}
