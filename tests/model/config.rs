//! What a configuration lets happen, and how much of it.

use crate::table::{TOLERANCE, Tick};

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
    /// Logins that the back office issues, without a password.
    pub(crate) issues: u8,
    pub(crate) everywheres: u8,
    pub(crate) password_changes: u8,
    /// Changes by the users themselves, with a login that the client has.
    pub(crate) own_changes: u8,
    /// The user's hash at the start is another system's: a login replaces it.
    pub(crate) foreign_hash: bool,
    pub(crate) blocks: u8,
    /// After each block the user is removed.
    pub(crate) blocks_remove: bool,
    /// Requests and transactions of crashed requests that are under way at once.
    pub(crate) at_once: usize,
    /// When a run's time is over, and how many ticks pass at once.
    pub(crate) ticks: Tick,
    pub(crate) step: Tick,
    /// How many ticks the replay window lasts.
    pub(crate) window: Tick,
    /// Whether a handler may see time pass. What it has sent may be carried out at any later time in every world.
    pub(crate) slow_handlers: bool,
    /// How late a client's refresh may reach its handler, counted from where the token was taken out of the storage.
    pub(crate) delay: Tick,
    /// How far a handler's clock may be off, either way.
    pub(crate) skew: Tick,
    /// Successors await their first use: `LOST_ANSWER=until_first_use`.
    pub(crate) until_first_use: bool,
    /// Marks are written later than the answer that they were to come before, or never.
    pub(crate) late_marks: bool,
    /// Reads and transactions go item by item. Else each is one step: what is torn has worlds of its own.
    pub(crate) torn: bool,
    /// The login stood so at the start: rotated and used before sessions were marked, its first token in a thief's hands.
    pub(crate) used_unmarked: bool,
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
    /// The client presents nothing whose replay window has passed, as one that retries in time. Else it presents what is
    /// in its storage, however old that is.
    pub(crate) in_time: bool,
    /// The thief uses the access tokens that it is given.
    pub(crate) thief_uses: bool,
    pub(crate) max_logins: Option<usize>,
    /// All logins come from one device, and send its id.
    pub(crate) one_device: bool,
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
    LimitDeletesNothing,
    /// A login that replaces the hash asks neither for the version nor for the old hash.
    HashUnasked,
    /// A login isn't refused because the register is blocked.
    LoginIgnoresBlock,
    /// A block leaves the register's version, so that a login decided before it commits after it.
    BlockKeepsVersion,
    /// A removal deletes the register, so that it returns to what an issue in flight has read.
    RemovalDeletesRegister,
    /// A user's change of their password leaves the other logins alone.
    ChangeEndsNothing,
    /// Under a limit, too, the predecessor may have come or gone since the logins were counted.
    LimitForgetsPredecessor,
    /// The device's item is written over, whatever it says.
    DeviceUnasked,
    /// No session awaits its use: the window alone decides.
    WindowAlone,
    /// The mark says that the session was used, and not until when the token before is answered.
    MarkIsAFlag,
    /// Allowed first, marked then.
    MarkAfterAnswer,
    /// A service that only reads.
    NeverMarked,
    /// The mark of a session that is gone creates an item.
    MarkWithoutExists,
    /// Any session is marked and judged by its mark, also one that was used before there were marks.
    MarkWhereNoneIsAwaited,
    /// The predecessor's token is answered, used or not.
    ParentAtAnyAge,
    /// A rotation is no first use of the session that it replaces.
    NothingRaised,
    UnequalKeysByMark,
    NoTolerance,
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
        issues: 0,
        everywheres: 0,
        password_changes: 0,
        own_changes: 0,
        foreign_hash: false,
        blocks: 0,
        blocks_remove: false,
        at_once: usize::MAX,
        ticks: 0,
        step: 2,
        window: 4,
        slow_handlers: true,
        delay: 0,
        skew: 0,
        until_first_use: false,
        late_marks: false,
        torn: true,
        used_unmarked: false,
        lost_answers: 0,
        crashes: 0,
        thief: false,
        client_key: None,
        thief_key: None,
        tabs: false,
        in_time: true,
        thief_uses: false,
        max_logins: None,
        one_device: false,
        prepare: Prepare::InOrder,
        weakness: None,
    };

    pub(crate) fn weakened(self, weakness: Weakness) -> Self {
        Self { weakness: Some(weakness), ..self }
    }

    /// When a run begins: late enough for a window that ended long before, on any clock.
    pub(crate) fn start(&self) -> Tick {
        TOLERANCE + 2 * self.skew
    }

    /// An honest client: its tabs share one storage, take the token out of it right before they send, and present it however
    /// old it is.
    pub(crate) fn stores(&self) -> bool {
        self.until_first_use && !self.tabs && !self.in_time
    }

    /// What a clock may show when it is `now`.
    pub(crate) fn shown_at(&self, now: Tick) -> impl Iterator<Item = Tick> {
        now - self.skew..=now + self.skew
    }

    pub(crate) fn is(&self, weakness: Weakness) -> bool {
        self.weakness == Some(weakness)
    }
}
