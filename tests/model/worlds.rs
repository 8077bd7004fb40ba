//! The worlds: bounded configurations, each aimed at a promise, in the quick size and in the full one.

use crate::config::{Config, Prepare};

/// A world in its two sizes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    pub(crate) quick: Config,
    pub(crate) full: Config,
}

/// G1 and G2: parallel refreshes of one token, an authorizer beside them, crashes and lost answers.
pub(crate) const PARALLEL: Sizes = {
    let quick = Config {
        name: "parallel refreshes",
        refreshes: 2,
        authorizations: 1,
        lost_answers: 1,
        crashes: 1,
        prepare: Prepare::AnyOrder,
        ..Config::NOTHING
    };
    Sizes { quick, full: Config { refreshes: 3, authorizations: 0, ..quick } }
};

/// G2: one more of them, and the least else.
pub(crate) const THREE: Sizes = {
    let quick = Config { name: "three parallel refreshes", refreshes: 3, lost_answers: 1, ..Config::NOTHING };
    Sizes { quick, full: Config { refreshes: 4, ..quick } }
};

/// G7 for the honest: tabs that present any token they ever had while its window is open.
pub(crate) const TABS: Sizes = {
    let quick = Config { name: "tabs", refreshes: 3, at_once: 2, tabs: true, ticks: 4, lost_answers: 1, ..Config::NOTHING };
    Sizes { quick, full: Config { refreshes: 4, ticks: 8, ..quick } }
};

/// G7: a thief with copied tokens, inside windows and after them.
pub(crate) const THIEF: Sizes = {
    let quick = Config { name: "thief", refreshes: 3, at_once: 2, thief: true, in_time: false, ticks: 6, ..Config::NOTHING };
    Sizes { quick, full: Config { refreshes: 4, ticks: 8, ..quick } }
};

/// G2 and G7: the thief doesn't send the client's idempotency key.
pub(crate) const KEYS: Sizes = {
    let quick = Config { name: "keys", client_key: Some(1), ..THIEF.quick };
    Sizes { quick, full: Config { thief_key: Some(2), refreshes: 4, ..quick } }
};

/// G7: more generations than a login remembers the windows of, one request at a time.
pub(crate) const CHAIN: Sizes = {
    let quick = Config { name: "chain", refreshes: 6, at_once: 1, tabs: true, in_time: false, ticks: 6, ..Config::NOTHING };
    Sizes { quick, full: Config { refreshes: 7, ..quick } }
};

/// G1 and G3: a logout among refreshes and an authorizer.
pub(crate) const LOGOUT: Sizes = {
    let quick = Config { name: "logout", refreshes: 2, authorizations: 1, logouts: 1, ..Config::NOTHING };
    Sizes { quick, full: Config { lost_answers: 1, ..quick } }
};

/// G9: "log out everywhere" among logins.
pub(crate) const EVERYWHERE: Sizes = {
    let quick = Config { name: "everywhere", logins_before: 0, logins: 2, everywheres: 1, ..Config::NOTHING };
    Sizes { quick, full: Config { lost_answers: 1, ..quick } }
};

/// G9: the same where there is a login that is being refreshed.
pub(crate) const EVERYWHERE_REFRESHED: Sizes = {
    let quick = Config { name: "everywhere, refreshed", logins: 1, refreshes: 1, everywheres: 1, ..Config::NOTHING };
    Sizes { quick, full: Config { lost_answers: 1, ..quick } }
};

/// G9: a password change among logins.
pub(crate) const PASSWORD_CHANGE: Sizes = {
    let quick = Config { name: "password change", logins_before: 0, logins: 2, password_changes: 1, ..Config::NOTHING };
    Sizes { quick, full: Config { lost_answers: 1, at_once: 2, ..quick } }
};

/// G9: a user changes their password, by a login of their own, among logins by the old one.
pub(crate) const OWN_CHANGE: Sizes = {
    let quick = Config { name: "own password change", logins: 1, own_changes: 1, ..Config::NOTHING };
    Sizes { quick, full: Config { lost_answers: 1, ..quick } }
};

/// G3 and G9: the same while the login is ended, or its answer is lost.
pub(crate) const OWN_CHANGE_ENDED: Sizes = {
    let quick = Config { name: "own password change, ended", own_changes: 1, everywheres: 1, lost_answers: 1, ..Config::NOTHING };
    Sizes { quick, full: Config { logins: 1, at_once: 2, ..quick } }
};

/// G9: the same where each login replaces the hash that another system made.
pub(crate) const HASH_REPLACED: Sizes = {
    let quick = Config { name: "hash replaced", foreign_hash: true, at_once: 2, ..PASSWORD_CHANGE.quick };
    Sizes { quick, full: Config { crashes: 1, at_once: 3, ..quick } }
};

/// G11: a block among logins by both doors. There may be no register before it.
pub(crate) const BLOCK: Sizes = {
    let quick = Config { name: "block", logins_before: 0, logins: 1, issues: 1, blocks: 1, ..Config::NOTHING };
    Sizes { quick, full: Config { lost_answers: 1, ..quick } }
};

/// G11: the same where a login is being refreshed.
pub(crate) const BLOCK_REFRESHED: Sizes = {
    let quick = Config { name: "block, refreshed", issues: 1, refreshes: 1, blocks: 1, ..Config::NOTHING };
    Sizes { quick, full: Config { lost_answers: 1, ..quick } }
};

/// G11: the user is blocked, then removed, while the back office issues a login. What it read was a user without a register.
pub(crate) const REMOVAL: Sizes = {
    let quick = Config { name: "removal", logins_before: 0, issues: 1, blocks: 1, blocks_remove: true, ..Config::NOTHING };
    Sizes { quick, full: Config { logins: 1, lost_answers: 1, ..quick } }
};

