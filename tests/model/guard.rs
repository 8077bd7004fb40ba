//! A model of the login throttle: guessers, the owner, and functions that stop, in every order, against its promises.
//!
//! The counts and the decisions are those of `latchkey::throttle`. The model has what the login operation does with them: it
//! reads and decides, takes its places one by one, judges, and writes the verdict into one count after another. A write is one
//! step, because in the table it succeeds only on the count that it was computed from. A tick is half an hour: every pending
//! attempt has run out, and every wait of a network is over. Two ticks drain a failure.
//!
//! To show that answers don't depend on whether a name exists, each guess is made at two names at once: the owner's, and one that
//! no user has. The owner logs in at the first only. Whatever happens, both must answer alike.

mod attempt;
mod promises;
mod worlds;

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use latchkey::throttle::{AttemptId, Count, Counts, Scope, Throttle, Verdict};
use stateright::{Model, Property};

use attempt::{Attempt, Stage};

pub(crate) const TICK_MINUTES: i64 = 30;
/// Failures that the account has room for here.
pub(crate) const CAPACITY: u32 = 2;

pub(crate) const THROTTLE: Throttle = Throttle {
    free_failures: 1,
    max_delay: Duration::from_secs(3600),
    network_failures: 1000,
    network_window: Duration::from_secs(300),
    account_failures: CAPACITY,
};

/// The network that the owner has logged in from before.
pub(crate) const HOME: u8 = 0;
/// One that no user has logged in from.
pub(crate) const AWAY: u8 = 9;

/// One bounded world.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Config {
    pub(crate) name: &'static str,
    /// The guessers' networks: one guess from each may be under way at a time.
    pub(crate) networks: &'static [u8],
    pub(crate) guesses: u8,
    /// Where the owner logs in from, and how often.
    pub(crate) owner_from: u8,
    pub(crate) logins: u8,
    pub(crate) at_once: usize,
    pub(crate) crashes: u8,
    pub(crate) ticks: u8,
    pub(crate) weakness: Option<Weakness>,
}

/// What a control does worse than the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weakness {
    /// A success empties the counts.
    ResetAtSuccess,
    /// An attempt takes no place while it is verified.
    NothingPending,
    /// An attempt is a failure until it has turned out right.
    FailureUntilRight,
    /// Known networks are counted like others.
    NobodyIsKnown,
    /// "Wrong" is answered before it is counted.
    AnsweredBeforeCounted,
}

/// The counts of one name.
pub(crate) type Table = BTreeMap<(Scope, u8), Count>;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) now: u8,
    /// The counts of the owner's name, and of a name that no user has.
    pub(crate) tables: [Table; 2],
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) crashes: u8,
    /// Guesses that were answered with "wrong".
    pub(crate) looked_at: u32,
    /// Verdicts "wrong", answered or not.
    pub(crate) judged_wrong: u32,
    /// The two names answered differently.
    pub(crate) told_apart: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Guess(u8),
    Login,
    /// An attempt goes on, with the count that it takes up next.
    Step(usize, usize),
    /// The function stops for good.
    Crash(usize),
    Tick,
}

pub(crate) fn time(tick: u8) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::minutes(TICK_MINUTES * i64::from(tick))
}

impl World {
    fn at_the_start() -> Self {
        let known = Count::default().settled(Scope::Network, &AttemptId("before".into()), Verdict::Right, &THROTTLE, time(0));
        let owners = Table::from([((Scope::Network, HOME), known)]);
        Self { now: 0, tables: [owners, Table::new()], attempts: Vec::new(), crashes: 0, looked_at: 0, judged_wrong: 0, told_apart: false }
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        time(self.now)
    }

    /// What an attempt from this network reads.
    pub(crate) fn seen(&self, table: usize, network: u8, config: &Config) -> Counts {
        let count = |scope, which| {
            let mut count = self.tables[table].get(&(scope, which)).cloned().unwrap_or_default();
            if config.weakness == Some(Weakness::NobodyIsKnown) {
                count.known_until = None;
            }
            (scope, count)
        };
        let counts = vec![count(Scope::Network, network), count(Scope::Account, 0)];
        Counts { counts, network_is_used_up: false, window_ends_at: self.now() }
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Guard(pub(crate) Config);

impl Model for Guard {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World::at_the_start()]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        let Self(config) = self;
        let made = |owners: bool| world.attempts.iter().filter(|attempt| attempt.is_owners == owners).count();
        let under_way: Vec<(usize, &Attempt)> = world.attempts.iter().enumerate().filter(|(_, attempt)| attempt.is_under_way()).collect();
        if under_way.len() < config.at_once {
            if made(false) < config.guesses.into() {
                actions.extend(config.networks.iter().map(|network| Action::Guess(*network)));
            }
            if made(true) < config.logins.into() {
                actions.push(Action::Login);
            }
        }
        for (place, attempt) in &under_way {
            actions.extend((0..attempt.choices()).map(|choice| Action::Step(*place, choice)));
            if world.crashes < config.crashes {
                actions.push(Action::Crash(*place));
            }
        }
        // A request lives for less than a tick.
        if world.now < config.ticks && under_way.is_empty() {
            actions.push(Action::Tick);
        }
    }

    fn next_state(&self, last: &World, action: Action) -> Option<World> {
        let mut world = last.clone();
        match action {
            Action::Guess(network) => world.attempts.push(Attempt::of(network, false)),
            Action::Login => world.attempts.push(Attempt::of(self.0.owner_from, true)),
            Action::Step(place, choice) => attempt::step(&mut world, place, choice, &self.0)?,
            Action::Crash(place) => {
                world.crashes += 1;
                world.attempts[place].stage = Stage::Over;
            }
            Action::Tick => world.now += 1,
        }
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        promises::promises()
    }
}
