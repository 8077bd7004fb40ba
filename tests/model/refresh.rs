//! The refresh handler: read, decide, write, and read again, as `shared/src/operations/refresh.rs` does.

use latchkey::decision::RefreshRefusal;

use crate::{
    config::{Config, Weakness},
    notice::Notice,
    oracle::{self, RefreshQuestion, RefreshVerdict},
    promise::Flaw,
    table::{LoginItem, Predecessor, REMEMBERED, Seen, SessionItem, TOLERANCE, Tick, Token},
    transaction::Kind,
    world::{Outcome, Party, Request, Sort, World, number},
};

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Refresh {
    pub(crate) by: Party,
    pub(crate) token: Token,
    pub(crate) key: Option<u8>,
    /// Its arrival as its handler's clock shows it, through every re-read; on its way, when it was sent.
    pub(crate) now: Tick,
    /// Its arrival as it was.
    arrived: Tick,
    /// The login's end had been acknowledged when it came.
    late: bool,
    minted: bool,
    step: Step,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Step {
    /// On its way to the handler.
    Sent,
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
        let step = if config.delay == 0 && config.skew == 0 { Step::Read } else { Step::Sent };
        Self { by, token, key, now: world.now, arrived: world.now, late, minted: false, step }
    }

    pub(crate) fn under_way(&self) -> bool {
        !matches!(self.step, Step::Answered(_))
    }

    pub(crate) fn waits(&self) -> bool {
        self.step == Step::Wait
    }

    /// Whether time may pass.
    pub(crate) fn holds_time(&self, world: &World, config: &Config) -> bool {
        match self.step {
            Step::Sent => self.by == Party::Thief || world.now >= self.now + config.delay,
            Step::Answered(_) => false,
            _ => !config.slow_handlers || self.arrived < world.now,
        }
    }

    pub(crate) fn choices(&self, config: &Config) -> u8 {
        match self.step {
            // By each clock, or never.
            Step::Sent => 2 * config.skew + 2,
            Step::Read if config.torn => 2,
            Step::Read => 1,
            Step::ReadLogin(_) | Step::ReadSessions(_) | Step::End | Step::Answered(_) => 1,
            Step::Wait => 0,
        }
    }

    /// `None` where nothing can be done yet.
    pub(crate) fn step(mut self, world: &mut World, place: usize, choice: u8, config: &Config) -> Option<Request> {
        let login = self.token.login;
        match self.step {
            Step::Sent if choice > 2 * config.skew => return Some(Request::Over(Sort::Refresh)),
            Step::Sent => {
                self.now = world.now + choice - config.skew;
                self.arrived = world.now;
                self.late = world.promised.ended & (1 << login) != 0;
                self.step = Step::Read;
            }
            Step::Read if !config.torn => {
                let seen = world.table.seen(login);
                return Some(self.decide(world, place, &seen, config));
            }
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
                world.receive(self.by, pair, config);
                return Some(Request::Over(Sort::Refresh));
            }
            Step::Wait => return None,
        }
        Some(Request::Refresh(self))
    }

    fn decide(mut self, world: &mut World, place: usize, seen: &Seen, config: &Config) -> Request {
        let minted = self.minted.then(|| number(place));
        let asked = RefreshQuestion { seen: seen.clone(), token: self.token, key: self.key, minted, now: self.now };
        let verdict = verdict(asked, config);
        let generation = seen.login.map_or(0, |login| login.generation);
        let overdue = world.promised.overdue(self.token, self.arrived, generation, config);
        let inside = world.promised.inside(self.token, self.now, generation);
        match verdict {
            RefreshVerdict::Rotate => {
                let replaced = seen.sessions.iter().find(|(number, _)| *number == generation);
                let (Some(from), Some((_, replaced))) = (seen.login, replaced) else { return Request::Over(Sort::Refresh) };
                self.minted = true;
                let predecessor = Predecessor {
                    minter: self.token.minter,
                    until: self.now + config.window,
                    key: self.key,
                    awaits_use: config.until_first_use && !config.is(Weakness::WindowAlone),
                    used_until: None,
                };
                let successor = SessionItem { minter: number(place), predecessor: Some(predecessor) };
                let mut replaced = *replaced;
                if let Some(predecessor) = &mut replaced.predecessor
                    && config.is(Weakness::NothingRaised)
                {
                    predecessor.awaits_use = false;
                }
                let next = from.rotated(&oracle::windows_after(self.token, from, replaced, successor));
                world.submit(place, Kind::Rotate { presented: self.token, next, successor });
                self.step = Step::Wait;
            }
            RefreshVerdict::Success => {
                world.notice(Notice::CommittedUnheard);
                return self.answer(world, number(place), config);
            }
            RefreshVerdict::Replay { recovered } => {
                world.notice(if recovered { Notice::Recovered } else { Notice::Replay });
                if overdue {
                    world.flawed(Flaw::ReuseMissed);
                }
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
                if overdue {
                    world.flawed(Flaw::ReuseMissed);
                }
                return Request::Over(Sort::Refresh);
            }
            RefreshVerdict::Reuse => {
                world.notice(Notice::Reuse);
                let honest = self.by == Party::Client && !config.thief && (config.in_time || config.stores());
                if inside || honest {
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

    fn answer(mut self, world: &mut World, minter: u8, config: &Config) -> Request {
        let pair = self.token.successor(minter);
        if self.late {
            world.flawed(Flaw::RefreshedAfterEnd);
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

/// The real decision, asked otherwise where a control weakens it.
pub(crate) fn verdict(mut asked: RefreshQuestion, config: &Config) -> RefreshVerdict {
    let token = asked.token;
    let mut keys_differ = false;
    let mut unused = false;
    for predecessor in asked.seen.sessions.iter_mut().filter_map(|(_, session)| session.predecessor.as_mut()) {
        let own = predecessor.minter == token.minter;
        keys_differ |= own && predecessor.key != asked.key;
        unused |= predecessor.awaits_use && predecessor.used_until.is_none();
        match config.weakness {
            Some(Weakness::ReplayWithoutWindow) => predecessor.until = Tick::MAX,
            Some(Weakness::ReplayWithUnequalKeys) if own => asked.key = predecessor.key,
            Some(Weakness::MarkIsAFlag) => predecessor.used_until = predecessor.used_until.map(|_| 0),
            Some(Weakness::MarkWhereNoneIsAwaited) => predecessor.awaits_use = predecessor.used_until.is_some(),
            Some(Weakness::ParentAtAnyAge) => (predecessor.awaits_use, predecessor.used_until) = (true, None),
            _ => {}
        }
    }
    let behind = asked.seen.login.map_or(0, |login| login.generation.saturating_sub(token.generation));
    match (oracle::refresh(asked.clone()), config.weakness) {
        (RefreshVerdict::Torn, Some(Weakness::ReuseBeforeTorn)) if behind > 0 => RefreshVerdict::Reuse,
        (RefreshVerdict::Reuse, Some(Weakness::UnequalKeysByMark)) if behind == 1 && keys_differ && unused => RefreshVerdict::Superseded,
        (RefreshVerdict::Superseded, Some(Weakness::NoTolerance)) => {
            oracle::refresh(RefreshQuestion { now: asked.now + TOLERANCE, ..asked })
        }
        (verdict, _) => verdict,
    }
}
