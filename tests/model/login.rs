//! The login handler, from the verified password on: read, decide, write, and read again, as
//! `shared/src/operations/create_login.rs` does.

use crate::{
    config::{Config, Weakness},
    end::EndAll,
    notice::Notice,
    oracle::{self, LoginQuestion, LoginVerdict},
    promise::Flaw,
    table::{Hashed, Item, Key, Register, SessionItem, Tick, Token, User},
    transaction::{CreateLogin, Kind},
    world::{Outcome, Request, Sort, World, learn, number},
};

/// Reads of the users item, the register and the device's item; the others are of the login with that number, and of its own
/// session.
const USER: u8 = 8;
const REGISTER: u8 = 9;
const OWN_SESSION: u8 = 10;
const DEVICE: u8 = 11;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct LoginRequest {
    login: u8,
    pub(crate) now: Tick,
    /// The version of the users item that the password was verified against; none where the back office issues the login, which
    /// doesn't read that item.
    user: Option<u8>,
    /// The hash that it was verified against, where another system made it: to be replaced once the login is written.
    foreign: Option<Hashed>,
    /// The register's version that its last transaction was sent at; before one was, nothing of its own can be there.
    sent_at: Option<u8>,
    /// What rode along in the last one.
    replaced: Vec<u8>,
    /// The user changes their password, and this is the login of the session that they do it by.
    changes: Option<u8>,
    /// Bits of the logins that such a change has to end.
    pub(crate) before: u8,
    step: Step,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Step {
    Read(Reading),
    Wait,
    Answered,
}

/// The register first, then its own items, and under a limit all logins, in any order. The users item and the device's are read
/// beside them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Reading {
    user: Option<u8>,
    register: Option<Option<Register>>,
    device: Option<Option<u8>>,
    /// Bits of what is still to be read after the register, and of the logins seen.
    left: u16,
    found: u8,
    own_session: bool,
}

impl Reading {
    const NOTHING: Self = Self { user: None, register: None, device: None, left: 0, found: 0, own_session: false };
}

impl LoginRequest {
    /// The password has just been verified.
    pub(crate) fn arrive(world: &World) -> Self {
        let user = Some(world.table.user());
        let reading = Reading { user, ..Reading::NOTHING };
        Self {
            login: world.logins_begun,
            now: world.now,
            user,
            foreign: world.table.hash().filter(|hash| hash.foreign),
            sent_at: None,
            replaced: Vec::new(),
            changes: None,
            before: 0,
            step: Step::Read(reading),
        }
    }

    /// The same, and the user has sent a new one.
    pub(crate) fn change(world: &World, own: u8) -> Self {
        Self { changes: Some(own), ..Self::arrive(world) }
    }

    /// A caller of the back office has authenticated the user.
    pub(crate) fn issue(world: &World) -> Self {
        let reading = Reading { user: Some(0), ..Reading::NOTHING };
        Self {
            login: world.logins_begun,
            now: world.now,
            user: None,
            foreign: None,
            sent_at: None,
            replaced: Vec::new(),
            changes: None,
            before: 0,
            step: Step::Read(reading),
        }
    }

    pub(crate) fn sort(&self) -> Sort {
        match self.user {
            Some(_) if self.changes.is_some() => Sort::OwnChange,
            Some(_) => Sort::Login,
            None => Sort::Issue,
        }
    }

    pub(crate) fn under_way(&self) -> bool {
        self.step != Step::Answered
    }

    pub(crate) fn waits(&self) -> bool {
        self.step == Step::Wait
    }

    pub(crate) fn choices(&self, config: &Config) -> Vec<u8> {
        match &self.step {
            Step::Read(reading) => {
                let mut choices: Vec<u8> = (0..=OWN_SESSION).filter(|item| reading.left & (1_u16 << item) != 0).collect();
                if reading.user.is_none() {
                    choices.push(USER);
                }
                if reading.register.is_none() {
                    choices.push(REGISTER);
                }
                if reading.device.is_none() && config.one_device {
                    choices.push(DEVICE);
                }
                choices
            }
            Step::Wait => vec![],
            Step::Answered => vec![0],
        }
    }

    pub(crate) fn step(mut self, world: &mut World, place: usize, choice: u8, config: &Config) -> Request {
        let relevant = self.relevant(world, config);
        let Step::Read(reading) = &mut self.step else {
            // The hash is replaced first, and the answer doesn't depend on it.
            if let Some((verified, version)) = self.foreign.take().zip(self.user) {
                world.replace_hash(verified, version, config);
                return Request::Login(self);
            }
            learn(&mut world.client, self.first(place));
            return Request::Over(self.sort());
        };
        reading.left &= !(1 << choice);
        match choice {
            USER => reading.user = Some(world.table.user()),
            DEVICE => reading.device = Some(world.table.device()),
            REGISTER => {
                reading.register = Some(world.table.register());
                reading.left = relevant;
            }
            OWN_SESSION => reading.own_session = world.table.session(self.login, 0).is_some(),
            login if world.table.login(login).is_some() => reading.found |= 1 << login,
            _ => {}
        }
        if let Step::Read(reading) = &self.step
            && reading.left == 0
            && (reading.device.is_some() || !config.one_device)
            && let (Some(user), Some(register)) = (reading.user, reading.register)
        {
            let reading = reading.clone();
            return self.decide(world, place, user, register, &reading, config);
        }
        Request::Login(self)
    }

