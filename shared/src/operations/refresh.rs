//! A refresh: rotates the login's session, or answers a replay with the same pair again. Ends the login of a reused token.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{
    credentials::{Denied, Presented, locate, token_of},
    end::end_login,
    issue::{IssuedSession, RotationRequest, issue_successor, reissue},
    known::known_of_refresh,
    read_time::time_of_read,
};
use crate::{
    CryptoError,
    backoff::Backoff,
    clock::Clock,
    config::RefreshConfig,
    decision::{RefreshDecision, RefreshRefusal, RefreshRequest, decide_refresh, remembered_after},
    dpop::{NotTaken, Possession, Thumbprint},
    entropy::Random,
    ids::LoginKey,
    model::{LoginState, ReplayKeyHash, Session},
    store::{Commit, EndProof, Rotation, Store, StoreError},
    telling::log::{Event, Fields, Known, log},
    token::{Claim, ImportedTokens, MintError, PresentedToken, Refresh, TokenPair},
};

/// A refresh token, with its login as it was read when the request arrived.
#[derive(Debug, Clone)]
pub struct PresentedRefresh {
    /// The token.
    pub token: Arc<PresentedToken<Refresh>>,
    /// What it claims.
    pub claim: Claim<Refresh>,
    /// Where its login is kept.
    pub key: LoginKey,
    /// The first read.
    pub state: LoginState,
    /// When that was read: the time of every decision on this request.
    pub now: DateTime<Utc>,
}

impl PresentedRefresh {
    /// Parses the token and reads its login. Decides nothing yet.
    ///
    /// # Errors
    /// [`Denied`]. A refusal has been logged; a failure of the store is for the caller to log.
    pub async fn read(
        store: &Store,
        presented: Presented<'_>,
        imported: ImportedTokens,
        clock: &Clock,
        fields: Fields<'_>,
    ) -> Result<Self, Denied> {
        let token = token_of(presented, Event::RefreshRefused, fields, |text| PresentedToken::parse(text, imported))?;
        let claim = token.claim();
        let key = locate(store, &token, &claim, Event::RefreshRefused, fields).await?;
        let state = store.read_login(&key).await?;
        let now = time_of_read(clock, fields);
        Ok(Self { token: Arc::new(token), claim, key, state, now })
    }
}

/// A refresh that succeeded.
#[derive(Debug)]
pub struct Refreshed {
    /// What to log: a rotation or a replay.
    pub event: Event,
    /// What is answered.
    pub pair: TokenPair,
    /// The session of that pair.
    pub session: Session,
    /// The key that its refresh token is bound to.
    pub bound_to: Option<Thumbprint>,
}

