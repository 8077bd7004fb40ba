//! May this access token pass?

use chrono::{DateTime, Utc};

use crate::{
    model::{FirstUse, LoginState, Session},
    token::{Access, Claim},
};

/// Why an access token is refused. For the log; the client gets one answer for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AccessRefusal {
    /// No such login: logged out, or never made.
    #[error("ended")]
    Ended,
    /// The login stands at another generation: refreshed since.
    #[error("rotated")]
    Rotated,
    /// The session is not there: its rotation is being committed.
    #[error("no session")]
    NoSession,
    /// The right place, another token.
    #[error("forged")]
    Forged,
    /// Past its expiry.
    #[error("expired")]
    Expired,
}

/// Allows only if the login exists, stands at the token's generation, and its session holds the token's hash and has not
/// expired. Nothing is read again: between two generations neither token is the current one.
///
/// # Errors
/// [`AccessRefusal`], the first that applies.
pub fn authorize<'a>(state: &'a LoginState, claim: &Claim<Access>, now: DateTime<Utc>) -> Result<&'a Session, AccessRefusal> {
    let login = state.login.as_ref().ok_or(AccessRefusal::Ended)?;
    if login.generation != claim.generation {
        return Err(AccessRefusal::Rotated);
    }
    let session = state.session(claim.generation).ok_or(AccessRefusal::NoSession)?;
    if session.access_token_hash != claim.hash {
        return Err(AccessRefusal::Forged);
    }
    if now >= session.access_token_expires_at {
        return Err(AccessRefusal::Expired);
    }
    Ok(session)
}

/// Whether this Allow is the first use of the session's tokens, as far as the read shows, and has to be marked before the
/// answer: after it, the client is known to have them.
#[must_use]
pub fn owes_mark(session: &Session) -> bool {
    session.predecessor.as_ref().is_some_and(|predecessor| predecessor.first_use == FirstUse::Awaited)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::states::{Chain, at};

    #[test]
    fn the_current_access_token_passes_strictly_before_its_expiry() {
        let chain = Chain::of(3);
        let expiry = chain.session(3).access_token_expires_at;
        let token = &chain.pair(3).access.claim();
        assert_eq!(authorize(&chain.state(), token, expiry - at(1)).map(|session| session.generation), Ok(chain.session(3).generation));
        assert_eq!(authorize(&chain.state(), token, expiry), Err(AccessRefusal::Expired));
        assert_eq!(authorize(&chain.state(), token, expiry + at(1)), Err(AccessRefusal::Expired));
    }

    #[test]
    fn everything_else_is_refused() {
        let chain = Chain::of(3);
        let token = &chain.pair(3).access.claim();
        let now = chain.now();
        let refusal = |state: &LoginState, token: &Claim<Access>| authorize(state, token, now).unwrap_err();

        assert_eq!(refusal(&LoginState::default(), token), AccessRefusal::Ended);
        assert_eq!(refusal(&chain.without_login(), token), AccessRefusal::Ended);
        assert_eq!(refusal(&chain.state(), &chain.pair(2).access.claim()), AccessRefusal::Rotated);
        assert_eq!(refusal(&chain.state(), &chain.pair(4).access.claim()), AccessRefusal::Rotated);
        assert_eq!(refusal(&chain.without_session(), token), AccessRefusal::NoSession);
        assert_eq!(refusal(&chain.state(), &chain.forged(3).access.claim()), AccessRefusal::Forged);
    }

    #[test]
    fn a_mark_is_owed_once_and_only_where_it_is_awaited() {
        assert!(!owes_mark(&Chain::of(0).session(0)), "a login's first session replaces nothing");
        for (first_use, owed) in
            [(FirstUse::NotAwaited, false), (FirstUse::Awaited, true), (FirstUse::ReplayUntil(Chain::of(3).now()), false)]
        {
            let mut session = Chain::of(3).session(3);
            session.predecessor.as_mut().unwrap().first_use = first_use;
            assert_eq!(owes_mark(&session), owed, "{first_use:?}");
        }
    }

    /// A torn read may show the old session beside the new login, or the reverse: neither token passes on it.
    #[test]
    fn a_torn_read_lets_nothing_pass_that_is_not_current() {
        let chain = Chain::of(3);
        let mut state = chain.state();
        state.sessions.push(chain.session(2));
        assert_eq!(authorize(&state, &chain.pair(2).access.claim(), chain.now()).unwrap_err(), AccessRefusal::Rotated);
    }
}
