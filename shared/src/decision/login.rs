//! May this login come to be, and what must make room for it?

use std::num::NonZeroU32;

use chrono::{DateTime, Utc};

use crate::{
    ids::LoginId,
    model::{Login, LoginCreation, NewLogin, Register, UserLogins},
};

/// How many deletions ride along in a login's transaction; a larger excess is ended before.
pub const MAX_REPLACED: usize = 20;

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
    /// 409.
    LimitReached,
    /// More must make room than one transaction carries: end these, and read again.
    EndFirst(Vec<&'a Login>),
    /// Write it.
    Create(LoginCreation),
}

/// Decides one login, from what a complete read of the user's collection saw.
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

    let device = new.login.device.id.as_ref();
    let (same_device, mut others): (Vec<&Login>, Vec<&Login>) = seen
        .logins
        .values()
        .filter(|login| now < login.refresh_token_expires_at)
        .partition(|login| device.is_some() && login.device.id.as_ref() == device);
    others.sort_by_key(|login| (login.logged_in_at, &login.key.login_id));

    let excess = limit.map_or(0, |limit| {
        let max = usize::try_from(limit.max.get()).unwrap_or(usize::MAX);
        (others.len() + 1).saturating_sub(max)
    });
    if excess > 0 && limit.is_some_and(|limit| limit.on_limit == OnSessionLimit::Reject) {
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
        predecessor_seen: seen.register.as_ref().is_some_and(|register| seen.logins.contains_key(&register.last_login_id)),
        replaced: replaced.into_iter().map(|login| (login.key.clone(), login.generation)).collect(),
    })
}

/// Whether a login that was sent to the table can't be there any more, nor come: the register has moved on from what its
/// transaction was built on, to somebody else's login, and its own is unseen. Either it never was written, or it was and
/// has been ended. Writing it again would bring an ended login back, so the request makes another.
#[must_use]
pub fn is_void(seen: &UserLogins, own: &LoginId, built_on: Option<&Register>) -> bool {
    let named = seen.register.as_ref().is_some_and(|register| register.last_login_id == *own);
    !named && !seen.logins.contains_key(own) && seen.register.as_ref() != built_on
}

#[cfg(test)]
mod tests;