    fn first(&self, place: usize) -> Token {
        Token { login: self.login, generation: 0, minter: number(place) }
    }

    /// Without a limit a decision depends on its own login alone, once it was sent.
    fn relevant(&self, world: &World, config: &Config) -> u16 {
        let own = if self.sent_at.is_some() { 1_u16 << self.login | 1 << OWN_SESSION } else { 0 };
        match config.max_logins {
            Some(_) => own | ((1 << world.logins_begun) - 1),
            None => own,
        }
    }

    fn decide(
        mut self,
        world: &mut World,
        place: usize,
        user: u8,
        register: Option<Register>,
        reading: &Reading,
        config: &Config,
    ) -> Request {
        // Its own commit: no other request of such a world changes the password.
        let committed = self.changes.is_some() && self.sent_at.is_some() && self.user.is_some_and(|verified| verified + 1 == user);
        if self.user.is_some_and(|verified| verified != user) && !committed {
            // Verified again, and by now another password is right.
            world.notice(Notice::LoginRefused);
            return Request::Over(self.sort());
        }
        let register =
            register.map(|register| Register { blocked: register.blocked && !config.is(Weakness::LoginIgnoresBlock), ..register });
        let question = LoginQuestion {
            own: self.login,
            minter: number(place),
            register,
            logins: (0..8).filter(|login| reading.found & (1 << login) != 0).collect(),
            own_session: reading.own_session,
            limit: config.max_logins,
            device: reading.device,
        };
        match oracle::login(question) {
            LoginVerdict::Blocked => {
                world.notice(Notice::LoginBlocked);
                return Request::Over(self.sort());
            }
            LoginVerdict::Committed => return self.answer(world, place, config),
            LoginVerdict::Torn => {
                world.notice(Notice::LoginTorn);
                self.read_again();
            }
            LoginVerdict::Create { predecessor_seen, mut replaced } => {
                if config.is(Weakness::LimitDeletesNothing) {
                    replaced.clear();
                }
                let changes = self.changes.filter(|_| !committed);
                replaced.extend(changes.filter(|own| !replaced.contains(own)));
                let version = register.map_or(0, |register| register.version);
                if !config.is(Weakness::SameLoginAgain) && self.sent_at.is_some_and(|sent_at| sent_at != version) {
                    self.login = world.logins_begun;
                    world.begin_login();
                }
                self.sent_at = Some(version);
                self.replaced.clone_from(&replaced);
                let session = SessionItem { minter: number(place), predecessor: None };
                let device = reading.device;
                let by = if committed { Some(user) } else { self.user };
                let creation = CreateLogin { login: self.login, session, user: by, register, predecessor_seen, replaced, device, changes };
                world.submit(place, Kind::CreateLogin(creation));
                self.step = Step::Wait;
            }
        }
        Request::Login(self)
    }

    fn read_again(&mut self) {
        let user = if self.user.is_some() { None } else { Some(0) };
        self.step = Step::Read(Reading { user, ..Reading::NOTHING });
    }

    fn answer(mut self, world: &mut World, place: usize, config: &Config) -> Request {
        world.notice(Notice::Login);
        world.promised.answered |= 1 << self.login;
        world.check_works(self.first(place), config);
        if let (Some(_), Some(old)) = (self.changes, self.user) {
            return Request::EndAll(EndAll::others(world, self.now, old, self.before, self.login, config));
        }
        self.replaced.clear();
        self.step = Step::Answered;
        Request::Login(self)
    }

    pub(crate) fn hear(mut self, world: &mut World, place: usize, outcome: Outcome, config: &Config) -> Request {
        match outcome {
            Outcome::Done => {
                // Acknowledged with it, unless the replaced login has been made anew since.
                let replaced = self.replaced.iter().fold(0, |bits, login| bits | 1 << login);
                world.promised.ended |= replaced & world.promised.ending;
                self.answer(world, place, config)
            }
            Outcome::ReadAgain => {
                self.read_again();
                Request::Login(self)
            }
        }
    }
}

impl World {
    /// Replaces the hash that was verified, unless a transaction holds the user. The version stays.
    fn replace_hash(&mut self, verified: Hashed, version: u8, config: &Config) {
        let Some(Item::User(there)) = self.table.get(Key::User) else { return };
        let as_read = (there.version, there.hash) == (version, verified) || config.is(Weakness::HashUnasked);
        if self.is_locked(Key::User, config) || !as_read {
            self.notice(Notice::HashKept);
            return;
        }
        if verified.password < there.hash.password {
            self.flawed(Flaw::PasswordSetBack);
        }
        let hash = Hashed { foreign: false, ..verified };
        self.table.put(Key::User, Item::User(User { hash, ..there }));
        self.notice(Notice::HashReplaced);
    }
}
