//! The replay windows that a login remembers.

use chrono::{DateTime, Utc};

use crate::model::{FirstUse, Login, REMEMBERED_ROTATIONS, Session};

/// The ends of the replay windows that a login remembers after one more rotation, newest last.
///
/// A rotation is a first use. Another request of the client, with the token before the replaced one, may be on its way, so that
/// token's window ends no sooner than this rotation's. Without it:
///
/// 1. Token 0 is rotated and the answer is lost. An hour later two requests of the client send token 0 again.
/// 2. The first gets pair 1. Its access token has expired by now, so the client refreshes at once: 1 → 2.
/// 3. The second finds the login two generations ahead, and token 0's window an hour old: reuse, the login is ended.
#[must_use]
pub fn remembered_after(login: &Login, replaced: &Session, successor: &Session) -> Vec<DateTime<Utc>> {
    let first_use = match &replaced.predecessor {
        None => FirstUse::NotAwaited,
        // No first use of a bound login is marked, so this rotation is the first that is known.
        Some(_) if login.bound_to.is_some() => FirstUse::Awaited,
        Some(predecessor) => predecessor.first_use,
    };
    let mut windows = login.recent_replay_untils.clone();
    let Some(until) = successor.predecessor.as_ref().map(|predecessor| predecessor.replay_until) else { return windows };
    if let Some(before) = windows.last_mut() {
        *before = match first_use {
            FirstUse::NotAwaited => *before,
            FirstUse::Awaited => until.max(*before),
            FirstUse::ReplayUntil(used) => used.max(*before),
        };
    }
    windows.push(until);
    windows.split_off(windows.len().saturating_sub(REMEMBERED_ROTATIONS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::states::{Chain, at};

    /// What a login at `generation` remembers after a rotation, where the session that it replaces says `first_use`.
    fn after(generation: u32, first_use: FirstUse) -> Vec<DateTime<Utc>> {
        let (now, next) = (Chain::of(generation), Chain::of(generation + 1));
        let mut replaced = now.session(generation);
        if let Some(predecessor) = &mut replaced.predecessor {
            predecessor.first_use = first_use;
        }
        remembered_after(&now.login(), &replaced, &next.session(generation + 1))
    }

    #[test]
    fn the_window_before_is_raised_by_a_first_use_and_never_lowered() {
        let chain = Chain::of(3);
        let [first, before, own] = [0, 1, 2].map(|old| chain.replay_until(old));
        let used = before + at(1);
        for (first_use, raised) in [
            (FirstUse::NotAwaited, before),
            (FirstUse::Awaited, own),
            (FirstUse::ReplayUntil(used), used),
            (FirstUse::ReplayUntil(before - at(1)), before),
        ] {
            assert_eq!(after(2, first_use), [first, raised, own], "{first_use:?}");
        }
    }

    #[test]
    fn a_first_rotation_has_nothing_to_raise() {
        assert_eq!(after(0, FirstUse::NotAwaited), [Chain::of(1).replay_until(0)]);
    }

    #[test]
    fn a_bound_login_is_raised_without_a_mark() {
        let (now, next) = (Chain::of(2), Chain::of(3));
        let key = crate::dpop::Thumbprint::parse("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
        let login = Login { bound_to: key, ..now.login() };
        let [first, own] = [0, 2].map(|old| next.replay_until(old));
        assert_eq!(remembered_after(&login, &now.session(2), &next.session(3)), [first, own, own]);
    }

    #[test]
    fn the_oldest_of_four_goes() {
        let chain = Chain::of(5);
        assert_eq!(after(4, FirstUse::Awaited), [1, 2, 4, 4].map(|old| chain.replay_until(old)));
    }
}
