//! The model: actions, and what each does to the world.

use std::sync::atomic::{AtomicU32, Ordering};

use stateright::{Model, Property};

use crate::{
    authorizer::Authorization,
    config::Config,
    end::{EndAll, EndOne},
    login::LoginRequest,
    notice::{Notice, Noticed},
    properties::properties,
    refresh::Refresh,
    table::{Key, Tick, Token},
    transaction::Transaction,
    world::{Outcome, Party, Request, World, learn, number},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Refresh(Party, Token),
    Authorize(Token, Tick),
    Logout(Token),
    EndListed(u8),
    Login,
    Issue,
    Everywhere,
    ChangePassword,
    /// By the user, with this login.
    ChangeOwn(u8),
    Block,
    /// A request goes on.
    Step(u8, u8),
    /// A transaction prepares one item, or commits one.
    Prepare(u8, u8),
    Commit(u8, u8),
    /// A transaction prepares and commits all of its items.
    Whole(u8),
    /// Nobody waits for it, and it comes to nothing.
    Vanish(u8),
    LoseAnswer(u8),
    Crash(u8),
    /// A late mark is written.
    Mark(u8),
    /// The row that an end left behind.
    Sweep(Token),
    Copy(Token),
    Tick,
}

pub(crate) struct SessionService {
    pub(crate) config: Config,
    noticed: AtomicU32,
}

impl SessionService {
    pub(crate) fn new(config: Config) -> Self {
        Self { config, noticed: AtomicU32::new(0) }
    }

    pub(crate) fn has_noticed(&self, notice: Notice) -> bool {
        self.noticed.load(Ordering::Relaxed) & notice.bit() != 0
    }

    fn prepare(&self, world: &mut World, place: usize, item: u8) {
        let operations = world.transactions[place].kind.operations(&self.config);
        let operation = operations[usize::from(item)];
        let conflict = world.is_locked(operation.key, &self.config);
        if conflict || !operation.condition.holds(world.table.get(operation.key)) {
            if conflict {
                world.notice(Notice::Conflict);
            }
            let cancelled = world.transactions.remove(place);
            self.tell(world, &cancelled, Outcome::ReadAgain);
            return;
        }
        world.transactions[place].prepared |= 1 << item;
        if world.transactions[place].prepared == Transaction::all(&operations) {
            let settled = world.transactions[place].clone();
            world.settled(&settled);
        }
    }

    fn commit(&self, world: &mut World, place: usize, item: u8) {
        let operations = world.transactions[place].kind.operations(&self.config);
        let operation = operations[usize::from(item)];
        world.table.write(operation.key, operation.write);
        world.transactions[place].committed |= 1 << item;
        if world.transactions[place].committed == Transaction::all(&operations) {
            let done = world.transactions.remove(place);
            if !done.awaited && done.born < world.now {
                world.notice(Notice::LateRotation);
            }
            self.tell(world, &done, Outcome::Done);
        }
    }

    fn whole(&self, world: &mut World, place: usize) {
        let request = world.transactions[place].request;
        let items = world.transactions[place].kind.operations(&self.config).len();
        for item in 0..number(items) {
            self.prepare(world, place, item);
            // Cancelled: it isn't there any more.
            if world.transactions.get(place).is_none_or(|transaction| transaction.request != request) {
                return;
            }
        }
        for item in 0..number(items) {
            self.commit(world, place, item);
        }
    }

    fn tell(&self, world: &mut World, transaction: &Transaction, outcome: Outcome) {
        if transaction.awaited {
            self.hear(world, usize::from(transaction.request), outcome);
        }
    }

    fn hear(&self, world: &mut World, place: usize, outcome: Outcome) {
        world.requests[place] = match world.requests[place].clone() {
            Request::Refresh(refresh) => refresh.hear(world, place, outcome, &self.config),
            Request::Login(login) => login.hear(world, place, outcome, &self.config),
            Request::EndAll(end) => end.hear(world, outcome),
            other => other,
        };
    }

    fn step(&self, world: &mut World, place: usize, choice: u8) -> Option<()> {
        let next = match world.requests[place].clone() {
            Request::Refresh(refresh) => refresh.step(world, place, choice, &self.config)?,
            Request::Authorize(authorization) => authorization.step(world, choice, &self.config),
            Request::EndOne(end) => end.step(world, &self.config)?,
            Request::Login(login) => login.step(world, place, choice, &self.config),
            Request::EndAll(end) => end.step(world, place, choice, &self.config)?,
            Request::Over(_) => return None,
        };
        world.requests[place] = next;
        Some(())
    }

    fn abandon(world: &mut World, place: u8) {
        for transaction in world.transactions.iter_mut().filter(|transaction| transaction.request == place) {
            transaction.awaited = false;
        }
    }
}

impl Model for SessionService {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World::at_the_start(&self.config)]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        if world.flaw.is_none() {
            self.arrivals(world, actions);
            self.progress(world, actions);
            self.around(world, actions);
        }
    }

    fn next_state(&self, last: &World, action: Action) -> Option<World> {
        let mut world = World { noticed: Noticed::default(), ..last.clone() };
        match action {
            Action::Refresh(by, token) => world.requests.push(Request::Refresh(Refresh::arrive(last, by, token, &self.config))),
            Action::Authorize(token, shown) => world.requests.push(Request::Authorize(Authorization::arrive(last, token, shown))),
            Action::Logout(token) => world.requests.push(Request::EndOne(EndOne::logout(last, token))),
            Action::EndListed(login) => world.requests.push(Request::EndOne(EndOne::listed(last, login))),
            Action::Login => {
                world.requests.push(Request::Login(LoginRequest::arrive(last)));
                world.begin_login();
            }
            Action::ChangeOwn(own) => {
                world.requests.push(Request::Login(LoginRequest::change(last, own)));
                world.begin_login();
            }
            Action::Issue => {
                world.requests.push(Request::Login(LoginRequest::issue(last)));
                world.begin_login();
            }
            Action::Block => world.requests.push(Request::EndAll(EndAll::block(last))),
            Action::Everywhere => world.requests.push(Request::EndAll(EndAll::everywhere(last))),
            Action::ChangePassword => world.requests.push(Request::EndAll(EndAll::password_change(last))),
            Action::Step(place, choice) => self.step(&mut world, usize::from(place), choice)?,
            Action::Prepare(place, item) => self.prepare(&mut world, usize::from(place), item),
            Action::Commit(place, item) => self.commit(&mut world, usize::from(place), item),
            Action::Whole(place) => self.whole(&mut world, usize::from(place)),
            Action::Vanish(place) => drop(world.transactions.remove(usize::from(place))),
            Action::LoseAnswer(place) => {
                world.lost_answers += 1;
                Self::abandon(&mut world, place);
                self.hear(&mut world, usize::from(place), Outcome::ReadAgain);
            }
            Action::Crash(place) => {
                world.crashes += 1;
                Self::abandon(&mut world, place);
                world.requests[usize::from(place)] = Request::Over(last.requests[usize::from(place)].sort());
            }
            Action::Mark(place) => {
                let mark = world.marks.remove(usize::from(place));
                world.notice(Notice::LateMark);
                world.write_mark(mark, &self.config);
            }
            Action::Sweep(Token { login, generation, .. }) => world.table.delete(Key::Session { login, generation }),
            Action::Copy(token) => {
                world.copied = true;
                learn(&mut world.thief, token);
            }
            Action::Tick => world.now += self.config.step,
        }
        self.noticed.fetch_or(world.noticed.0, Ordering::Relaxed);
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties()
    }
}