/// Why a presented refresh token got no pair.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotRefreshed {
    /// The login has ended or expired, or the token is a forgery.
    #[error("{0}")]
    Refused(RefreshRefusal, Known),
    /// A newer token was issued a moment ago. Nothing was ended.
    #[error("superseded")]
    Superseded {
        /// It is a replay with another idempotency key.
        keys_differ: bool,
        /// For the log.
        known: Known,
    },
    /// An old token came back after its replay window. Its login has been ended.
    #[error("reused")]
    Reused(Known),
    /// The login is bound to a key, and the request has no proof by it. Nothing was ended.
    #[error("another key")]
    AnotherKey {
        /// It has a proof, by another key.
        proved: bool,
        /// For the log.
        known: Known,
    },
    /// The proof was answered before. Nothing was ended.
    #[error("proof repeated")]
    ProofRepeated(Known),
    /// The login has answered as many proofs as it remembers. Nothing was ended.
    #[error("too many proofs")]
    ProofLimit {
        /// When one of them is forgotten.
        retry_after_seconds: u64,
        /// For the log.
        known: Known,
    },
    /// The store gave no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No successor could be minted.
    #[error(transparent)]
    Mint(#[from] MintError),
    /// The successor's item doesn't open.
    #[error("the successor's seed doesn't open: {0}")]
    Unsealed(#[from] CryptoError),
    /// The decision names a successor that this request never minted.
    #[error("a decision that nothing led to")]
    Inconsistent,
}

/// Decides, writes, and reads again until it is settled. It has no deadline of its own.
///
/// # Errors
/// [`NotRefreshed`]; not logged yet.
pub async fn refresh(
    store: &Store,
    config: &RefreshConfig,
    presented: &PresentedRefresh,
    replay_key: Option<&ReplayKeyHash>,
    possession: Option<&Possession>,
    random: &Random,
    fields: Fields<'_>,
) -> Result<Refreshed, NotRefreshed> {
    let PresentedRefresh { token, claim, key, state: first_read, now } = presented;
    let mut reread: Option<LoginState> = None;
    // A request mints one successor, however often it reads again: a write whose answer was lost may have stored it.
    let mut minted: Option<IssuedSession> = None;
    let mut backoff = Backoff::new(random);
    loop {
        let state = reread.as_ref().unwrap_or(first_read);
        let own = minted.as_ref().map(|successor| &successor.session.refresh_token_hash);
        match decide_refresh(state, RefreshRequest { claim, replay_key, possession, minted: own, now: *now }) {
            RefreshDecision::Rotate { login, session: replaced, answered } => {
                let mut successor = match minted.take() {
                    Some(successor) => successor,
                    None => {
                        let RefreshConfig { lifetimes, replay, .. } = *config;
                        let request = RotationRequest { token, hash: claim.hash.clone(), replay_key, lifetimes, replay, now: *now };
                        issue_successor(login, request, random)?
                    }
                };
                successor.session.answered_proofs = answered;
                let IssuedSession { session, first_proofs, .. } = &successor;
                let replay_untils = remembered_after(login, replaced, session);
                let rotation = Rotation {
                    login,
                    presented: &claim.hash,
                    answered: &replaced.answered_proofs,
                    replay_untils: &replay_untils,
                    successor: session,
                    attributes_kept_until: state
                        .attributes
                        .as_ref()
                        .and_then(|attributes| attributes.extended(session.refresh_token_expires_at)),
                    first_proofs: first_proofs.as_ref(),
                };
                if store.rotate(rotation).await? == Commit::Done {
                    return Ok(rotated(successor, bound_to(state)));
                }
                minted = Some(successor);
            }
            RefreshDecision::Success { .. } => {
                return minted.map(|successor| rotated(successor, bound_to(state))).ok_or(NotRefreshed::Inconsistent);
            }
            RefreshDecision::Replay { session, predecessor, recovered, answered } => {
                let written = match &answered {
                    None => Commit::Done,
                    Some(proofs) => store.answer_proof(session, proofs).await?,
                };
                if written == Commit::Done {
                    let pair = reissue(session, predecessor, token)?;
                    let event = if recovered { Event::RefreshRecovered } else { Event::RefreshReplayed };
                    return Ok(Refreshed { event, pair, session: session.clone(), bound_to: bound_to(state) });
                }
            }
            RefreshDecision::AnotherKey => {
                return Err(NotRefreshed::AnotherKey { proved: possession.is_some(), known: known_of_refresh(state, claim) });
            }
            RefreshDecision::NotAnswered(NotTaken::Repeated) => return Err(NotRefreshed::ProofRepeated(known_of_refresh(state, claim))),
            RefreshDecision::NotAnswered(NotTaken::Full { until }) => {
                let retry_after_seconds = u64::try_from((until - *now).num_seconds()).unwrap_or(0) + 1;
                return Err(NotRefreshed::ProofLimit { retry_after_seconds, known: known_of_refresh(state, claim) });
            }
            RefreshDecision::Torn => {}
            RefreshDecision::Superseded { keys_differ } => {
                return Err(NotRefreshed::Superseded { keys_differ, known: known_of_refresh(state, claim) });
            }
            RefreshDecision::Reuse { login } => {
                end_reused(store, &login.key, claim, random, fields).await?;
                return Err(NotRefreshed::Reused(known_of_refresh(state, claim)));
            }
            RefreshDecision::Refuse(refusal) => return Err(NotRefreshed::Refused(refusal, known_of_refresh(state, claim))),
        }
        backoff.wait().await;
        reread = Some(store.read_login(key).await?);
    }
}

fn rotated(successor: IssuedSession, bound_to: Option<Thumbprint>) -> Refreshed {
    Refreshed { event: Event::RefreshRotated, pair: successor.pair, session: successor.session, bound_to }
}

fn bound_to(state: &LoginState) -> Option<Thumbprint> {
    state.login.as_ref().and_then(|login| login.bound_to)
}

/// Ends the login of a reused token. The 401 that follows acknowledges it, so the login has to be gone by then.
async fn end_reused(store: &Store, key: &LoginKey, claim: &Claim<Refresh>, random: &Random, fields: Fields<'_>) -> Result<(), StoreError> {
    let ended = end_login(store, key, &EndProof::of_refresh(claim), random).await?;
    if let Err(error) = store.sweep(key, ended).await {
        log(Event::CleanupFailed, fields, Some(&error));
    }
    Ok(())
}
