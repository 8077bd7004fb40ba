//! A state of the world: the table, the transactions and requests under way, who knows which tokens, and what has been
//! promised so far.

use crate::{
    authorizer::{Authorization, Mark},
    config::{Config, Weakness},
    end::{EndAll, EndOne},
    login::LoginRequest,
    notice::Noticed,
    promise::Flaw,
    promised::{FIRST, Promised, Rotation},
    refresh::Refresh,
    table::{Hashed, Item, Key, LoginItem, Predecessor, Register, SessionItem, Table, Tick, Token, User},
    transaction::{Kind, Transaction},
};

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) now: Tick,
    pub(crate) table: Table,
    pub(crate) transactions: Vec<Transaction>,
    /// In the order they came; a place is a request's number for good, and what it mints bears it.
    pub(crate) requests: Vec<Request>,
    /// Marks that no request waits for.
    pub(crate) marks: Vec<Mark>,
    pub(crate) client: Known,
    pub(crate) thief: Known,
    /// Logins that were begun, the ones before included.
    pub(crate) logins_begun: u8,
    pub(crate) lost_answers: u8,
    pub(crate) crashes: u8,
    pub(crate) copied: bool,
    pub(crate) promised: Promised,
    /// The first broken promise that a step noticed.
    pub(crate) flaw: Option<Flaw>,
    pub(crate) noticed: Noticed,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Request {
    Refresh(Refresh),
    Authorize(Authorization),
    EndOne(EndOne),
    Login(LoginRequest),
    EndAll(EndAll),
    /// Answered, or crashed. What it was is kept for its budget alone.
    Over(Sort),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Sort {
    Refresh,
    Authorize,
    EndOne,
    Login,
    Issue,
    Everywhere,
    PasswordChange,
    OwnChange,
    Block,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Party {
    Client,
    Thief,
}

/// The tokens that somebody has, each generation in its place. Whatever tabs share or keep to themselves, they present one
/// of these.
pub(crate) type Known = Vec<Token>;

pub(crate) fn learn(known: &mut Known, token: Token) {
    if let Err(place) = known.binary_search(&token) {
        known.insert(place, token);
    }
}

/// What came of waiting for a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    ReadAgain,
}

impl Request {
    pub(crate) fn sort(&self) -> Sort {
        match self {
            Self::Refresh(_) => Sort::Refresh,
            Self::Authorize(_) => Sort::Authorize,
            Self::EndOne(_) => Sort::EndOne,
            Self::Login(login) => login.sort(),
            Self::EndAll(end) => end.sort(),
            Self::Over(sort) => *sort,
        }
    }

    /// When it arrived, while it is under way.
    pub(crate) fn born(&self) -> Option<Tick> {
        match self {
            Self::Refresh(refresh) => refresh.under_way().then_some(refresh.now),
            Self::Authorize(authorization) => Some(authorization.arrived),
            Self::EndOne(end) => Some(end.now),
            Self::Login(login) => login.under_way().then_some(login.now),
            Self::EndAll(end) => Some(end.now),
            Self::Over(_) => None,
        }
    }
}

impl World {
    pub(crate) fn at_the_start(config: &Config) -> Self {
        let mut table = Table::default();
        let mut client = Known::new();
        table.put(Key::User, Item::User(User { version: 1, hash: Hashed { password: 1, foreign: config.foreign_hash } }));
        for login in 0..config.logins_before {
            let token = Token { login, generation: 0, minter: FIRST - login };
            table.put(Key::Login(login), Item::Login(LoginItem::NEW));
            table.put(Key::Session { login, generation: 0 }, Item::Session(SessionItem { minter: token.minter, predecessor: None }));
            table.put(Key::Register, Item::Register(Register { version: login + 1, last_login: login, blocked: false }));
            if config.one_device {
                table.put(Key::Device, Item::Device(login));
            }
            learn(&mut client, token);
        }
        let mut thief = Known::new();
        if config.used_unmarked {
            let Rotation { successor: minter, until, key, awaits_use, .. } = Rotation::LONG_AGO;
            let first = Token { login: 0, generation: 0, minter };
            let predecessor = Predecessor { minter, until, key, awaits_use, used_until: None };
            table.delete(Key::Session { login: 0, generation: 0 });
            table.put(Key::Login(0), Item::Login(LoginItem::NEW.rotated(&[until])));
            table.put(Key::Session { login: 0, generation: 1 }, Item::Session(SessionItem { minter, predecessor: Some(predecessor) }));
            client = vec![first.successor(minter)];
            thief = vec![first];
        }
        Self {
            now: config.start(),
            table,
            transactions: Vec::new(),
            requests: Vec::new(),
            marks: Vec::new(),
            client,
            thief,
            logins_begun: config.logins_before,
            lost_answers: 0,
            crashes: 0,
            copied: config.used_unmarked,
            promised: Promised::at_the_start(config.logins_before, config),
            flaw: None,
            noticed: Noticed::default(),
        }
    }

    pub(crate) fn begun(&self, sort: Sort) -> usize {
        self.requests.iter().filter(|request| request.sort() == sort).count()
    }

    pub(crate) fn is_locked(&self, key: Key, config: &Config) -> bool {
        self.transactions.iter().any(|transaction| transaction.locks(key, config))
    }

    pub(crate) fn submit(&mut self, request: usize, kind: Kind) {
        let transaction = Transaction { request: number(request), awaited: true, born: self.now, kind, prepared: 0, committed: 0 };
        self.transactions.push(transaction);
    }

    /// An answer is received, and stored. An honest client keeps the newest pair only, and an answer with an older one changes
    /// nothing.
    pub(crate) fn receive(&mut self, by: Party, pair: Token, config: &Config) {
        let known = if by == Party::Client { &mut self.client } else { &mut self.thief };
        if by == Party::Client && config.stores() {
            if known.iter().any(|token| token.login == pair.login && token.generation >= pair.generation) {
                return;
            }
            known.retain(|token| token.login != pair.login);
        }
        learn(known, pair);
    }

    pub(crate) fn begin_login(&mut self) {
        self.logins_begun += 1;
        self.promised.begin_login();
    }

    pub(crate) fn flawed(&mut self, flaw: Flaw) {
        self.flaw.get_or_insert(flaw);
    }

    /// The plain delete that ends a login. `false` while a transaction holds the item: then it is tried again.
    pub(crate) fn delete_login(&mut self, login: u8, presented: Option<Token>, config: &Config) -> bool {
        let key = match presented {
            Some(Token { login, generation, .. }) if config.is(Weakness::EndDeletesOnlySession) => Key::Session { login, generation },
            _ => Key::Login(login),
        };
        if self.is_locked(key, config) {
            return false;
        }
        self.table.delete(key);
        self.promised.ending |= 1 << login;
        true
    }
}

pub(crate) fn number(request: usize) -> u8 {
    u8::try_from(request).unwrap()
}
