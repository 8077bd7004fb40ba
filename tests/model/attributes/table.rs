//! The items, and the transactions under way.

use std::collections::BTreeMap;

use super::{Config, Weakness};

/// How many ticks a login lives without a refresh.
const LIFETIME: u8 = 2;
/// How much longer than its login's a copy is kept.
const KEPT: u8 = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Key {
    Register,
    Login(u8),
    Copy(u8),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Item {
    Register(Register),
    Login(Login),
    Copy(Copied),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Register {
    pub(crate) version: u8,
    pub(crate) last_login: u8,
    /// The user's attributes, by the version that the register had when they were set; 0 is none.
    pub(crate) attributes: u8,
    pub(crate) pending: Option<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Login {
    pub(crate) has_attributes: bool,
    pub(crate) generation: u8,
    pub(crate) expires_at: u8,
}

/// A login's copy of the user's attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Copied {
    pub(crate) attributes: u8,
    /// The version of the register that it was copied at.
    pub(crate) version: u8,
    pub(crate) ttl: u8,
}

impl Login {
    pub(crate) fn at(now: u8, has_attributes: bool) -> Self {
        Self { has_attributes, generation: 0, expires_at: now + LIFETIME }
    }

    pub(crate) fn rotated(self, now: u8) -> Self {
        Self { generation: self.generation + 1, expires_at: now + LIFETIME, ..self }
    }

    /// The `ttl` of a copy that is written now.
    pub(crate) fn copy_ttl(self, config: &Config) -> u8 {
        self.least_ttl() + if config.is(Weakness::TtlOfTheLogin) { 0 } else { KEPT }
    }

    /// A copy that is collected before this is missed.
    pub(crate) fn least_ttl(self) -> u8 {
        self.expires_at
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Operation {
    pub(crate) key: Key,
    pub(crate) condition: Condition,
    pub(crate) write: Write,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Condition {
    Always,
    Exists,
    Absent,
    Version(u8),
    Generation(u8),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Write {
    Nothing,
    /// Version + 1, and the last login. The rest of the register stays.
    Name(u8),
    Put(Item),
    /// The login has attributes from now on.
    Announce,
    /// The rest of the copy stays.
    Ttl(u8),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Transaction {
    /// The handler that waits for it.
    pub(crate) awaited_by: Option<usize>,
    operations: Vec<Operation>,
    prepared: usize,
    /// Bits of the items that are committed.
    committed: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    ReadAgain,
}

impl Transaction {
    pub(crate) fn choices(&self) -> Vec<usize> {
        if self.prepared < self.operations.len() {
            return vec![self.prepared];
        }
        (0..self.operations.len()).filter(|item| self.committed & (1 << item) == 0).collect()
    }

    fn locks(&self, key: Key) -> bool {
        let held = self.operations.iter().take(self.prepared).enumerate();
        held.filter(|(item, _)| self.committed & (1 << item) == 0).any(|(_, operation)| operation.key == key)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Tables {
    pub(crate) items: BTreeMap<Key, Item>,
    pub(crate) transactions: Vec<Transaction>,
}

impl Tables {
    /// Login 0 is there, at the register's version 1.
    pub(crate) fn at_the_start(has_attributes: bool, config: &Config) -> Self {
        let attributes = u8::from(has_attributes);
        let login = Login::at(0, has_attributes);
        let register = Register { version: 1, last_login: 0, attributes, pending: None };
        let mut items = BTreeMap::from([(Key::Register, Item::Register(register)), (Key::Login(0), Item::Login(login))]);
        if has_attributes {
            items.insert(Key::Copy(0), Item::Copy(Copied { attributes, version: 1, ttl: login.copy_ttl(config) }));
        }
        Self { items, transactions: Vec::new() }
    }

    pub(crate) fn register(&self) -> Option<Register> {
        if let Some(Item::Register(register)) = self.items.get(&Key::Register) { Some(*register) } else { None }
    }

    pub(crate) fn login(&self, login: u8) -> Option<Login> {
        if let Some(Item::Login(item)) = self.items.get(&Key::Login(login)) { Some(*item) } else { None }
    }

    pub(crate) fn copy(&self, login: u8) -> Option<Copied> {
        if let Some(Item::Copy(item)) = self.items.get(&Key::Copy(login)) { Some(*item) } else { None }
    }

    pub(crate) fn is_locked(&self, key: Key) -> bool {
        self.transactions.iter().any(|transaction| transaction.locks(key))
    }

    pub(crate) fn send(&mut self, handler: usize, operations: Vec<Operation>) {
        self.transactions.push(Transaction { awaited_by: Some(handler), operations, prepared: 0, committed: 0 });
    }

    fn holds(&self, operation: Operation) -> bool {
        match (operation.condition, self.items.get(&operation.key)) {
            (Condition::Always, _) | (Condition::Exists, Some(_)) | (Condition::Absent, None) => true,
            (Condition::Version(is), Some(Item::Register(register))) => register.version == is,
            (Condition::Generation(is), Some(Item::Login(login))) => login.generation == is,
            _ => false,
        }
    }

    fn write(&mut self, operation: Operation) {
        let changed = match (operation.write, self.items.get(&operation.key)) {
            (Write::Put(item), _) => item,
            (Write::Name(last_login), Some(Item::Register(register))) => {
                Item::Register(Register { version: register.version + 1, last_login, ..*register })
            }
            (Write::Announce, Some(Item::Login(login))) => Item::Login(Login { has_attributes: true, ..*login }),
            (Write::Ttl(ttl), Some(Item::Copy(copy))) => Item::Copy(Copied { ttl, ..*copy }),
            _ => return,
        };
        self.items.insert(operation.key, changed);
    }

    /// Prepares or commits one item. Says which handler hears of it, if it is over.
    pub(crate) fn advance(&mut self, place: usize, item: usize) -> Option<(usize, Outcome)> {
        let transaction = self.transactions[place].clone();
        let operation = transaction.operations[item];
        if transaction.prepared < transaction.operations.len() {
            if self.is_locked(operation.key) || !self.holds(operation) {
                self.transactions.remove(place);
                return transaction.awaited_by.map(|handler| (handler, Outcome::ReadAgain));
            }
            self.transactions[place].prepared += 1;
            return None;
        }
        self.write(operation);
        self.transactions[place].committed |= 1 << item;
        if self.transactions[place].choices().is_empty() {
            self.transactions.remove(place);
            return transaction.awaited_by.map(|handler| (handler, Outcome::Done));
        }
        None
    }
}
