//! May this login be created, and what must make room for it?

use std::num::NonZeroU32;

use chrono::{DateTime, Utc};

use crate::{
    ids::{LoginId, LoginKey},
    model::{DeviceItem, Extent, Login, LoginCreation, NewLogin, Register, UserLogins},
};

/// How many deletions ride along in a login's transaction; a larger excess is ended before.
pub const MAX_REPLACED: usize = 20;

/// No user has more logins, even without a limit. Reading them stays bounded, so that listing and ending them work.
pub const CEILING: u32 = 1_000;

/// How many of them stay when a login finds the ceiling reached. So one login in a hundred reads them.
pub const KEPT: usize = 900;

/// How many one login ends at most. More than a hundred are left over only by an import.
pub const MAX_ENDED: usize = 200;

/// How many logins a user may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLimit {
    /// So many.
    pub max: NonZeroU32,
    /// What becomes of one more.
    pub on_limit: OnSessionLimit,
}

/// What becomes of a login beyond the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnSessionLimit {
    /// The oldest logins are ended.
    EvictOldest,
    /// It is refused.
    Reject,
}

/// What to do. First match wins.
#[derive(Debug, PartialEq, Eq)]
pub enum LoginDecision<'a> {
    /// The user is blocked. A login of theirs that is there is being ended.
    Blocked,
    /// This request's own login is there, whole.
    Committed,
    /// This request's own transaction is in mid-commit: read again.
    Torn,
    /// The user may have too many logins: read them, and decide again.
    ReadLogins,
    /// 409.
    LimitReached,
    /// More must make room than one transaction carries: end these, and decide again without them.
    EndFirst(Vec<&'a Login>),
    /// Write it.
    Create(LoginCreation),
}

/// Decides one login.
#[must_use]
pub fn decide_login<'a>(seen: &'a UserLogins, new: &NewLogin, limit: Option<SessionLimit>, now: DateTime<Utc>) -> LoginDecision<'a> {
    if seen.register.as_ref().is_some_and(|register| register.blocked_at.is_some()) {
        return LoginDecision::Blocked;
    }
    let own = &new.login.key.login_id;
    let named = seen.register.as_ref().is_some_and(|register| register.last_login_id == *own);
    match (seen.logins.contains_key(own), seen.sessions.contains(&(own.clone(), new.session.generation))) {
        (true, true) => return LoginDecision::Committed,
        (true, false) => return LoginDecision::Torn,
        (false, _) if named => return LoginDecision::Torn,
        (false, _) => {}
    }
    match limit {
        Some(limit) => within_limit(seen, new, limit, now),
        None => below_ceiling(seen, new, now),
    }
}

/// With a limit all logins are read: it bounds their number.
fn within_limit<'a>(seen: &'a UserLogins, new: &NewLogin, limit: SessionLimit, now: DateTime<Utc>) -> LoginDecision<'a> {
    if seen.extent != Extent::All {
        return LoginDecision::ReadLogins;
    }
    let device = new.login.device.id.as_ref();
    let (same_device, others): (Vec<&Login>, Vec<&Login>) =
        live(seen, now).into_iter().partition(|login| device.is_some() && login.device.id.as_ref() == device);

    let max = usize::try_from(limit.max.get()).unwrap_or(usize::MAX);
    let excess = (others.len() + 1).saturating_sub(max);
    if excess > 0 && limit.on_limit == OnSessionLimit::Reject {
        return LoginDecision::LimitReached;
    }
    let mut replaced = same_device;
    replaced.extend(others.iter().take(excess));
    if replaced.len() > MAX_REPLACED {
        replaced.truncate(replaced.len() - MAX_REPLACED);
        return LoginDecision::EndFirst(replaced);
    }
    LoginDecision::Create(LoginCreation {
        register: seen.register.clone(),
        // The logins were counted, so the predecessor must be as it was when they were.
        predecessor_seen: seen.register.as_ref().map(|register| seen.logins.contains_key(&register.last_login_id)),
        replaced: replaced.into_iter().map(|login| (login.key.clone(), Some(login.into()))).collect(),
        oldest: Vec::new(),
        logins_at_most: count(others.len() - excess + 1),
        device: DeviceItem::Untouched,
        rests_on: None,
    })
}

/// Without a limit a login costs the same however many logins the user has: the register says when there may be too many.
fn below_ceiling<'a>(seen: &'a UserLogins, new: &NewLogin, now: DateTime<Utc>) -> LoginDecision<'a> {
    let at_most = seen.register.as_ref().map_or(0, |register| register.logins_at_most);
    let is_full = at_most >= CEILING;
    if is_full && seen.extent == Extent::Own {
        return LoginDecision::ReadLogins;
    }
    let replaced = match &seen.device {
        DeviceItem::Names(login_id) => vec![(LoginKey { login_id: login_id.clone(), ..new.login.key.clone() }, None)],
        DeviceItem::Absent | DeviceItem::Untouched => Vec::new(),
    };
    let mut oldest = if is_full { live(seen, now) } else { Vec::new() };
    oldest.retain(|login| !replaced.iter().any(|(key, _)| *key == login.key));
    let found = oldest.len();
    oldest.truncate(found.saturating_sub(KEPT).min(MAX_ENDED));
    let logins_at_most = match seen.extent {
        Extent::Own => at_most.saturating_add(1),
        Extent::All => count(found - oldest.len() + 1),
        // The rest is unknown, so the next login reads and ends more.
        Extent::Part => CEILING,
    };
    LoginDecision::Create(LoginCreation {
        register: seen.register.clone(),
        // Whether the predecessor is still there makes no difference. It is not read.
        predecessor_seen: None,
        replaced,
        oldest: oldest.into_iter().map(|login| login.key.clone()).collect(),
        logins_at_most,
        device: seen.device.clone(),
        rests_on: None,
    })
}

/// The user's logins that have not expired, oldest first. One in which another person acts as the user is none of them: it must
/// not keep the user out, nor end a login of theirs.
fn live(seen: &UserLogins, now: DateTime<Utc>) -> Vec<&Login> {
    let is_live = |login: &&Login| now < login.refresh_token_expires_at && !login.is_impersonation;
    let mut live: Vec<&Login> = seen.logins.values().filter(is_live).collect();
    live.sort_by_key(|login| (login.logged_in_at, &login.key.login_id));
    live
}

fn count(logins: usize) -> u32 {
    u32::try_from(logins).unwrap_or(u32::MAX)
}

/// Whether a login that was sent to the table neither is there nor can be written later: the register has moved on from the
/// state that its transaction was conditional on, to another login, and its own isn't seen. Either it was never written, or it
/// was written and has been ended. Writing it again would bring an ended login back, so the request makes another.
#[must_use]
pub fn is_void(seen: &UserLogins, own: &LoginId, built_on: Option<&Register>) -> bool {
    let named = seen.register.as_ref().is_some_and(|register| register.last_login_id == *own);
    !named && !seen.logins.contains_key(own) && seen.register.as_ref() != built_on
}

#[cfg(test)]
mod tests;
