//! The decisions, made by the functions that the service is built of, and weakened where a control says so.

use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex, PoisonError},
};

use latchkey::{
    decision::{RefreshDecision, RefreshRequest, decide_refresh, remembered_after},
    dpop::{AnsweredProofs, Possession, ProofId, Thumbprint, good_until},
    model::LoginState,
};

use super::{Config, Form, Shown, Stored, Weakness, World};
use crate::{
    pool::{Pool, tick, time},
    table::{SessionItem, Tick, Token},
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Rotate(AnsweredProofs),
    Replay(AnsweredProofs),
    Success,
    Superseded,
    Reuse,
    AnotherKey,
    NotAnswered,
    Refused,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Question {
    stored: Option<Stored>,
    bound: bool,
    token: Token,
    possession: Option<(bool, ProofKey, i64)>,
    minted: Option<u8>,
    now: Tick,
}

/// Number and form of a proof.
type ProofKey = (u8, bool);

static ANSWERS: LazyLock<Mutex<(Pool, HashMap<Question, Verdict>)>> = LazyLock::new(Mutex::default);

fn key(clients: bool) -> Thumbprint {
    Thumbprint::parse(if clients { "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" } else { "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k" })
        .unwrap()
}

/// What a request shows, checked at its arrival. `Err` where it is no proof for this route and time.
pub(crate) fn shown(world: &World, shown: Shown, now: Tick, config: &Config) -> Result<Option<(bool, ProofKey, i64)>, ()> {
    let is = |weakness| config.weakness == Some(weakness);
    match shown {
        Shown::Nothing => Ok(None),
        Shown::OwnKey => Ok(Some((false, (u8::MAX, false), (time(now) + latchkey::dpop::TOLERANCE).timestamp()))),
        Shown::Proof(number, form) => {
            let proof = world.proofs[usize::from(number)];
            if proof.of_login && !is(Weakness::AnyRoute) {
                return Err(());
            }
            let until = good_until(time(0) + (time(1) - time(0)) * i32::from(proof.issued), time(now)).ok_or(())?;
            let until = if is(Weakness::ForgottenTooSoon) { time(now) + latchkey::dpop::TOLERANCE } else { until };
            let second = form == Form::Second && is(Weakness::SignatureIsTheKey);
            Ok(Some((true, (number, second), until.timestamp())))
        }
    }
}

fn state(pool: &mut Pool, stored: Option<&Stored>, bound: bool) -> LoginState {
    let Some(Stored { login, session }) = stored else { return LoginState::default() };
    let item = SessionItem { minter: session.minter, predecessor: session.predecessor };
    let mut read = pool.session(0, login.generation, item);
    read.answered_proofs = session.answered.clone();
    let mut found = pool.login(0, login);
    found.bound_to = bound.then(|| key(true));
    LoginState { login: Some(found), sessions: vec![read], attributes: None }
}

fn ask(question: Question) -> Verdict {
    let mut answers = ANSWERS.lock().unwrap_or_else(PoisonError::into_inner);
    let (pool, answered) = &mut *answers;
    if let Some(verdict) = answered.get(&question) {
        return verdict.clone();
    }
    let Question { stored, bound, token, possession, minted, now } = &question;
    let state = state(pool, stored.as_ref(), *bound);
    let possession = possession.map(|(clients, id, until)| Possession {
        key: key(clients),
        id: ProofId::of(&format!("{id:?}")).unwrap(),
        good_until: chrono::DateTime::from_timestamp(until, 0).unwrap(),
    });
    let claim = pool.with_pair(*token, |_, pair| pair.refresh.claim());
    let own = minted.map(|minter| pool.with_pair(token.successor(minter), |_, pair| pair.refresh.hash()));
    let request =
        RefreshRequest { claim: &claim, replay_key: None, possession: possession.as_ref(), minted: own.as_ref(), now: time(*now) };
    let verdict = match decide_refresh(&state, request) {
        RefreshDecision::Rotate { answered, .. } => Verdict::Rotate(answered),
        RefreshDecision::Replay { answered, .. } => Verdict::Replay(answered.unwrap_or_default()),
        RefreshDecision::Success { .. } => Verdict::Success,
        RefreshDecision::Superseded { .. } => Verdict::Superseded,
        RefreshDecision::Reuse { .. } => Verdict::Reuse,
        RefreshDecision::AnotherKey => Verdict::AnotherKey,
        RefreshDecision::NotAnswered(_) => Verdict::NotAnswered,
        RefreshDecision::Refuse(_) | RefreshDecision::Torn => Verdict::Refused,
    };
    answered.insert(question, verdict.clone());
    verdict
}

/// A request as the decision is asked about it.
pub(crate) struct Asked {
    pub(crate) token: Token,
    pub(crate) possession: Option<(bool, ProofKey, i64)>,
    pub(crate) minted: Option<u8>,
    pub(crate) old_version: bool,
    pub(crate) now: Tick,
}

/// The decision on what was read.
pub(crate) fn decide(stored: Option<&Stored>, asked: &Asked, config: &Config) -> Verdict {
    let is = |weakness| config.weakness == Some(weakness);
    if asked.old_version && !is(Weakness::NoSchema) {
        return Verdict::Refused;
    }
    let bound = !asked.old_version && !is(Weakness::KeyUnasked);
    let question = |possession, bound| Question {
        stored: stored.cloned(),
        bound,
        token: asked.token,
        possession,
        minted: asked.minted,
        now: asked.now,
    };
    if is(Weakness::ReuseBeforeKey) && ask(question(None, false)) == Verdict::Reuse {
        return Verdict::Reuse;
    }
    match ask(question(asked.possession, bound)) {
        Verdict::NotAnswered if is(Weakness::RepeatIsReuse) => {
            // As if the proof had not been looked for.
            let mut stored = stored.cloned();
            let behind = stored.as_ref().map_or(0, |stored| stored.login.generation - asked.token.generation);
            if behind < 2 {
                return Verdict::NotAnswered;
            }
            if let Some(stored) = &mut stored {
                stored.session.answered = AnsweredProofs::default();
            }
            ask(Question { stored, ..question(asked.possession, bound) })
        }
        verdict => verdict,
    }
}

/// The windows that the login remembers after a rotation.
pub(crate) fn windows_after(stored: &Stored, token: Token, successor: SessionItem, config: &Config) -> Vec<Tick> {
    let mut answers = ANSWERS.lock().unwrap_or_else(PoisonError::into_inner);
    let (pool, _) = &mut *answers;
    let bound = config.weakness != Some(Weakness::NothingRaised);
    let state = state(pool, Some(stored), bound);
    let next = pool.session(0, token.generation + 1, successor);
    let windows = remembered_after(state.login.as_ref().unwrap(), &state.sessions[0], &next);
    windows.into_iter().map(tick).collect()
}

/// The answered proofs of a successor, where a control drops the older ones.
pub(crate) fn carried(all: AnsweredProofs, asked: &Asked, config: &Config) -> AnsweredProofs {
    let Some((clients, id, until)) = asked.possession.filter(|_| config.weakness == Some(Weakness::DroppedAtRotation)) else { return all };
    let own = Possession {
        key: key(clients),
        id: ProofId::of(&format!("{id:?}")).unwrap(),
        good_until: chrono::DateTime::from_timestamp(until, 0).unwrap(),
    };
    AnsweredProofs::default().with(&own, time(asked.now)).unwrap()
}
