//! What becomes of a presented refresh token?

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    dpop::{AnsweredProofs, NotTaken, Possession},
    model::{FirstUse, Login, LoginState, Predecessor, REMEMBERED_ROTATIONS, ReplayKeyHash, Session},
    token::{Claim, Refresh, TokenHash},
};

/// How long after its window an old token is still a 409 before it ends the login: clocks differ, and a login that was
/// ended wrongly can't be brought back.
pub const TOLERANCE: TimeDelta = TimeDelta::seconds(5);

/// What a refresh brings to the decision. All of it stays the same through every re-read.
#[derive(Debug, Clone, Copy)]
pub struct RefreshRequest<'a> {
    /// What the presented token claims.
    pub claim: &'a Claim<Refresh>,
    /// Hash of its `Idempotency-Key`.
    pub replay_key: Option<&'a ReplayKeyHash>,
    /// The key that its proof is by.
    pub possession: Option<&'a Possession>,
    /// Hash of the successor's refresh token, where this very request has minted one.
    pub minted: Option<&'a TokenHash<Refresh>>,
    /// When the request arrived.
    pub now: DateTime<Utc>,
}

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub enum RefreshDecision<'a> {
    /// Replace the session by its successor.
    Rotate {
        /// The login as read.
        login: &'a Login,
        /// The session that is replaced.
        session: &'a Session,
        /// What the successor remembers of the proofs that were answered, this one's included.
        answered: AnsweredProofs,
    },
    /// This request's own rotation was committed: answer with what it minted.
    Success {
        /// The session that it minted.
        session: &'a Session,
    },
    /// Answer with the successor's own tokens, the same again.
    Replay {
        /// The successor.
        session: &'a Session,
        /// What it kept of the presented token.
        predecessor: &'a Predecessor,
        /// Its window is over, and only the missing first use of the successor lets it be answered.
        recovered: bool,
        /// What the successor has to remember of proofs before it is answered. A bearer login has none.
        answered: Option<AnsweredProofs>,
    },
    /// 401: the login is bound to a key, and the request has no proof by it. Nothing is ended: the token may be stolen.
    AnotherKey,
    /// The proof was answered before, or there were too many. Nothing is ended.
    NotAnswered(NotTaken),
    /// 409: a newer token was issued a moment ago; nothing is ended.
    Superseded {
        /// A replay that brought another idempotency key: worth an event.
        keys_differ: bool,
    },
    /// The read caught a transaction in mid-commit: read again.
    Torn,
    /// An old token, past its window: end the login, raise the event, refuse.
    Reuse {
        /// The login to end.
        login: &'a Login,
    },
    /// 401.
    Refuse(RefreshRefusal),
}

/// Why a refresh token is refused. For the log; the client gets one answer for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RefreshRefusal {
    /// No such login: logged out, or never made.
    #[error("ended")]
    Ended,
    /// Nothing that this login ever issued.
    #[error("forged")]
    Forged,
    /// The login's refresh lifetime has passed.
    #[error("expired")]
    Expired,
}

/// Decides one refresh, first match wins. P is the presented generation, G the login's.
///
/// | login item | what else | decision |
/// |---|---|---|
/// | none | | refuse: ended |
/// | G < P | | refuse: forged |
/// | G ≥ P | the refresh proof differs; an imported token: not the login's own | refuse: forged |
/// | G ≥ P | now ≥ the login's expiry; an imported token: or a day after its own | refuse: expired |
/// | G ≥ P | bound, and no proof by its key | another key |
/// | G = P or P+1 | session G not seen | torn |
/// | G = P | hash differs | refuse: forged |
/// | G = P | hash equal; bound: the proof is new | rotate |
/// | G = P+1 | session G is what this request minted | success |
/// | G = P+1 | it replaced another token than the presented one | refuse: forged |
/// | G = P+1 | bound; the proof is new | replay |
/// | G ≥ P | bound; the proof was answered before | not answered |
/// | G = P or P+1 | bound; it would be the ninth | not answered |
/// | G = P+1 | keys equal; inside the window, or session G awaits its first use, or before that use's end | replay |
/// | G = P+1 | keys equal; inside the later of both ends + tolerance | superseded |
/// | G = P+1 | keys not equal; inside the window + tolerance | superseded |
/// | G ≥ P+2 | P's window, or the oldest of a full list, is open, or was within the tolerance | superseded |
/// | G > P | anything else | reuse |
///
/// The row of the key comes before every row that ends a login or hands out a pair: without the key, a token can do neither. It
/// comes after those that refuse what the login never issued, so that only a genuine token reports another key.
///
/// Of a bound login no idempotency keys are compared and no window counts: the key says that it is the same client. Its late replay
/// needs no mark of a first use.
#[must_use]
pub fn decide_refresh<'a>(state: &'a LoginState, request: RefreshRequest<'_>) -> RefreshDecision<'a> {
    let RefreshRequest { claim, now, .. } = request;
    let Some(login) = &state.login else {
        return RefreshDecision::Refuse(RefreshRefusal::Ended);
    };
    let Some(behind) = login.generation.number().checked_sub(claim.generation.number()) else {
        return RefreshDecision::Refuse(RefreshRefusal::Forged);
    };
    let Some(expires_at) = expiry_of_genuine(login, claim) else {
        return RefreshDecision::Refuse(RefreshRefusal::Forged);
    };
    if now >= expires_at {
        return RefreshDecision::Refuse(RefreshRefusal::Expired);
    }
    let proof = match (login.bound_to, request.possession) {
        (None, _) => None,
        (Some(key), Some(proof)) if proof.key == key => Some(proof),
        (Some(_), _) => return RefreshDecision::AnotherKey,
    };
    let current = state.session(login.generation);
    match (behind, current) {
        (0 | 1, None) => RefreshDecision::Torn,
        (0, Some(session)) if session.refresh_token_hash == claim.hash => match answered_with(session, proof, now) {
            Ok(answered) => RefreshDecision::Rotate { login, session, answered: answered.unwrap_or_default() },
            Err(not_taken) => RefreshDecision::NotAnswered(not_taken),
        },
        (0, Some(_)) => RefreshDecision::Refuse(RefreshRefusal::Forged),
        (1, Some(session)) => one_behind(login, session, request, proof),
        // The HTTP stack may send a request once more by itself, much later. It must not end an honest login.
        (_, Some(session)) if proof.is_some_and(|proof| session.answered_proofs.contains(&proof.id)) => {
            RefreshDecision::NotAnswered(NotTaken::Repeated)
        }
        _ if within_a_remembered_window(login, behind, now) => RefreshDecision::Superseded { keys_differ: false },
        _ => RefreshDecision::Reuse { login },
    }
}

