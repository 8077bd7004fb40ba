//! Ending one login, ending all of them, and changing the password or blocking the user, which do the same: `shared/src/operations/end.rs`.

use crate::{
    config::{Config, Weakness},
    notice::Notice,
    table::{Key, Tick, Token},
    transaction::{Kind, Write},
    world::{Outcome, Request, Sort, World},
};

/// `POST /logout` with a token of the login, or `DELETE /sessions/{login_id}` from a device that saw it in the list: one
/// conditional delete, acknowledged as soon as it is carried out.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct EndOne {
    login: u8,
    token: Option<Token>,
    pub(crate) now: Tick,
}

impl EndOne {
    pub(crate) fn logout(world: &World, token: Token) -> Self {
        Self { login: token.login, token: Some(token), now: world.now }
    }

    pub(crate) fn listed(world: &World, login: u8) -> Self {
        Self { login, token: None, now: world.now }
    }

    pub(crate) fn step(self, world: &mut World, config: &Config) -> Option<Request> {
        let login = self.login;
        let in_mid_commit = world.is_in_mid_commit();
        if !world.delete_login(login, self.token, config) {
            world.notice(Notice::Conflict);
            return None;
        }
        if in_mid_commit {
            world.notice(Notice::EndedInMidCommit);
        }
        world.promised.ended |= 1 << login;
        Some(Request::Over(Sort::EndOne))
    }
}

/// "Log out everywhere", or a password change: move the register, then delete what it named and what a read begun after
/// that sees, page by page.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct EndAll {
    pub(crate) now: Tick,
    /// The password that is being replaced, by its version.
    changes: Option<u8>,
    /// Whether the register is blocked in the write that moves it.
    blocks: bool,
    /// A user has changed the password by themselves, and their new login stays.
    own: bool,
    /// Bits of the logins that it has to end.
    pub(crate) before: u8,
    step: Step,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Step {
    Move,
    Wait,
    /// A transaction returns nothing, so after a password change the register is read, before the logins.
    Register,
    Scan {
        left: u8,
        found: u8,
    },
    /// Where a control reads it after them.
    RegisterLast {
        found: u8,
    },
    Delete {
        left: u8,
    },
    /// Of a removal that follows the block: the register loses the user's id, and moves.
    Forget,
}

impl EndAll {
    pub(crate) fn everywhere(world: &World) -> Self {
        Self { now: world.now, changes: None, blocks: false, own: false, before: 0, step: Step::Move }
    }

    pub(crate) fn password_change(world: &World) -> Self {
        Self { now: world.now, changes: Some(world.table.user()), blocks: false, own: false, before: 0, step: Step::Move }
    }

    pub(crate) fn block(world: &World) -> Self {
        Self { blocks: true, ..Self::everywhere(world) }
    }

    /// After the transaction that changed the password and made the login `kept`: that transaction moved the register.
    pub(crate) fn others(world: &World, now: Tick, old: u8, before: u8, kept: u8, config: &Config) -> Self {
        let all = ((1_u16 << world.logins_begun) - 1) as u8;
        let left = if config.is(Weakness::ChangeEndsNothing) { 0 } else { all & !(1 << kept) };
        Self { now, changes: Some(old), blocks: false, own: true, before, step: Step::Scan { left, found: 0 } }
    }

    pub(crate) fn sort(&self) -> Sort {
        match self.changes {
            Some(_) if self.own => Sort::OwnChange,
            Some(_) => Sort::PasswordChange,
            None if self.blocks => Sort::Block,
            None => Sort::Everywhere,
        }
    }

    pub(crate) fn waits(&self) -> bool {
        self.step == Step::Wait
    }

    pub(crate) fn choices(&self) -> Vec<u8> {
        match self.step {
            Step::Move | Step::Register | Step::RegisterLast { .. } | Step::Forget => vec![0],
            Step::Wait => vec![],
            // Nothing is left, from the beginning.
            Step::Scan { left: 0, found: 0 } => vec![0],
            Step::Scan { left, found } => bits(left).chain(bits(found).map(|login| login | DELETE)).collect(),
            Step::Delete { left } => bits(left).collect(),
        }
    }

