//! The tables: items under their keys, as little of each as a decision depends on.

/// Time, in ticks of 2.5 s. It matters only as before and after the ends of windows.
pub(crate) type Tick = u8;
/// For so long after the end of a window an old token doesn't end its login yet: 5 s, as in the code.
pub(crate) const TOLERANCE: Tick = 2;
/// How many rotations a login item remembers, as in the code.
pub(crate) const REMEMBERED: usize = latchkey::model::REMEMBERED_ROTATIONS;

/// A pair of tokens, by what makes it unique: whose it is, and the request that drew its seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Token {
    pub(crate) login: u8,
    pub(crate) generation: u8,
    pub(crate) minter: u8,
}

impl Token {
    pub(crate) fn successor(self, minter: u8) -> Self {
        Self { generation: self.generation + 1, minter, ..self }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Key {
    User,
    Register,
    Device,
    Login(u8),
    Session { login: u8, generation: u8 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Item {
    User(User),
    Register(Register),
    /// The login that the item of the one device names.
    Device(u8),
    Login(LoginItem),
    Session(SessionItem),
    /// A mark and nothing else: what an update without a condition leaves where no session is. No read can parse it.
    BareMark,
}

/// The users item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct User {
    pub(crate) version: u8,
    pub(crate) hash: Hashed,
}

/// A password hash: the version that its password came with, and whether another system made the hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Hashed {
    pub(crate) password: u8,
    pub(crate) foreign: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Register {
    pub(crate) version: u8,
    pub(crate) last_login: u8,
    pub(crate) blocked: bool,
}

impl Register {
    /// The login that a register names which a block has made: no login has this number.
    pub(crate) const NO_LOGIN: u8 = 7;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct LoginItem {
    pub(crate) generation: u8,
    /// The ends of the last rotations' replay windows, newest last; unused places are 0.
    pub(crate) windows: [Tick; REMEMBERED],
}

impl LoginItem {
    pub(crate) const NEW: Self = Self { generation: 0, windows: [0; REMEMBERED] };

    /// How many of the places are used.
    pub(crate) fn remembered(&self) -> usize {
        usize::from(self.generation).min(REMEMBERED)
    }

    /// The next generation, with the windows that the decision says it remembers.
    pub(crate) fn rotated(&self, remembered: &[Tick]) -> Self {
        let mut windows = [0; REMEMBERED];
        windows[..remembered.len()].copy_from_slice(remembered);
        Self { generation: self.generation + 1, windows }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SessionItem {
    pub(crate) minter: u8,
    pub(crate) predecessor: Option<Predecessor>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Predecessor {
    /// Who minted the refresh token that was presented.
    pub(crate) minter: u8,
    pub(crate) until: Tick,
    pub(crate) key: Option<u8>,
    /// The session was born to be marked at its first use.
    pub(crate) awaits_use: bool,
    /// The mark: until when the predecessor's token is still answered.
    pub(crate) used_until: Option<Tick>,
}

/// What one query saw of a login; of sessions, each with its generation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Seen {
    pub(crate) login: Option<LoginItem>,
    pub(crate) sessions: Vec<(u8, SessionItem)>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Table(Vec<(Key, Item)>);

impl Table {
    pub(crate) fn get(&self, key: Key) -> Option<Item> {
        self.0.iter().find(|(at, _)| *at == key).map(|(_, item)| *item)
    }

    pub(crate) fn put(&mut self, key: Key, item: Item) {
        match self.0.binary_search_by_key(&key, |(at, _)| *at) {
            Ok(place) => self.0[place].1 = item,
            Err(place) => self.0.insert(place, (key, item)),
        }
    }

    pub(crate) fn delete(&mut self, key: Key) {
        self.0.retain(|(at, _)| *at != key);
    }

    pub(crate) fn user(&self) -> u8 {
        match self.get(Key::User) {
            Some(Item::User(user)) => user.version,
            _ => 0,
        }
    }

    pub(crate) fn hash(&self) -> Option<Hashed> {
        match self.get(Key::User) {
            Some(Item::User(user)) => Some(user.hash),
            _ => None,
        }
    }

    pub(crate) fn register(&self) -> Option<Register> {
        match self.get(Key::Register) {
            Some(Item::Register(register)) => Some(register),
            _ => None,
        }
    }

    pub(crate) fn device(&self) -> Option<u8> {
        match self.get(Key::Device) {
            Some(Item::Device(login)) => Some(login),
            _ => None,
        }
    }

    pub(crate) fn login(&self, login: u8) -> Option<LoginItem> {
        match self.get(Key::Login(login)) {
            Some(Item::Login(item)) => Some(item),
            _ => None,
        }
    }

    pub(crate) fn session(&self, login: u8, generation: u8) -> Option<SessionItem> {
        match self.get(Key::Session { login, generation }) {
            Some(Item::Session(item)) => Some(item),
            _ => None,
        }
    }

    /// Writes the mark of a first use. Its conditions: the session is there, and has no mark.
    pub(crate) fn mark(&mut self, login: u8, generation: u8, until: Tick, without_exists: bool) -> bool {
        let key = Key::Session { login, generation };
        match self.session(login, generation) {
            Some(mut session) => {
                let Some(predecessor) = session.predecessor.as_mut().filter(|predecessor| predecessor.used_until.is_none()) else {
                    return false;
                };
                predecessor.used_until = Some(until);
                self.put(key, Item::Session(session));
                true
            }
            None if without_exists => {
                self.put(key, Item::BareMark);
                false
            }
            None => false,
        }
    }

    pub(crate) fn has_bare_mark(&self) -> bool {
        self.0.iter().any(|(_, item)| *item == Item::BareMark)
    }

    pub(crate) fn sessions(&self, of: u8) -> Vec<(u8, SessionItem)> {
        let session = |(key, item): &(Key, Item)| match (key, item) {
            (Key::Session { login, generation }, Item::Session(session)) if *login == of => Some((*generation, *session)),
            _ => None,
        };
        self.0.iter().filter_map(session).collect()
    }

    /// What a query would see if it saw everything at once.
    pub(crate) fn seen(&self, login: u8) -> Seen {
        Seen { login: self.login(login), sessions: self.sessions(login) }
    }

    /// The logins that have an item, whole or not.
    pub(crate) fn logins(&self) -> impl Iterator<Item = u8> + '_ {
        self.0.iter().filter_map(|(key, _)| match key {
            Key::Login(login) => Some(*login),
            Key::User | Key::Register | Key::Device | Key::Session { .. } => None,
        })
    }
}
