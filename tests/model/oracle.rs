//! The decisions, made by the functions that the service is built of. They are pure, so each distinct question is put to
//! them once and the answer kept: exploring asks the same ones by the million.

use std::{
    collections::HashMap,
    hash::Hash,
    num::NonZeroU32,
    sync::{LazyLock, Mutex, PoisonError},
};

use latchkey::{
    decision::{
        LoginDecision, OnSessionLimit, RefreshDecision, RefreshRefusal, RefreshRequest, SessionLimit, authorize, decide_login,
        decide_refresh, owes_mark, remembered_after,
    },
    model::{Attributes, DeviceItem, Extent, NewLogin, Register, UserLogins},
    operations::issue::reissue,
    token::RefreshToken,
};

use crate::{
    pool::{Pool, login_id, replay_key, tick, time},
    table::{self, LoginItem, Seen, SessionItem, Tick, Token},
};

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct RefreshQuestion {
    pub(crate) seen: Seen,
    pub(crate) token: Token,
    pub(crate) key: Option<u8>,
    /// The request that asks, where it has minted a successor.
    pub(crate) minted: Option<u8>,
    pub(crate) now: Tick,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefreshVerdict {
    Rotate,
    Success,
    Replay {
        /// Past the window: only the missing first use of the successor lets it be answered.
        recovered: bool,
    },
    Superseded,
    Torn,
    Reuse,
    Refuse(RefreshRefusal),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct LoginQuestion {
    pub(crate) own: u8,
    pub(crate) minter: u8,
    pub(crate) register: Option<table::Register>,
    /// The logins seen; what else is in them doesn't matter here.
    pub(crate) logins: Vec<u8>,
    pub(crate) own_session: bool,
    pub(crate) limit: Option<usize>,
    /// What the device's item names, where there is a device.
    pub(crate) device: Option<Option<u8>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LoginVerdict {
    Blocked,
    Committed,
    Torn,
    Create { predecessor_seen: Option<bool>, replaced: Vec<u8> },
}

#[derive(Default)]
struct Oracle {
    pool: Pool,
    refresh: HashMap<RefreshQuestion, RefreshVerdict>,
    access: HashMap<(Seen, Token, Tick), Option<bool>>,
    login: HashMap<LoginQuestion, LoginVerdict>,
    remembered: HashMap<(Token, LoginItem, SessionItem, SessionItem), Vec<Tick>>,
}

/// One for all configurations: what weakens a model alters the question, never the function.
static ORACLE: LazyLock<Mutex<Oracle>> = LazyLock::new(Mutex::default);

fn remembered<Q: Hash + Eq + Clone, A: Clone>(
    answers: impl Fn(&mut Oracle) -> &mut HashMap<Q, A>,
    question: Q,
    ask: impl FnOnce(&mut Pool, &Q) -> A,
) -> A {
    let mut oracle = ORACLE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(answer) = answers(&mut oracle).get(&question) {
        return answer.clone();
    }
    let answer = ask(&mut oracle.pool, &question);
    answers(&mut oracle).insert(question, answer.clone());
    answer
}

/// Whether an access token passes, and then whether its session has to be marked first.
pub(crate) fn allows(seen: Seen, token: Token, now: Tick) -> Option<bool> {
    remembered(
        |oracle| &mut oracle.access,
        (seen, token, now),
        |pool, (seen, token, now)| {
            let state = pool.state(token.login, seen);
            pool.with_pair(*token, |_, pair| authorize(&state, &pair.access.claim(), time(*now)).ok().map(owes_mark))
        },
    )
}

pub(crate) fn refresh(question: RefreshQuestion) -> RefreshVerdict {
    remembered(
        |oracle| &mut oracle.refresh,
        question,
        |pool, asked| pool.with_pair(asked.token, |pool, pair| ask_refresh(pool, asked, &pair.refresh)),
    )
}

fn ask_refresh(pool: &mut Pool, asked: &RefreshQuestion, token: &RefreshToken) -> RefreshVerdict {
    let state = pool.state(asked.token.login, &asked.seen);
    let minted = asked.minted.map(|minter| pool.with_pair(asked.token.successor(minter), |_, pair| pair.refresh.hash()));
    let key = asked.key.map(replay_key);
    let claim = token.claim();
    let request =
        RefreshRequest { claim: &claim, replay_key: key.as_ref(), possession: None, minted: minted.as_ref(), now: time(asked.now) };
    match decide_refresh(&state, request) {
        RefreshDecision::Rotate { .. } => RefreshVerdict::Rotate,
        RefreshDecision::Success { .. } => RefreshVerdict::Success,
        RefreshDecision::Replay { session, predecessor, recovered, .. } => {
            let pair = reissue(session, predecessor, &token.clone().into()).unwrap();
            assert_eq!(pair.refresh.hash(), session.refresh_token_hash, "a replay opens the seal to the very pair");
            RefreshVerdict::Replay { recovered }
        }
        RefreshDecision::Superseded { .. } => RefreshVerdict::Superseded,
        RefreshDecision::Torn => RefreshVerdict::Torn,
        RefreshDecision::Reuse { .. } => RefreshVerdict::Reuse,
        RefreshDecision::Refuse(refusal) => RefreshVerdict::Refuse(refusal),
        RefreshDecision::AnotherKey | RefreshDecision::NotAnswered(_) => panic!("these logins are bound to no key"),
    }
}

/// The windows that a login remembers after `replaced`, whose refresh token is `token`, was rotated to `successor`.
pub(crate) fn windows_after(token: Token, login: LoginItem, replaced: SessionItem, successor: SessionItem) -> Vec<Tick> {
    remembered(
        |oracle| &mut oracle.remembered,
        (token, login, replaced, successor),
        |pool, (token, login, replaced, successor)| {
            let replaced = pool.session(token.login, token.generation, *replaced);
            let successor = pool.session(token.login, token.generation + 1, *successor);
            remembered_after(&pool.login(token.login, login), &replaced, &successor).into_iter().map(tick).collect()
        },
    )
}

pub(crate) fn login(question: LoginQuestion) -> LoginVerdict {
    remembered(|oracle| &mut oracle.login, question, ask_login)
}

fn ask_login(pool: &mut Pool, asked: &LoginQuestion) -> LoginVerdict {
    let first = SessionItem { minter: asked.minter, predecessor: None };
    let mut new =
        NewLogin { login: pool.login(asked.own, &LoginItem::NEW), session: pool.session(asked.own, 0, first), own: Attributes::default() };
    new.login.device.id = asked.device.map(|_| "device".to_owned());
    let seen = UserLogins {
        register: asked.register.map(|register| Register {
            version: register.version.into(),
            last_login_id: login_id(register.last_login),
            blocked_at: register.blocked.then(|| time(0)),
            logins_at_most: 0,
            attributes: Attributes::default(),
            attributes_pending: None,
        }),
        logins: asked.logins.iter().map(|login| (login_id(*login), pool.login(*login, &LoginItem::NEW))).collect(),
        sessions: asked.own_session.then(|| (login_id(asked.own), new.session.generation)).into_iter().collect(),
        extent: if asked.limit.is_some() { Extent::All } else { Extent::Own },
        device: match asked.device {
            None => DeviceItem::Untouched,
            Some(None) => DeviceItem::Absent,
            Some(Some(login)) => DeviceItem::Names(login_id(login)),
        },
        ..UserLogins::default()
    };
    let limit = asked
        .limit
        .and_then(|most| u32::try_from(most).ok())
        .and_then(NonZeroU32::new)
        .map(|max| SessionLimit { max, on_limit: OnSessionLimit::EvictOldest });
    match decide_login(&seen, &new, limit, time(0)) {
        LoginDecision::Blocked => LoginVerdict::Blocked,
        LoginDecision::Committed => LoginVerdict::Committed,
        LoginDecision::Torn => LoginVerdict::Torn,
        LoginDecision::Create(creation) => LoginVerdict::Create {
            predecessor_seen: creation.predecessor_seen,
            replaced: (0..8).filter(|login| creation.replaced.iter().any(|(key, _)| key.login_id == login_id(*login))).collect(),
        },
        other @ (LoginDecision::ReadLogins | LoginDecision::LimitReached | LoginDecision::EndFirst(_)) => {
            panic!("no configuration leads to {other:?}")
        }
    }
}
