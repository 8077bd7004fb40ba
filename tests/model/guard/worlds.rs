//! The worlds, and the controls that must be found out.

use std::time::Instant;

use crate::run::is_full;
use latchkey_tests::watchdog::watched;
use stateright::{Checker, HasDiscoveries, Model as _};

use super::{
    AWAY, Config, Guard, HOME, Weakness,
    promises::{ALIKE, BOUNDED, OUTAGE, OWNER_GETS_IN},
};

const NOTHING: Config =
    Config { name: "", networks: &[1, 2, 3], guesses: 0, owner_from: HOME, logins: 0, at_once: 2, crashes: 0, ticks: 2, weakness: None };

/// Guesses from many networks, side by side, while the owner logs in at home.
const GUESSING: [Config; 2] = {
    let quick = Config { name: "guessing", networks: &[1, 2], guesses: 3, logins: 1, ..NOTHING };
    [quick, Config { networks: &[1, 2, 3], guesses: 4, ..quick }]
};
/// The owner is on the way, a stranger like the guessers.
const ON_THE_WAY: [Config; 2] = {
    let quick = Config { name: "owner on the way", owner_from: AWAY, guesses: 3, logins: 1, ..NOTHING };
    [quick, Config { logins: 2, ..quick }]
};
/// Functions stop at any step, under guesses and under the owner's logins.
const OUTAGES: [Config; 2] = {
    let quick = Config { name: "outages", networks: &[1, 2], guesses: 2, logins: 1, owner_from: AWAY, crashes: 1, ..NOTHING };
    [quick, Config { logins: 2, crashes: 2, ..quick }]
};
/// The same without an owner, and one guess too many.
const GUESSES_IN_OUTAGES: [Config; 2] = {
    let quick = Config { name: "guesses in outages", networks: &[1, 2], guesses: 3, crashes: 1, ..NOTHING };
    [quick, Config { crashes: 2, ..quick }]
};
/// The same without guesses: whatever stops, nothing is a failure.
const OWNER_IN_OUTAGES: [Config; 2] = [Config { name: "owner in outages", networks: &[], logins: 3, crashes: 2, ..NOTHING }; 2];
/// Three at once from one network.
const AT_ONCE: [Config; 2] = [Config { name: "side by side", networks: &[1], guesses: 4, at_once: 3, ..NOTHING }; 2];

fn explore(config: Config, until: HasDiscoveries) -> impl Checker<Guard> {
    let _watched = watched();
    let begun = Instant::now();
    let checker = Guard(config).checker().finish_when(until).spawn_bfs().join();
    let weakened = config.weakness.map(|weakness| format!(", weakened: {weakness:?}")).unwrap_or_default();
    println!("throttle, {}{weakened}: {} states, {:.1} s", config.name, checker.unique_state_count(), begun.elapsed().as_secs_f32());
    checker
}

fn holds([quick, full]: [Config; 2]) {
    let config = if is_full() { full } else { quick };
    let checker = explore(config, HasDiscoveries::AnyFailures);
    if let Some((promise, path)) = checker.discoveries().into_iter().next() {
        let last = path.last_state().clone();
        panic!("{}: {promise}: broken by {:?}\nwhich leads to {last:?}", config.name, path.into_actions());
    }
    assert!(checker.unique_state_count() > 100, "{}: nothing happened", config.name);
}

fn finds([config, _]: [Config; 2], weakness: Weakness, promise: &'static str) {
    let checker = explore(Config { weakness: Some(weakness), ..config }, HasDiscoveries::AllOf([promise].into()));
    assert!(checker.discovery(promise).is_some(), "{} with {weakness:?}: {promise}: not broken", config.name);
}

#[test]
fn the_throttle_keeps_its_promises() {
    for config in [GUESSING, ON_THE_WAY, OUTAGES, GUESSES_IN_OUTAGES, OWNER_IN_OUTAGES, AT_ONCE] {
        holds(config);
    }
}

/// What Latchkey did before: each login of the owner gave a guesser the whole allowance again, and showed that it had happened.
#[test]
fn a_success_that_empties_the_counts() {
    finds(ON_THE_WAY, Weakness::ResetAtSuccess, BOUNDED);
    finds(ON_THE_WAY, Weakness::ResetAtSuccess, ALIKE);
}

#[test]
fn guesses_side_by_side_that_are_counted_afterwards() {
    finds(AT_ONCE, Weakness::NothingPending, BOUNDED);
}

/// What Latchkey did before: an outage counted against the client that met it.
#[test]
fn an_attempt_that_is_a_failure_until_it_is_right() {
    finds(OUTAGES, Weakness::FailureUntilRight, OUTAGE);
}

#[test]
fn an_owner_who_is_counted_like_a_stranger() {
    finds(GUESSING, Weakness::NobodyIsKnown, OWNER_GETS_IN);
}

#[test]
fn a_wrong_password_that_is_called_wrong_before_it_is_counted() {
    finds(GUESSES_IN_OUTAGES, Weakness::AnsweredBeforeCounted, BOUNDED);
}
