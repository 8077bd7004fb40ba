//! What a decision about a token knew, for the log line of its refusal.

use chrono::{DateTime, Utc};

use crate::{
    ids::Generation,
    model::{FirstUse, Login, LoginState},
    telling::log::Known,
    token::{Access, Claim, Refresh},
};

/// Of a refresh token.
pub(super) fn known_of_refresh(state: &LoginState, claim: &Claim<Refresh>) -> Known {
    let login = state.login.as_ref();
    Known {
        generation: Some(claim.generation.number()),
        login_generation: login.map(|login| login.generation.number()),
        replay_until: login.and_then(|login| replay_until(login, claim.generation).max(used_until(state, claim))),
        expires_at: login.map(|login| login.refresh_token_expires_at),
    }
}

/// The end of the window that the successor's first use opened, if that use was marked.
fn used_until(state: &LoginState, claim: &Claim<Refresh>) -> Option<DateTime<Utc>> {
    let successor = claim.generation.next().and_then(|next| state.session(next))?;
    match successor.predecessor.as_ref()?.first_use {
        FirstUse::ReplayUntil(until) => Some(until),
        FirstUse::NotAwaited | FirstUse::Awaited => None,
    }
}

/// Of an access token.
pub(super) fn known_of_access(state: &LoginState, claim: &Claim<Access>) -> Known {
    Known {
        generation: Some(claim.generation.number()),
        login_generation: state.login.as_ref().map(|login| login.generation.number()),
        replay_until: None,
        expires_at: state.session(claim.generation).map(|session| session.access_token_expires_at),
    }
}

/// The end of the replay window that a rotated token is judged by. A login remembers its last windows, the newest last; a
/// token older than these is judged by the oldest.
fn replay_until(login: &Login, generation: Generation) -> Option<DateTime<Utc>> {
    let behind = usize::try_from(login.generation.number().checked_sub(generation.number())?).ok()?;
    let windows = &login.recent_replay_untils;
    let place = if behind > windows.len() { 0 } else { windows.len() - behind };
    windows.get(place).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::states::{Chain, at};

    #[test]
    fn a_refresh_knows_both_generations_and_the_window() {
        let chain = Chain::of(6);
        let state = chain.state();
        let login = state.login.as_ref().unwrap();
        let known = |generation| known_of_refresh(&state, &chain.pair(generation).refresh.claim());
        let window = |place: usize| Some(login.recent_replay_untils[place]);
        let expected = |generation, replay_until| Known {
            generation: Some(generation),
            login_generation: Some(6),
            replay_until,
            expires_at: Some(login.refresh_token_expires_at),
        };
        assert_eq!(known(6), expected(6, None), "the current token has no window");
        assert_eq!(known(5), expected(5, window(3)));
        assert_eq!(known(2), expected(2, window(0)));
        assert_eq!(known(0), expected(0, window(0)), "older than what the login remembers");
        let ended = LoginState { login: None, ..state.clone() };
        assert_eq!(known_of_refresh(&ended, &chain.pair(3).refresh.claim()), Known { generation: Some(3), ..Known::default() });
    }

    #[test]
    fn an_access_token_knows_its_own_expiry() {
        let chain = Chain::of(2);
        let known = |generation| known_of_access(&chain.state(), &chain.pair(generation).access.claim());
        let expires_at = Some(chain.session(2).access_token_expires_at);
        assert!(expires_at > Some(chain.session(2).created_at + at(0)));
        assert_eq!(known(2), Known { generation: Some(2), login_generation: Some(2), replay_until: None, expires_at });
        assert_eq!(known(1), Known { generation: Some(1), login_generation: Some(2), replay_until: None, expires_at: None });
    }
}