/// When a token that this login issued, or was imported with, expires; `None` for any other token.
fn expiry_of_genuine(login: &Login, claim: &Claim<Refresh>) -> Option<DateTime<Utc>> {
    match &claim.proof {
        Some(proof) => login.proofs.as_ref().filter(|own| own.refresh == proof.hash()).map(|_| login.refresh_token_expires_at),
        // Its alias is collected some time after its expiry; nothing may depend on when.
        None => login
            .imported
            .as_ref()
            .filter(|imported| imported.refresh_token_hash == claim.hash)
            .map(|imported| imported.known_until.min(login.refresh_token_expires_at)),
    }
}

/// The proofs that are answered once this one is. `None` for a bearer login.
fn answered_with(session: &Session, proof: Option<&Possession>, now: DateTime<Utc>) -> Result<Option<AnsweredProofs>, NotTaken> {
    proof.map(|proof| session.answered_proofs.with(proof, now)).transpose()
}

fn one_behind<'a>(login: &'a Login, session: &'a Session, request: RefreshRequest<'_>, proof: Option<&Possession>) -> RefreshDecision<'a> {
    // First of all: the successor that this request minted remembers its own proof.
    if request.minted.is_some_and(|minted| *minted == session.refresh_token_hash) {
        return RefreshDecision::Success { session };
    }
    // Its hash is on the item, so another one was never issued.
    let Some(predecessor) = session.predecessor.as_ref().filter(|predecessor| predecessor.refresh_token_hash == request.claim.hash) else {
        return RefreshDecision::Refuse(RefreshRefusal::Forged);
    };
    let now = request.now;
    let until = predecessor.replay_until;
    match answered_with(session, proof, now) {
        Ok(None) => {}
        Ok(answered) => return RefreshDecision::Replay { session, predecessor, recovered: now >= until, answered },
        Err(not_taken) => return RefreshDecision::NotAnswered(not_taken),
    }
    if predecessor.replay_key.as_ref() != request.replay_key {
        // A thief who polls inside every window brings no key, or another one. The first use isn't waited for: a client whose
        // token was rotated by another party never uses the successor, and would always get this 409.
        return if now < until + TOLERANCE { RefreshDecision::Superseded { keys_differ: true } } else { RefreshDecision::Reuse { login } };
    }
    let answered = match predecessor.first_use {
        FirstUse::Awaited => true,
        FirstUse::NotAwaited => now < until,
        FirstUse::ReplayUntil(used) => now < until.max(used),
    };
    let last = match predecessor.first_use {
        FirstUse::ReplayUntil(used) => until.max(used),
        FirstUse::NotAwaited | FirstUse::Awaited => until,
    };
    if answered {
        RefreshDecision::Replay { session, predecessor, recovered: now >= until, answered: None }
    } else if now < last + TOLERANCE {
        RefreshDecision::Superseded { keys_differ: false }
    } else {
        RefreshDecision::Reuse { login }
    }
}

/// Two or more behind: an honest client with several tabs gets here when a token was refreshed twice in a window. What
/// fell off a full list counts as inside while the oldest remembered window is open.
fn within_a_remembered_window(login: &Login, behind: u32, now: DateTime<Utc>) -> bool {
    let windows = &login.recent_replay_untils;
    let own = usize::try_from(behind).ok().and_then(|behind| windows.len().checked_sub(behind)).and_then(|place| windows.get(place));
    let oldest_of_full = windows.first().filter(|_| windows.len() >= REMEMBERED_ROTATIONS);
    own.or(oldest_of_full).is_some_and(|until| now < *until + TOLERANCE)
}

#[cfg(test)]
mod tests;
