//! The refresh handler: read, decide, write, and read again, as `shared/src/operations/refresh.rs` does.

use latchkey::decision::RefreshRefusal;

use crate::{
    config::{Config, Weakness},
    notice::Notice,
    oracle::{self, RefreshQuestion, RefreshVerdict},
    promise::Flaw,
    table::{LoginItem, Predecessor, REMEMBERED, Seen, SessionItem, Tick, Token, WINDOW},
    transaction::Kind,
    world::{Outcome, Party, Request, Sort, World, learn, number},
};

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Refresh {
    pub(crate) by: Party,
    pub(crate) token: Token,
    pub(crate) key: Option<u8>,
    /// Its arrival, through every re-read.
    pub(crate) now: Tick,
    /// The login's end had been acknowledged when it came.
    late: bool,
    minted: bool,
    step: Step,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Step {
    Read,
    /// Half of a query: of two items that a transaction commits one by one, the other may be read after the commit. Which
    /// session matters only the login item tells, so all sessions are read at once.
    ReadLogin(Option<LoginItem>),
    ReadSessions(Vec<(u8, SessionItem)>),
    Wait,
    End,
    /// On its way, and perhaps never there.
    Answered(Token),
}

impl Refresh {
    pub(crate) fn arrive(world: &World, by: Party, token: Token, config: &Config) -> Self {
        let key = match by {
            Party::Client => config.client_key,
            Party::Thief => config.thief_key,
        };
        let late = world.promised.ended & (1 << token.login) != 0;
        Self { by, token, key, now: world.now, late, minted: false, step: Step::Read }
    }

    pub(crate) fn under_way(&self) -> bool {
        !matches!(self.step, Step::Answered(_))
    }

    pub(crate) fn waits(&self) -> bool {
        self.step == Step::Wait
    }

    pub(crate) fn choices(&self) -> u8 {
        match self.step {
            Step::Read => 2,
            Step::ReadLogin(_) | Step::ReadSessions(_) | Step::End | Step::Answered(_) => 1,
            Step::Wait => 0,
        }
    }

    /// `None` where nothing can be done yet.
    pub(crate) fn step(mut self, world: &mut World, place: usize, choice: u8, config: &Config) -> Option<Request> {
        let login = self.token.login;
        match self.step {
            Step::Read if choice == 0 => self.step = Step::ReadLogin(world.table.login(login)),
            Step::Read => self.step = Step::ReadSessions(world.table.sessions(login)),
            Step::ReadLogin(item) => {
                let seen = Seen { login: item, sessions: world.table.sessions(login) };
                return Some(self.decide(world, place, &seen, config));
            }
            Step::ReadSessions(ref sessions) => {
                let seen = Seen { login: world.table.login(login), sessions: sessions.clone() };
                return Some(self.decide(world, place, &seen, config));
            }
            Step::End => {
                if !world.delete_login(login, Some(self.token), config) {
                    return None;
                }
                world.promised.ended |= 1 << login;
                return Some(Request::Over(Sort::Refresh));
            }
            Step::Answered(pair) => {
                learn(if self.by == Party::Client { &mut world.client } else { &mut world.thief }, pair);
                return Some(Request::Over(Sort::Refresh));
            }
            Step::Wait => return None,
        }
        Some(Request::Refresh(self))
    }

    fn decide(mut self, world: &mut World, place: usize, seen: &Seen, config: &Config) -> Request {
        let verdict = self.verdict(seen, place, config);
        let generation = seen.login.map_or(0, |login| login.generation);
        let inside = world.promised.inside(self.token, self.now, generation);
        match verdict {
            RefreshVerdict::Rotate => {
                let Some(from) = seen.login else { return Request::Over(Sort::Refresh) };
                self.minted = true;
                let predecessor = Predecessor { minter: self.token.minter, until: self.now + WINDOW, key: self.key };
                let successor = SessionItem { minter: number(place), predecessor: Some(predecessor) };
                world.submit(place, Kind::Rotate { presented: self.token, from, successor });
                self.step = Step::Wait;
            }
            RefreshVerdict::Success => {
                world.notice(Notice::CommittedUnheard);
                return self.answer(world, number(place), config);
            }
            RefreshVerdict::Replay => {
                world.notice(Notice::Replay);
                let current = seen.sessions.iter().find(|(number, _)| *number == generation);
                return match current {
                    Some((_, session)) => self.answer(world, session.minter, config),
                    None => Request::Over(Sort::Refresh),
                };
            }
            RefreshVerdict::Torn => {
                world.notice(Notice::TornRead);
                self.step = Step::Read;
            }
            RefreshVerdict::Superseded => {
                world.notice(Notice::Superseded);
                if usize::from(generation - self.token.generation) > REMEMBERED {
                    world.notice(Notice::OffTheList);
                }
                if !inside {
                    world.flawed(Flaw::ReuseMissed);
                }
                return Request::Over(Sort::Refresh);
            }
            RefreshVerdict::Reuse => {
                world.notice(Notice::Reuse);
                if inside || config.in_time && self.by == Party::Client {
                    world.flawed(Flaw::FalseReuse);
                }
                self.step = Step::End;
            }
            RefreshVerdict::Refuse(refusal) => {
                world.notice(Notice::Refused);
                // Every token here is genuine and none expires: only an end explains a refusal.
                if refusal != RefreshRefusal::Ended || world.promised.ending & (1 << self.token.login) == 0 {
                    world.flawed(Flaw::GenuineRefused);
                }
                return Request::Over(Sort::Refresh);
            }
        }
        Request::Refresh(self)
    }

    /// The real decision, asked otherwise where a control weakens it.
    fn verdict(&self, seen: &Seen, place: usize, config: &Config) -> RefreshVerdict {
        let mut seen = seen.clone();
        let mut key = self.key;
        for predecessor in seen.sessions.iter_mut().filter_map(|(_, session)| session.predecessor.as_mut()) {
            if config.is(Weakness::ReplayWithoutWindow) {
                predecessor.until = Tick::MAX;
            }
            if config.is(Weakness::ReplayWithUnequalKeys) && predecessor.minter == self.token.minter {
                key = predecessor.key;
            }
        }
        let behind = seen.login.is_some_and(|login| login.generation > self.token.generation);
        let minted = self.minted.then(|| number(place));
        match oracle::refresh(RefreshQuestion { seen, token: self.token, key, minted, now: self.now }) {
            RefreshVerdict::Torn if behind && config.is(Weakness::ReuseBeforeTorn) => RefreshVerdict::Reuse,
            verdict => verdict,
        }
    }

    fn answer(mut self, world: &mut World, minter: u8, config: &Config) -> Request {
        let pair = self.token.successor(minter);
        if self.late {
            world.flawed(Flaw::RefreshedAfterEnd);
        }
        if world.promised.rotation(self.token).is_some_and(|rotation| rotation.until <= self.now) {
            world.flawed(Flaw::ReuseMissed);
        }
        world.check_pair(self.token, pair, self.key, config);
        self.step = Step::Answered(pair);
        Request::Refresh(self)
    }

    /// Its transaction is over, or it gives up waiting.
    pub(crate) fn hear(mut self, world: &mut World, place: usize, outcome: Outcome, config: &Config) -> Request {
        match outcome {
            Outcome::Done => {
                world.notice(Notice::Rotation);
                self.answer(world, number(place), config)
            }
            Outcome::ReadAgain => {
                self.step = Step::Read;
                Request::Refresh(self)
            }
        }
    }
}
