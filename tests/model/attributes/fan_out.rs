//! Writing a user's attributes into the copies of their logins, as `shared/src/operations/attributes.rs` does.

use super::{
    Config, Weakness, World,
    handlers::{Sort, Step},
    table::{Condition, Copied, Item, Key, Login, Operation, Outcome, Register, Write},
};

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct FanOut {
    /// The register as it was read, or as the change left it.
    register: Register,
    /// Bits of the logins that were seen to announce attributes.
    announced: u8,
    stage: Stage,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Stage {
    /// The query is at this login. Bits of those that it has found.
    Query {
        at: u8,
        found: u8,
    },
    /// The copy is written, but the query didn't see the login announce it. Another transaction that does may be in mid-commit:
    ///
    /// 1. That transaction has written the copy, and not yet the login.
    /// 2. This change finds the copy, and is acknowledged.
    /// 3. An authorize reads the login, which announces nothing.
    /// 4. The login is ended, and its copy swept. The authorize sees no copy.
    Announce {
        left: u8,
        login: u8,
    },
    /// Bits of the logins whose copies are to be written.
    Write {
        left: u8,
    },
    /// A login has no copy. It is read next.
    Absent {
        left: u8,
        login: u8,
    },
    /// A transaction announces attributes on a login, and puts its copy.
    Announcing {
        left: u8,
        login: u8,
    },
    /// A transaction checks that a login is gone.
    Checking {
        left: u8,
        login: u8,
    },
    Complete,
}

/// As many logins as any world has.
const LOGINS: u8 = 3;

impl FanOut {
    pub(crate) fn of(register: Register) -> Self {
        Self { register, announced: 0, stage: Stage::Query { at: 0, found: 0 } }
    }

    pub(crate) fn choices(&self) -> Vec<u8> {
        match self.stage {
            Stage::Write { left } => (0..LOGINS).filter(|login| left & (1 << login) != 0).collect(),
            Stage::Announcing { .. } | Stage::Checking { .. } => vec![],
            Stage::Query { .. } | Stage::Announce { .. } | Stage::Absent { .. } | Stage::Complete => vec![0],
        }
    }

    fn then(&self, stage: Stage) -> Step {
        let stage = if let Stage::Write { left: 0 } = stage { Stage::Complete } else { stage };
        Step::FanOut(Self { stage, ..self.clone() })
    }
}

/// `None` where a transaction holds the item.
pub(crate) fn step(world: &mut World, place: usize, mut fan_out: FanOut, choice: u8, config: &Config) -> Option<Step> {
    Some(match fan_out.stage {
        Stage::Query { at, found } => {
            let login = world.tables.login(at);
            let found = if login.is_some() { found | 1 << at } else { found };
            fan_out.announced |= u8::from(login.is_some_and(|login| login.has_attributes)) << at;
            if at + 1 < LOGINS {
                fan_out.then(Stage::Query { at: at + 1, found })
            } else {
                let named = if config.is(Weakness::NamedLoginLeftOut) { 0 } else { 1 << fan_out.register.last_login };
                fan_out.then(Stage::Write { left: found | named })
            }
        }
        Stage::Write { left } => write(world, &fan_out, left, choice, config)?,
        Stage::Announce { left, login } => announce(world, &fan_out, left, login)?,
        Stage::Absent { left, login } => absent(world, place, &fan_out, left, login, config),
        Stage::Complete => complete(world, place, &fan_out, config)?,
        Stage::Announcing { .. } | Stage::Checking { .. } => return None,
    })
}

/// One conditional update of the copy alone.
fn write(world: &mut World, fan_out: &FanOut, left: u8, login: u8, config: &Config) -> Option<Step> {
    let key = Key::Copy(login);
    if world.tables.is_locked(key) {
        return None;
    }
    let Some(copy) = world.tables.copy(login) else { return Some(fan_out.then(Stage::Absent { left, login })) };
    let Register { version, attributes, .. } = fan_out.register;
    if copy.version < version || config.is(Weakness::CopyOverNewer) {
        world.tables.items.insert(key, Item::Copy(Copied { attributes, version, ..copy }));
    }
    if fan_out.announced & (1 << login) == 0 && !config.is(Weakness::AnnouncedUnasked) {
        return Some(fan_out.then(Stage::Announce { left, login }));
    }
    Some(fan_out.then(Stage::Write { left: left & !(1 << login) }))
}

/// One update of the login alone, if it is there.
fn announce(world: &mut World, fan_out: &FanOut, left: u8, login: u8) -> Option<Step> {
    let key = Key::Login(login);
    if world.tables.is_locked(key) {
        return None;
    }
    if let Some(item) = world.tables.login(login) {
        world.tables.items.insert(key, Item::Login(Login { has_attributes: true, ..item }));
    }
    Some(fan_out.then(Stage::Write { left: left & !(1 << login) }))
}

/// The login is read, for its `ttl`. Where it isn't seen it may be in mid-commit, so a transaction has to say that it is gone.
fn absent(world: &mut World, place: usize, fan_out: &FanOut, left: u8, login: u8, config: &Config) -> Step {
    let Some(item) = world.tables.login(login) else {
        if config.is(Weakness::GoneByRead) {
            return fan_out.then(Stage::Write { left: left & !(1 << login) });
        }
        world.tables.send(place, vec![Operation { key: Key::Login(login), condition: Condition::Absent, write: Write::Nothing }]);
        return fan_out.then(Stage::Checking { left, login });
    };
    let Register { version, attributes, .. } = fan_out.register;
    let copy = Copied { attributes, version, ttl: item.copy_ttl(config) };
    let announce = Operation { key: Key::Login(login), condition: Condition::Exists, write: Write::Announce };
    let put = Operation { key: Key::Copy(login), condition: Condition::Absent, write: Write::Put(Item::Copy(copy)) };
    world.tables.send(place, vec![announce, put]);
    fan_out.then(Stage::Announcing { left, login })
}

/// `pending` goes, if it is still that of this change. The change is acknowledged.
fn complete(world: &mut World, place: usize, fan_out: &FanOut, config: &Config) -> Option<Step> {
    if world.tables.is_locked(Key::Register) {
        return None;
    }
    if let Some(register) = world.tables.register()
        && (register.pending == fan_out.register.pending || config.is(Weakness::PendingRemovedBlindly))
    {
        world.tables.items.insert(Key::Register, Item::Register(Register { pending: None, ..register }));
    }
    if world.handlers[place].sort == Sort::Change {
        world.acknowledged = world.acknowledged.max(fan_out.register.attributes);
    }
    Some(Step::Over)
}

pub(crate) fn hear(fan_out: FanOut, outcome: Outcome) -> Step {
    let (Stage::Announcing { left, login } | Stage::Checking { left, login }) = fan_out.stage else { return Step::FanOut(fan_out) };
    match outcome {
        Outcome::Done => fan_out.then(Stage::Write { left: left & !(1 << login) }),
        Outcome::ReadAgain => fan_out.then(Stage::Write { left }),
    }
}