    pub(crate) fn step(mut self, world: &mut World, place: usize, choice: u8, config: &Config) -> Option<Request> {
        match self.step {
            Step::Move => match self.changes {
                Some(user) => {
                    world.submit(place, Kind::ChangePassword { user });
                    self.step = Step::Wait;
                }
                None => {
                    if world.is_locked(Key::Register, config) {
                        return None;
                    }
                    self.before = world.promised.made;
                    world.table.write(Key::Register, self.moving(config));
                    self.step = scan(world, config);
                }
            },
            Step::Register => self.step = scan(world, config),
            Step::RegisterLast { found } => {
                let named = world.table.register().map_or(0, |register| 1 << register.last_login);
                self.step = Step::Delete { left: found | named };
            }
            // What was read is deleted at any time from then on: the pages of the read are of any length.
            Step::Scan { left, found } if choice & DELETE != 0 => {
                let login = choice & !DELETE;
                if !world.delete_login(login, None, config) {
                    world.notice(Notice::Conflict);
                    return None;
                }
                self.step = Step::Scan { left, found: found & !(1 << login) };
            }
            Step::Scan { left: 0, found: 0 } => {}
            Step::Scan { left, found } => {
                let bit = 1 << choice;
                let found = if world.table.login(choice).is_some() { found | bit } else { found };
                self.step = Step::Scan { left: left & !bit, found };
            }
            Step::Delete { left } => {
                if !world.delete_login(choice, None, config) {
                    world.notice(Notice::Conflict);
                    return None;
                }
                self.step = Step::Delete { left: left & !(1 << choice) };
            }
            Step::Forget => {
                if world.is_locked(Key::Register, config) {
                    return None;
                }
                let write = if config.is(Weakness::RemovalDeletesRegister) { Write::Delete } else { Write::BumpRegister };
                world.table.write(Key::Register, write);
                return Some(Request::Over(self.sort()));
            }
            Step::Wait => return None,
        }
        if let Step::Scan { left: 0, found } = self.step {
            let last = self.changes.is_some() && config.is(Weakness::RegisterReadLast);
            self.step = if last { Step::RegisterLast { found } } else { Step::Delete { left: found } };
        }
        if self.step == (Step::Delete { left: 0 }) {
            self.acknowledge(world);
            if !config.blocks_remove {
                return Some(Request::Over(self.sort()));
            }
            self.step = Step::Forget;
        }
        Some(Request::EndAll(self))
    }

    fn moving(&self, config: &Config) -> Write {
        match self.blocks {
            true if config.is(Weakness::BlockKeepsVersion) => Write::BlockRegisterOnly,
            true => Write::BlockRegister,
            false => Write::BumpRegister,
        }
    }

    fn acknowledge(&self, world: &mut World) {
        world.notice(Notice::EndAllAcknowledged);
        if self.blocks {
            world.promised.blocked = true;
            world.promised.ended_by_block |= self.before;
        }
        world.promised.all_ended |= self.before;
        if let Some(old) = self.changes {
            world.promised.void_passwords = old;
            // Whatever the register said, no login by an old password may be left.
            world.promised.all_ended |= world.promised.made_with(old);
        }
    }

    pub(crate) fn hear(mut self, world: &World, outcome: Outcome) -> Request {
        // Done, or its own commit found by a read of the users item.
        let committed = outcome == Outcome::Done || self.changes.is_some_and(|user| world.table.user() != user);
        self.step = if committed { Step::Register } else { Step::Move };
        Request::EndAll(self)
    }
}

/// The choice of a deletion instead of a read.
const DELETE: u8 = 8;

fn bits(of: u8) -> impl Iterator<Item = u8> {
    (0..8).filter(move |login| of & (1 << login) != 0)
}

/// The logins that are to be read one by one: what is begun later is made later.
fn scan(world: &World, config: &Config) -> Step {
    let ignored = config.is(Weakness::EverywhereWithoutLastLogin) || config.is(Weakness::RegisterReadLast);
    let named = world.table.register().filter(|_| !ignored);
    let found = named.map_or(0, |register| 1 << register.last_login);
    Step::Scan { left: ((1_u16 << world.logins_begun) - 1) as u8, found }
}
