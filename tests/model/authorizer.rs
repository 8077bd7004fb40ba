//! The authorizer: one read, one verdict, nothing read again. The first use of a session is marked before it is allowed.

use crate::{
    config::{Config, Weakness},
    notice::Notice,
    promise::{Flaw, allows},
    table::{Key, LoginItem, Seen, SessionItem, Tick, Token},
    world::{Request, Sort, World},
};

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Authorization {
    token: Token,
    /// Its arrival as its own clock shows it.
    now: Tick,
    pub(crate) arrived: Tick,
    /// When the request came, the login had ended or stood elsewhere.
    stale: bool,
    step: Step,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Step {
    Read,
    ReadLogin(Option<LoginItem>),
    ReadSessions(Vec<(u8, SessionItem)>),
    Mark,
}

/// What becomes of a mark that was sent.
const WRITTEN: u8 = 0;
const LATE: u8 = 1;

/// A mark that its request doesn't wait for any more. It is written at any later time, or never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Mark {
    pub(crate) login: u8,
    pub(crate) generation: u8,
    pub(crate) until: Tick,
}

impl Authorization {
    pub(crate) fn arrive(world: &World, token: Token, shown: Tick) -> Self {
        let stale = world.table.login(token.login).is_none_or(|login| login.generation != token.generation);
        Self { token, now: shown, arrived: world.now, stale, step: Step::Read }
    }

    pub(crate) fn choices(&self, config: &Config) -> Vec<u8> {
        match self.step {
            Step::Read if config.torn => vec![0, 1],
            Step::Read => vec![0],
            Step::ReadLogin(_) | Step::ReadSessions(_) => vec![0],
            Step::Mark if config.is(Weakness::MarkAfterAnswer) => vec![LATE],
            Step::Mark => {
                if config.late_marks {
                    vec![WRITTEN, LATE]
                } else {
                    vec![WRITTEN]
                }
            }
        }
    }

    pub(crate) fn step(mut self, world: &mut World, choice: u8, config: &Config) -> Request {
        let Token { login, generation, .. } = self.token;
        let seen = match self.step {
            Step::Read if !config.torn => world.table.seen(login),
            Step::Read => {
                self.step = match choice {
                    0 => Step::ReadLogin(world.table.login(login)),
                    _ => Step::ReadSessions(world.table.sessions(login)),
                };
                return Request::Authorize(self);
            }
            Step::ReadLogin(item) => Seen { login: item, sessions: world.table.sessions(login) },
            Step::ReadSessions(sessions) => Seen { login: world.table.login(login), sessions },
            Step::Mark => {
                let mark = Mark { login, generation, until: self.now + config.window };
                if choice == LATE {
                    world.marks.push(mark);
                } else {
                    world.write_mark(mark, config);
                }
                world.notice(Notice::Allowed);
                return Request::Over(Sort::Authorize);
            }
        };
        let unmarked = |(number, session): &(u8, SessionItem)| {
            *number == generation && session.predecessor.is_some_and(|predecessor| predecessor.used_until.is_none())
        };
        let any_unmarked = seen.sessions.iter().any(unmarked);
        if let Some(owes_mark) = allows(&seen, self.token, self.now, config) {
            if self.stale {
                world.flawed(Flaw::StaleAllow);
            }
            if config.is(Weakness::NeverMarked) || config.is(Weakness::MarkAfterAnswer) {
                world.promised.used(login, generation, world.now);
            }
            let marks = owes_mark || any_unmarked && config.is(Weakness::MarkWhereNoneIsAwaited);
            if marks && !config.is(Weakness::NeverMarked) {
                self.step = Step::Mark;
                return Request::Authorize(self);
            }
            world.notice(Notice::Allowed);
        }
        Request::Over(Sort::Authorize)
    }
}

impl World {
    /// Writes a mark, unless a transaction holds the session: then it conflicts, and the request is allowed without it.
    pub(crate) fn write_mark(&mut self, Mark { login, generation, until }: Mark, config: &Config) {
        if self.is_locked(Key::Session { login, generation }, config) {
            self.notice(Notice::MarkConflict);
        } else if self.table.mark(login, generation, until, config.is(Weakness::MarkWithoutExists)) {
            self.notice(Notice::Marked);
            self.promised.used(login, generation, self.now);
        }
    }
}
