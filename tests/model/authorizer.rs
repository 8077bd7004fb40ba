//! The authorizer: one read, one verdict, nothing read again.

use crate::{
    config::Config,
    notice::Notice,
    promise::{Flaw, allows},
    table::{LoginItem, Seen, SessionItem, Tick, Token},
    world::{Request, Sort, World},
};

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Authorization {
    token: Token,
    pub(crate) now: Tick,
    /// When the request came, the login had ended or stood elsewhere.
    stale: bool,
    step: Step,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Step {
    Read,
    ReadLogin(Option<LoginItem>),
    ReadSessions(Vec<(u8, SessionItem)>),
}

impl Authorization {
    pub(crate) fn arrive(world: &World, token: Token) -> Self {
        let stale = world.table.login(token.login).is_none_or(|login| login.generation != token.generation);
        Self { token, now: world.now, stale, step: Step::Read }
    }

    pub(crate) fn choices(&self) -> u8 {
        if self.step == Step::Read { 2 } else { 1 }
    }

    pub(crate) fn step(mut self, world: &mut World, choice: u8, config: &Config) -> Request {
        let login = self.token.login;
        let seen = match self.step {
            Step::Read => {
                self.step = match choice {
                    0 => Step::ReadLogin(world.table.login(login)),
                    _ => Step::ReadSessions(world.table.sessions(login)),
                };
                return Request::Authorize(self);
            }
            Step::ReadLogin(item) => Seen { login: item, sessions: world.table.sessions(login) },
            Step::ReadSessions(sessions) => Seen { login: world.table.login(login), sessions },
        };
        if allows(&seen, self.token, self.now, config) {
            world.notice(Notice::Allowed);
            if self.stale {
                world.flawed(Flaw::StaleAllow);
            }
        }
        Request::Over(Sort::Authorize)
    }
}
