//! Transactions as DynamoDB runs them: each item is prepared (its condition checked, the item locked against other
//! writes), and when all are, the outcome is settled and each is committed, one by one. Reads are never held up: until its
//! own commit an item shows what it was, so a query can see one item from before and another from after.
//!
//! ATC '23, "Distributed Transactions at Scale in Amazon DynamoDB", section 3.

use crate::{
    config::{Config, Weakness},
    table::{Hashed, Item, Key, LoginItem, Register, SessionItem, Table, Tick, Token, User},
};

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Transaction {
    /// Which request sent it.
    pub(crate) request: u8,
    /// Whether that request still waits for its answer.
    pub(crate) awaited: bool,
    pub(crate) born: Tick,
    pub(crate) kind: Kind,
    /// Bits of the items that are prepared, and of those that are committed.
    pub(crate) prepared: u8,
    pub(crate) committed: u8,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Rotate { presented: Token, next: LoginItem, successor: SessionItem },
    CreateLogin(CreateLogin),
    ChangePassword { user: u8 },
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct CreateLogin {
    pub(crate) login: u8,
    pub(crate) session: SessionItem,
    /// The password that it was verified by; none where the back office issues it.
    pub(crate) user: Option<u8>,
    pub(crate) register: Option<Register>,
    /// `None` where no read looked for it.
    pub(crate) predecessor_seen: Option<bool>,
    pub(crate) replaced: Vec<u8>,
    /// What the device's item named, where there is a device.
    pub(crate) device: Option<Option<u8>>,
    /// The login that the user changes the password by: it is among the replaced, and must be there. The users item gets the new
    /// password.
    pub(crate) changes: Option<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Operation {
    pub(crate) key: Key,
    pub(crate) condition: Condition,
    pub(crate) write: Write,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition {
    Always,
    Exists,
    Absent,
    /// `generation = :current`, which no absent item fulfils; the weakened form takes an absent one.
    Generation {
        is: u8,
        or_absent: bool,
    },
    Minter(u8),
    UserVersion(u8),
    RegisterVersion(u8),
    Names(u8),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Write {
    Nothing,
    Put(Item),
    Delete,
    /// Version + 1, whatever it is.
    BumpRegister,
    /// The same, and `blocked_at`; a register that isn't there is made.
    BlockRegister,
    /// `blocked_at` alone, where a control leaves the version as it is.
    BlockRegisterOnly,
}

impl Condition {
    pub(crate) fn holds(self, item: Option<Item>) -> bool {
        match (self, item) {
            (Self::Always, _) => true,
            (Self::Exists, item) => item.is_some(),
            (Self::Absent, item) => item.is_none(),
            (Self::Generation { is, .. }, Some(Item::Login(login))) => login.generation == is,
            (Self::Generation { or_absent, .. }, None) => or_absent,
            (Self::Minter(minter), Some(Item::Session(session))) => session.minter == minter,
            (Self::UserVersion(is), Some(Item::User(user))) => user.version == is,
            (Self::RegisterVersion(is), Some(Item::Register(register))) => register.version == is,
            (Self::Names(is), Some(Item::Device(login))) => login == is,
            (Self::Generation { .. } | Self::Minter(_) | Self::UserVersion(_) | Self::RegisterVersion(_) | Self::Names(_), _) => false,
        }
    }
}

impl Kind {
    /// Its items, each key once.
    pub(crate) fn operations(&self, config: &Config) -> Vec<Operation> {
        match self {
            Self::Rotate { presented, next, successor } => rotation(*presented, *next, *successor, config),
            Self::CreateLogin(creation) => creation.operations(config),
            Self::ChangePassword { user } => vec![
                Operation {
                    key: Key::User,
                    condition: Condition::UserVersion(*user),
                    write: Write::Put(Item::User(User { version: user + 1, hash: Hashed { password: user + 1, foreign: false } })),
                },
                Operation { key: Key::Register, condition: Condition::Always, write: Write::BumpRegister },
            ],
        }
    }
}

impl CreateLogin {
    fn operations(&self, config: &Config) -> Vec<Operation> {
        let Self { login, session, user, register, predecessor_seen, replaced, device, changes } = self;
        let version = register.map_or(1, |register| register.version + 1);
        let blocked = register.is_some_and(|register| register.blocked);
        let next = Item::Register(Register { version, last_login: *login, blocked });
        let unmoved = register.map_or(Condition::Absent, |register| Condition::RegisterVersion(register.version));
        let mut operations = vec![Operation { key: Key::Register, condition: unmoved, write: Write::Put(next) }];
        operations.extend(user.map(|user| {
            let next = Write::Put(Item::User(User { version: user + 1, hash: Hashed { password: user + 1, foreign: false } }));
            let write = if changes.is_some() { next } else { Write::Nothing };
            Operation { key: Key::User, condition: Condition::UserVersion(user), write }
        }));
        operations.extend([
            create(Key::Login(*login), Item::Login(LoginItem::NEW)),
            create(Key::Session { login: *login, generation: 0 }, Item::Session(*session)),
        ]);
        let predecessor = register.map(|register| register.last_login).filter(|_| !config.is(Weakness::LoginWithoutPredecessor));
        let as_seen = predecessor_seen.filter(|_| !config.is(Weakness::LimitForgetsPredecessor));
        if let Some(login) = predecessor.filter(|login| !replaced.contains(login)) {
            let condition = match as_seen {
                Some(true) => Condition::Exists,
                Some(false) => Condition::Absent,
                // It holds, and still waits for a transaction that has the item.
                None => Condition::Always,
            };
            operations.push(Operation { key: Key::Login(login), condition, write: Write::Nothing });
        }
        operations.extend(replaced.iter().map(|login| {
            let is_predecessor = as_seen.is_some() && predecessor == Some(*login);
            let condition = if is_predecessor || *changes == Some(*login) { Condition::Exists } else { Condition::Always };
            Operation { key: Key::Login(*login), condition, write: Write::Delete }
        }));
        operations.extend(device.map(|seen| {
            let as_read = seen.map_or(Condition::Absent, Condition::Names);
            let condition = if config.is(Weakness::DeviceUnasked) { Condition::Always } else { as_read };
            Operation { key: Key::Device, condition, write: Write::Put(Item::Device(*login)) }
        }));
        operations
    }
}

fn create(key: Key, item: Item) -> Operation {
    Operation { key, condition: Condition::Absent, write: Write::Put(item) }
}

fn rotation(presented: Token, next: LoginItem, successor: SessionItem, config: &Config) -> Vec<Operation> {
    let Token { login, generation, minter } = presented;
    let unconditional = config.is(Weakness::RotationUnconditional);
    let at = if unconditional {
        Condition::Exists
    } else {
        Condition::Generation { is: generation, or_absent: config.is(Weakness::RotationRevives) }
    };
    vec![
        Operation { key: Key::Login(login), condition: at, write: Write::Put(Item::Login(next)) },
        Operation {
            key: Key::Session { login, generation },
            condition: if unconditional { Condition::Always } else { Condition::Minter(minter) },
            write: Write::Delete,
        },
        create(Key::Session { login, generation: generation + 1 }, Item::Session(successor)),
    ]
}

impl Table {
    pub(crate) fn write(&mut self, key: Key, write: Write) {
        match write {
            Write::Nothing => {}
            Write::Put(item) => self.put(key, item),
            Write::Delete => self.delete(key),
            Write::BumpRegister => {
                if let Some(register) = self.register() {
                    self.put(Key::Register, Item::Register(Register { version: register.version + 1, ..register }));
                }
            }
            Write::BlockRegister | Write::BlockRegisterOnly => {
                let absent = Register { version: 0, last_login: Register::NO_LOGIN, blocked: false };
                let register = self.register().unwrap_or(absent);
                let version = if write == Write::BlockRegister { register.version + 1 } else { register.version.max(1) };
                self.put(Key::Register, Item::Register(Register { version, blocked: true, ..register }));
            }
        }
    }
}

impl Transaction {
    pub(crate) fn all(operations: &[Operation]) -> u8 {
        u8::MAX >> (8 - operations.len())
    }

    /// Whether it keeps other writes off `key`.
    pub(crate) fn locks(&self, key: Key, config: &Config) -> bool {
        let held = self.prepared & !self.committed;
        held != 0 && self.kind.operations(config).iter().enumerate().any(|(place, each)| held & (1 << place) != 0 && each.key == key)
    }
}
