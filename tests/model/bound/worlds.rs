//! The worlds, what is promised in them, and the controls that must be found out.

use std::time::Instant;

use latchkey_tests::watchdog::watched;
use stateright::{Checker, HasDiscoveries, Model as _, Property};

use super::{
    AHEAD, Bound, Config, Flaw, Weakness, World,
    verdict::{Asked, Verdict, decide, shown},
};
use crate::run::is_full;

const ONCE: &str = "G12: a proof yields a pair once";
const KEY: &str = "G12: without the key there is no pair";
const ROUTE: &str = "G12: a proof for another route yields no pair";
const ENDS: &str = "G12: without a new proof by the key no login is ended as reused";
const HONEST: &str = "G12: an honest client is never logged out";
const SERVED: &str = "L1: a new proof and the token in the client's storage are answered";

fn unbroken(flaw: Flaw) -> impl Fn(&World) -> bool {
    move |world| world.flaw != Some(flaw)
}

pub(crate) fn promises() -> Vec<Property<Bound>> {
    vec![
        Property::always(ONCE, |_, world| unbroken(Flaw::AnsweredTwice)(world)),
        Property::always(KEY, |_, world| unbroken(Flaw::WithoutKey)(world)),
        Property::always(ROUTE, |_, world| unbroken(Flaw::OtherRoute)(world)),
        Property::always(ENDS, |_, world| unbroken(Flaw::EndedByThief)(world)),
        Property::always(HONEST, |_, world| unbroken(Flaw::HonestRefused)(world)),
        Property::always(SERVED, |Bound(config), world: &World| world.came_first || is_served(world, config)),
    ]
}

/// Now, with a proof that no request has shown yet. Only a thief who came first with an unanswered proof can be in the way.
fn is_served(world: &World, config: &Config) -> bool {
    let mut world = world.clone();
    let (Some(token), new) = (world.tokens.last().copied(), world.sign(config)) else { return false };
    let Ok(possession) = shown(&world, new, world.now, config) else { return false };
    let asked = Asked { token, possession, minted: None, old_version: false, now: world.now };
    world.flaw.is_some() || matches!(decide(world.stored.as_ref(), &asked, config), Verdict::Rotate(_) | Verdict::Replay(_))
}

const NOTHING: Config = Config {
    name: "",
    sends: 0,
    held_back: 0,
    thefts: 0,
    at_once: 2,
    lost_answers: 0,
    unheard: 0,
    ahead: 0,
    steps: 0,
    canary: false,
    weakness: None,
};

/// Any old token and any old proof, after and during the client's refreshes.
const THIEF: [Config; 2] = {
    let quick = Config { name: "thief", sends: 2, thefts: 1, lost_answers: 1, steps: 4, ..NOTHING };
    [quick, Config { sends: 3, ..quick }]
};
/// The same with a client whose clock is ahead, so that its proofs are good for ten minutes.
const AHEAD_OF_TIME: [Config; 2] = {
    let quick = Config { name: "thief, client's clock ahead", ahead: AHEAD, sends: 2, at_once: 1, steps: 6, ..THIEF[0] };
    [quick, Config { sends: 3, at_once: 2, ..quick }]
};
/// A token and its proof sent at once with the client's own request, and once more.
const AT_ONCE: [Config; 2] = {
    let quick = Config { name: "at once", sends: 2, thefts: 1, at_once: 3, lost_answers: 1, unheard: 1, ..NOTHING };
    [quick, Config { thefts: 2, ..quick }]
};
/// Requests that the thief holds back: their proofs were never answered, so they do yield a pair. Nothing else does.
const HELD_BACK: [Config; 2] = {
    let quick = Config { name: "held back", sends: 3, held_back: 1, thefts: 1, at_once: 1, lost_answers: 1, steps: 2, ..NOTHING };
    [quick, Config { thefts: 2, ..quick }]
};
/// A canary: some requests reach a version that knows no bound logins.
const CANARY: [Config; 2] = {
    let quick = Config { name: "canary", sends: 2, thefts: 1, canary: true, steps: 2, ..NOTHING };
    [quick, Config { thefts: 2, ..quick }]
};
/// An honest client alone: lost answers, tabs side by side, however late.
const HONEST_CLIENT: [Config; 2] = {
    let quick = Config { name: "honest client", sends: 4, at_once: 3, lost_answers: 2, unheard: 1, steps: 3, ..NOTHING };
    [quick, Config { sends: 5, lost_answers: 3, ..quick }]
};

fn explore(config: Config, until: HasDiscoveries) -> impl Checker<Bound> {
    let _watched = watched();
    let begun = Instant::now();
    let checker = Bound(config).checker().finish_when(until).spawn_bfs().join();
    let weakened = config.weakness.map(|weakness| format!(", weakened: {weakness:?}")).unwrap_or_default();
    println!("bound, {}{weakened}: {} states, {:.1} s", config.name, checker.unique_state_count(), begun.elapsed().as_secs_f32());
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

fn finds([quick, _]: [Config; 2], weakness: Weakness, promise: &'static str) {
    let config = Config { weakness: Some(weakness), ..quick };
    let checker = explore(config, HasDiscoveries::AllOf([promise].into()));
    assert!(checker.discovery(promise).is_some(), "{} with {weakness:?}: {promise}: not broken", config.name);
}

#[test]
fn an_old_token_and_an_old_proof_yield_nothing() {
    holds(THIEF);
    holds(AHEAD_OF_TIME);
}

#[test]
fn of_two_requests_with_one_proof_one_is_answered() {
    holds(AT_ONCE);
    holds(HELD_BACK);
}

#[test]
fn an_older_version_gives_no_pair_to_a_bound_login() {
    holds(CANARY);
}

#[test]
fn lost_answers_and_tabs_end_no_bound_login() {
    holds(HONEST_CLIENT);
}

#[test]
fn controls_of_the_answered_proofs_are_found() {
    let later = Config { sends: 3, ..THIEF[0] };
    finds([later, later], Weakness::DroppedAtRotation, ONCE);
    finds(THIEF, Weakness::SignatureIsTheKey, ONCE);
    finds(AHEAD_OF_TIME, Weakness::ForgottenTooSoon, ONCE);
    finds(AT_ONCE, Weakness::WrittenAfterAnswer, ONCE);
    let tabs = Config { sends: 3, thefts: 1, ..AT_ONCE[0] };
    finds([tabs, tabs], Weakness::RecordUnasked, ONCE);
    let repeated = Config { sends: 3, ..THIEF[0] };
    finds([repeated, repeated], Weakness::RepeatIsReuse, ENDS);
}

#[test]
fn controls_of_the_key_are_found() {
    finds(THIEF, Weakness::KeyUnasked, KEY);
    finds(THIEF, Weakness::AnyRoute, ROUTE);
    finds(CANARY, Weakness::NoSchema, KEY);
    let later = Config { sends: 3, ..THIEF[0] };
    finds([later, later], Weakness::ReuseBeforeKey, ENDS);
}

#[test]
fn a_control_of_the_windows_is_found() {
    finds(HONEST_CLIENT, Weakness::NothingRaised, HONEST);
}
