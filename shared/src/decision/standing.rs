//! The state of a token of which only the hash is known. For support and investigations: a hash authorizes nothing.

use chrono::{DateTime, Utc};

use crate::{
    ids::Generation,
    model::{LoginState, Session},
    token::{Access, Refresh, TokenHash},
};

/// What the table says of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is its login's current token, until then.
    Live {
        /// Its session's.
        generation: Generation,
        /// From this instant it is refused.
        expires_at: DateTime<Utc>,
    },
    /// It was, until then.
    Expired {
        /// Its session's.
        generation: Generation,
        /// From this instant it has been refused.
        expires_at: DateTime<Utc>,
    },
    /// A refresh has replaced it.
    Replaced {
        /// Where its login stands now.
        by: Generation,
    },
    /// Its login has ended.
    Ended,
}

/// What an access token with this hash is good for.
#[must_use]
pub fn access_standing(state: &LoginState, hash: &TokenHash<Access>, now: DateTime<Utc>) -> Standing {
    standing(state, now, |session| (session.access_token_hash == *hash).then_some(session.access_token_expires_at))
}

/// What a refresh token with this hash is good for. One that was replaced may still be replayed for a moment.
#[must_use]
pub fn refresh_standing(state: &LoginState, hash: &TokenHash<Refresh>, now: DateTime<Utc>) -> Standing {
    standing(state, now, |session| (session.refresh_token_hash == *hash).then_some(session.refresh_token_expires_at))
}

fn standing(state: &LoginState, now: DateTime<Utc>, expiry: impl Fn(&Session) -> Option<DateTime<Utc>>) -> Standing {
    let Some(login) = &state.login else { return Standing::Ended };
    let generation = login.generation;
    match state.session(generation).and_then(expiry) {
        Some(expires_at) if now < expires_at => Standing::Live { generation, expires_at },
        Some(expires_at) => Standing::Expired { generation, expires_at },
        // Also what a lagging index still shows, and a state seen in mid-commit.
        None => Standing::Replaced { by: generation },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::states::{Chain, at};

    #[test]
    fn the_current_tokens_live_strictly_before_their_expiry() {
        let chain = Chain::of(3);
        let (pair, session, state) = (chain.pair(3), chain.session(3), chain.state());
        let generation = session.generation;
        let expires_at = session.access_token_expires_at;
        let access = |now| access_standing(&state, &pair.access.hash(), now);
        assert_eq!(access(expires_at - at(1)), Standing::Live { generation, expires_at });
        assert_eq!(access(expires_at), Standing::Expired { generation, expires_at });
        let expires_at = session.refresh_token_expires_at;
        let refresh = |now| refresh_standing(&state, &pair.refresh.hash(), now);
        assert_eq!(refresh(expires_at - at(1)), Standing::Live { generation, expires_at });
        assert_eq!(refresh(expires_at), Standing::Expired { generation, expires_at });
    }

    #[test]
    fn an_old_token_is_replaced_and_one_of_an_ended_login_ended() {
        let chain = Chain::of(3);
        let (old, by) = (chain.pair(2), chain.session(3).generation);
        assert_eq!(access_standing(&chain.state(), &old.access.hash(), chain.now()), Standing::Replaced { by });
        assert_eq!(refresh_standing(&chain.state(), &old.refresh.hash(), chain.now()), Standing::Replaced { by });
        // In mid-commit the old session may still be seen beside the new login.
        let mut torn = chain.state();
        torn.sessions.push(chain.session(2));
        assert_eq!(access_standing(&torn, &old.access.hash(), chain.now()), Standing::Replaced { by });
        let current = chain.pair(3);
        assert_eq!(access_standing(&chain.without_login(), &current.access.hash(), chain.now()), Standing::Ended);
        assert_eq!(access_standing(&LoginState::default(), &current.access.hash(), chain.now()), Standing::Ended);
    }
}