/// G3: a login that makes room ends the one it replaces.
pub(crate) const LIMIT: Sizes = {
    let quick = Config { name: "limit", logins: 2, max_logins: Some(1), ..Config::NOTHING };
    Sizes { quick, full: Config { lost_answers: 1, at_once: 2, ..quick } }
};

/// G9: "log out everywhere" among logins that count the others.
pub(crate) const EVERYWHERE_LIMITED: Sizes = {
    let quick = Config { name: "everywhere, limited", max_logins: Some(2), ..EVERYWHERE.quick };
    Sizes { quick, full: Config { lost_answers: 1, at_once: 2, ..quick } }
};

/// G3: a login ends the one before it of its device.
pub(crate) const DEVICE: Sizes = {
    let quick = Config { name: "one device", logins: 2, one_device: true, ..Config::NOTHING };
    Sizes { quick, full: Config { lost_answers: 1, at_once: 2, ..quick } }
};

/// G3 and G9: the same among ends.
pub(crate) const DEVICE_ENDED: Sizes = {
    let quick = Config { name: "one device, ended", logins_before: 0, everywheres: 1, at_once: 2, ..DEVICE.quick };
    Sizes { quick, full: Config { listed_ends: 1, ..quick } }
};

/// G3: the same where an answer is lost, or a request crashes.
pub(crate) const DEVICE_UNHEARD: Sizes = {
    let quick = Config { name: "one device, unheard", logins_before: 0, lost_answers: 1, at_once: 2, ..DEVICE.quick };
    Sizes { quick, full: Config { crashes: 1, ..quick } }
};

/// G3: a login that is ended from the list before its own request has heard of it.
pub(crate) const LISTED_END: Sizes = {
    let quick = Config { name: "listed end", logins_before: 0, logins: 2, listed_ends: 1, lost_answers: 1, at_once: 2, ..Config::NOTHING };
    Sizes { quick, full: Config { at_once: 3, ..quick } }
};

/// G9: "log out everywhere" while a login request hasn't heard of its commit.
pub(crate) const EVERYWHERE_UNHEARD: Sizes = {
    let quick =
        Config { name: "everywhere, unheard", logins_before: 0, logins: 2, everywheres: 1, lost_answers: 1, at_once: 2, ..Config::NOTHING };
    Sizes { quick, full: Config { at_once: 3, ..quick } }
};

/// G7 and L1: one storage, two requests at a time, answers lost for as long as it takes, transactions and marks that come
/// late or never, requests that are late by less than the bound.
pub(crate) const LOST_ANSWERS: Sizes = {
    let quick = Config {
        name: "lost answers",
        until_first_use: true,
        in_time: false,
        refreshes: 3,
        authorizations: 1,
        at_once: 2,
        step: 2,
        window: 2,
        ticks: 6,
        slow_handlers: false,
        delay: 2,
        crashes: 1,
        late_marks: true,
        torn: false,
        ..Config::NOTHING
    };
    Sizes { quick, full: Config { lost_answers: 1, authorizations: 2, ticks: 8, ..quick } }
};

/// The same with handlers that see time pass.
pub(crate) const SLOW_HANDLERS: Sizes = {
    let quick = Config { name: "slow handlers", slow_handlers: true, refreshes: 2, ..LOST_ANSWERS.quick };
    Sizes { quick, full: Config { refreshes: 3, ..quick } }
};

/// G7: every handler by a clock of its own. In ticks: delay 0 + 2 × skew 1 < window 1 + tolerance 2.
pub(crate) const SKEW: Sizes = {
    let quick = Config {
        name: "skew",
        skew: 1,
        delay: 0,
        step: 1,
        window: 1,
        ticks: 5,
        refreshes: 2,
        crashes: 0,
        late_marks: false,
        ..LOST_ANSWERS.quick
    };
    Sizes { quick, full: Config { refreshes: 3, ..quick } }
};

/// G7: a thief with a copied token, who uses what he is given, beside the client.
pub(crate) const SHARED: Sizes = {
    let quick = Config { name: "shared", thief: true, thief_uses: true, delay: 0, crashes: 0, ..LOST_ANSWERS.quick };
    Sizes { quick, full: Config { ticks: 8, authorizations: 2, ..quick } }
};

/// L2 and G2: the client sends an idempotency key, the thief none.
pub(crate) const SHARED_WITHOUT_KEY: Sizes = {
    let quick = Config { name: "shared without the key", client_key: Some(1), thief_uses: false, ..SHARED.quick };
    Sizes { quick, full: Config { thief_key: Some(2), ..quick } }
};

/// G7: a session that was used before there were marks.
pub(crate) const USED_UNMARKED: Sizes = {
    let quick = Config { name: "used before marks", used_unmarked: true, refreshes: 2, authorizations: 2, ..SHARED.quick };
    Sizes { quick, full: Config { refreshes: 3, ..quick } }
};

/// G1 and G3: an end among marks.
pub(crate) const MARKED_END: Sizes = {
    let quick = Config { name: "marks and an end", refreshes: 2, logouts: 1, crashes: 0, delay: 0, ..LOST_ANSWERS.quick };
    Sizes { quick, full: Config { refreshes: 3, ..quick } }
};

/// G1, G7 and L1: the same item by item.
pub(crate) const TORN_MARKS: Sizes = {
    let quick = Config { name: "torn, with marks", torn: true, refreshes: 2, delay: 0, ticks: 4, ..LOST_ANSWERS.quick };
    Sizes { quick, full: Config { refreshes: 3, ..quick } }
};
