//! A model of attributes, for G10: a change that was acknowledged is seen by every authorize that begins after it.
//!
//! The register holds a user's attributes, and each login has a copy in an item of its own. A change moves the register, then writes
//! the copy of every login: of the one that the register names, and of those that a read begun after the move finds. A copy says at
//! which version of the register it was made, and is only ever written over by a newer one. Until all copies are written the
//! register says `pending`, and the next change or login completes what a stopped one began.
//!
//! DynamoDB behaves as in the model of sessions: a transaction locks its items one by one and commits them one by one in any order,
//! a query reads item by item, a plain write to a locked item conflicts and is tried again. Sessions are left out: which of them
//! authorizes is the other model's question. A tick is the time in which an item may outlive its meaning; the sweep takes an item
//! at any time after its `ttl`.

mod fan_out;
mod handlers;
mod promises;
mod table;
mod worlds;

use stateright::{Model, Property};

use handlers::{Handler, Step};
use table::{Item, Key, Tables};

/// One bounded world.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Config {
    pub(crate) name: &'static str,
    /// Whether the user has attributes at the start, and the first login a copy of them.
    pub(crate) has_attributes: bool,
    pub(crate) logins: u8,
    pub(crate) changes: u8,
    pub(crate) authorizes: u8,
    pub(crate) refreshes: u8,
    pub(crate) ends: u8,
    /// How often a handler stops for good; what it has sent goes on.
    pub(crate) crashes: u8,
    pub(crate) at_once: usize,
    pub(crate) ticks: u8,
    pub(crate) weakness: Option<Weakness>,
}

/// What a control does worse than the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weakness {
    /// The fan-out writes only to the logins that its read finds, and not to the one that the register names.
    NamedLoginLeftOut,
    /// A copy is written wherever the login exists, also over a newer one.
    CopyOverNewer,
    /// The copy has the login's `ttl`, and no rotation extends it.
    TtlOfTheLogin,
    /// The register doesn't say that a fan-out is unfinished.
    NothingPending,
    /// Whichever fan-out completes removes `pending`, also that of a newer change.
    PendingRemovedBlindly,
    /// A login without a copy is taken to be gone if a read doesn't see it.
    GoneByRead,
    /// A copy that is there is taken to be announced.
    AnnouncedUnasked,
    /// A login's transaction doesn't wait for the login that the register names.
    PredecessorUnchecked,
    /// A login that announces attributes whose item isn't seen has none.
    UnseenIsNone,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) now: u8,
    pub(crate) tables: Tables,
    pub(crate) handlers: Vec<Handler>,
    /// The newest attributes that an acknowledged change wrote.
    pub(crate) acknowledged: u8,
    pub(crate) crashes: u8,
    /// An authorize answered with older attributes than it had to.
    pub(crate) stale: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Login,
    Change,
    Authorize(u8),
    Refresh(u8),
    End(u8),
    /// A handler goes on. A fan-out chooses which login it turns to.
    Step(usize, u8),
    Crash(usize),
    /// A transaction goes on: it prepares the next item, or commits this one.
    Transaction(usize, usize),
    /// DynamoDB collects a copy that is past its `ttl`.
    Collect(u8),
    Tick,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Attributes(pub(crate) Config);

impl Config {
    pub(crate) fn is(&self, weakness: Weakness) -> bool {
        self.weakness == Some(weakness)
    }
}

impl World {
    fn at_the_start(config: &Config) -> Self {
        Self {
            now: 0,
            tables: Tables::at_the_start(config.has_attributes, config),
            handlers: Vec::new(),
            acknowledged: u8::from(config.has_attributes),
            crashes: 0,
            stale: false,
        }
    }

    fn begun(&self, is: impl Fn(&Handler) -> bool) -> usize {
        self.handlers.iter().filter(|handler| is(handler)).count()
    }

    pub(crate) fn is_at_rest(&self) -> bool {
        self.tables.transactions.is_empty() && self.handlers.iter().all(|handler| matches!(handler.step, Step::Over))
    }
}

impl Model for Attributes {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World::at_the_start(&self.0)]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        let Self(config) = self;
        let under_way = world.begun(|handler| !matches!(handler.step, Step::Over));
        if under_way < config.at_once {
            let left = |sort: handlers::Sort, budget: u8| world.begun(|handler| handler.sort == sort) < budget.into();
            if left(handlers::Sort::Login, config.logins) {
                actions.push(Action::Login);
            }
            if left(handlers::Sort::Change, config.changes) {
                actions.push(Action::Change);
            }
            let made = 0..=u8::try_from(world.begun(|handler| handler.sort == handlers::Sort::Login)).unwrap_or(u8::MAX);
            // Before the first acknowledgement an authorize promises nothing.
            if world.acknowledged > 0 && left(handlers::Sort::Authorize, config.authorizes) {
                actions.extend(made.clone().map(Action::Authorize));
            }
            if left(handlers::Sort::Refresh, config.refreshes) {
                actions.push(Action::Refresh(0));
            }
            if left(handlers::Sort::End, config.ends) {
                actions.extend(made.filter(|login| world.tables.login(*login).is_some()).map(Action::End));
            }
        }
        for (place, handler) in world.handlers.iter().enumerate() {
            actions.extend(handler.choices().into_iter().map(|choice| Action::Step(place, choice)));
            if world.crashes < config.crashes && handler.may_stop() {
                actions.push(Action::Crash(place));
            }
        }
        for (place, transaction) in world.tables.transactions.iter().enumerate() {
            actions.extend(transaction.choices().into_iter().map(|item| Action::Transaction(place, item)));
        }
        for (key, item) in &world.tables.items {
            if let (Key::Copy(login), Item::Copy(copy)) = (key, item)
                && copy.ttl < world.now
                && !world.tables.is_locked(*key)
            {
                actions.push(Action::Collect(*login));
            }
        }
        // A request lives for less than a tick.
        if world.now < config.ticks && under_way == 0 && world.tables.transactions.is_empty() {
            actions.push(Action::Tick);
        }
    }

    fn next_state(&self, last: &World, action: Action) -> Option<World> {
        let mut world = last.clone();
        match action {
            Action::Login => {
                let login = 1 + u8::try_from(world.begun(|handler| handler.sort == handlers::Sort::Login)).unwrap_or(u8::MAX);
                world.handlers.push(Handler::login(login));
            }
            Action::Change => world.handlers.push(Handler::change()),
            Action::Authorize(login) => world.handlers.push(Handler::authorize(login, world.acknowledged)),
            Action::Refresh(login) => world.handlers.push(Handler::refresh(login)),
            Action::End(login) => world.handlers.push(Handler::end(login)),
            Action::Step(place, choice) => handlers::step(&mut world, place, choice, &self.0)?,
            Action::Crash(place) => {
                world.crashes += 1;
                world.handlers[place].step = Step::Over;
                for transaction in &mut world.tables.transactions {
                    transaction.awaited_by = transaction.awaited_by.filter(|handler| *handler != place);
                }
            }
            Action::Transaction(place, item) => {
                if let Some((handler, outcome)) = world.tables.advance(place, item) {
                    handlers::hear(&mut world, handler, outcome);
                }
            }
            Action::Collect(login) => drop(world.tables.items.remove(&Key::Copy(login))),
            Action::Tick => world.now += 1,
        }
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        promises::promises()
    }
}
