//! The requests, one step for each call to the store.

use super::{
    Config, Weakness, World,
    fan_out::{self, FanOut},
    table::{Condition, Copied, Item, Key, Login, Operation, Outcome, Register, Write},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Sort {
    Login,
    Change,
    Authorize,
    Refresh,
    End,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Handler {
    pub(crate) sort: Sort,
    /// The login that it is about.
    pub(crate) login: u8,
    pub(crate) step: Step,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    /// A login reads the register, a change moves it, an end deletes the login.
    Begin,
    /// A login's transaction is under way, which was built on this register.
    Creating(Register),
    /// A change or a login writes the copies.
    FanOut(FanOut),
    /// A query goes through a login's items; an authorize must answer with these attributes or newer ones.
    ReadLogin {
        must: u8,
        again: bool,
    },
    ReadCopy {
        must: u8,
        again: bool,
        seen: Option<Login>,
    },
    Rotating,
    Sweep,
    Over,
}

impl Handler {
    pub(crate) fn login(login: u8) -> Self {
        Self { sort: Sort::Login, login, step: Step::Begin }
    }

    pub(crate) fn change() -> Self {
        Self { sort: Sort::Change, login: u8::MAX, step: Step::Begin }
    }

    pub(crate) fn authorize(login: u8, must: u8) -> Self {
        Self { sort: Sort::Authorize, login, step: Step::ReadLogin { must, again: false } }
    }

    pub(crate) fn refresh(login: u8) -> Self {
        Self { sort: Sort::Refresh, login, step: Step::Begin }
    }

    pub(crate) fn end(login: u8) -> Self {
        Self { sort: Sort::End, login, step: Step::Begin }
    }

    pub(crate) fn choices(&self) -> Vec<u8> {
        match &self.step {
            Step::Over | Step::Creating(_) | Step::Rotating => vec![],
            Step::FanOut(fan_out) => fan_out.choices(),
            _ => vec![0],
        }
    }

    /// An authorize that stops has answered nothing, and is of no interest.
    pub(crate) fn may_stop(&self) -> bool {
        self.step != Step::Over && self.sort != Sort::Authorize
    }
}

/// `None` where the handler has to wait.
pub(crate) fn step(world: &mut World, place: usize, choice: u8, config: &Config) -> Option<()> {
    let Handler { sort, login, step } = world.handlers[place].clone();
    let next = match step {
        Step::Begin => match sort {
            Sort::Login => create(world, place, login, config)?,
            Sort::Change => change(world, config)?,
            Sort::Refresh => rotate(world, place, login, config),
            Sort::End => end(world, login)?,
            Sort::Authorize => return None,
        },
        Step::FanOut(fan_out) => fan_out::step(world, place, fan_out, choice, config)?,
        Step::ReadLogin { must, again } => Step::ReadCopy { must, again, seen: world.tables.login(login) },
        Step::ReadCopy { must, again, seen } => authorize(world, login, must, again, seen, config),
        Step::Sweep => {
            if world.tables.is_locked(Key::Copy(login)) {
                return None;
            }
            world.tables.items.remove(&Key::Copy(login));
            Step::Over
        }
        Step::Creating(_) | Step::Rotating | Step::Over => return None,
    };
    world.handlers[place].step = next;
    Some(())
}

/// Reads the register, and sends what builds on it.
fn create(world: &mut World, place: usize, login: u8, config: &Config) -> Option<Step> {
    let register = world.tables.register()?;
    let item = Login::at(world.now, register.attributes > 0);
    let mut operations = vec![
        Operation { key: Key::Register, condition: Condition::Version(register.version), write: Write::Name(login) },
        Operation { key: Key::Login(login), condition: Condition::Absent, write: Write::Put(Item::Login(item)) },
    ];
    if register.attributes > 0 {
        let copy = Copied { attributes: register.attributes, version: register.version, ttl: item.copy_ttl(config) };
        operations.push(Operation { key: Key::Copy(login), condition: Condition::Absent, write: Write::Put(Item::Copy(copy)) });
    }
    if !config.is(Weakness::PredecessorUnchecked) {
        operations.push(Operation { key: Key::Login(register.last_login), condition: Condition::Always, write: Write::Nothing });
    }
    world.tables.send(place, operations);
    Some(Step::Creating(register))
}

/// Moves the register, which returns what it says.
fn change(world: &mut World, config: &Config) -> Option<Step> {
    if world.tables.is_locked(Key::Register) {
        return None;
    }
    let before = world.tables.register()?;
    let version = before.version + 1;
    let pending = (!config.is(Weakness::NothingPending)).then_some(version);
    let register = Register { version, attributes: version, pending, ..before };
    world.tables.items.insert(Key::Register, Item::Register(register));
    Some(Step::FanOut(FanOut::of(register)))
}

fn rotate(world: &mut World, place: usize, login: u8, config: &Config) -> Step {
    let Some(item) = world.tables.login(login).filter(|item| world.now < item.expires_at) else { return Step::Over };
    let rotated = item.rotated(world.now);
    let mut operations = vec![Operation {
        key: Key::Login(login),
        condition: Condition::Generation(item.generation),
        write: Write::Put(Item::Login(rotated)),
    }];
    if let Some(copy) = world.tables.copy(login)
        && copy.ttl < rotated.least_ttl()
        && !config.is(Weakness::TtlOfTheLogin)
    {
        let ttl = Write::Ttl(rotated.copy_ttl(config));
        operations.push(Operation { key: Key::Copy(login), condition: Condition::Exists, write: ttl });
    }
    world.tables.send(place, operations);
    Step::Rotating
}

fn end(world: &mut World, login: u8) -> Option<Step> {
    if world.tables.is_locked(Key::Login(login)) {
        return None;
    }
    world.tables.items.remove(&Key::Login(login));
    Some(Step::Sweep)
}

fn authorize(world: &mut World, login: u8, must: u8, again: bool, seen: Option<Login>, config: &Config) -> Step {
    // Refused: whether a login is allowed comes first.
    let Some(seen) = seen else { return Step::Over };
    let attributes = match world.tables.copy(login) {
        Some(copy) => copy.attributes,
        None if !seen.has_attributes || config.is(Weakness::UnseenIsNone) => 0,
        None if again => return Step::Over,
        None => return Step::ReadLogin { must, again: true },
    };
    world.stale |= attributes < must;
    Step::Over
}

/// A transaction is over.
pub(crate) fn hear(world: &mut World, place: usize, outcome: Outcome) {
    let next = match (world.handlers[place].step.clone(), outcome) {
        // It completes what a stopped change began.
        (Step::Creating(register), Outcome::Done) if register.pending.is_some() => Step::FanOut(FanOut::of(register)),
        (Step::Creating(_) | Step::Rotating, Outcome::Done) => Step::Over,
        (Step::Creating(_) | Step::Rotating, Outcome::ReadAgain) => Step::Begin,
        (Step::FanOut(fan_out), outcome) => fan_out::hear(fan_out, outcome),
        (step, _) => step,
    };
    world.handlers[place].step = next;
}
