//! The worlds, and the controls that must be found out.

use std::time::Instant;

use crate::run::is_full;
use latchkey_tests::watchdog::watched;
use stateright::{Checker, HasDiscoveries, Model as _};

use super::{
    Attributes, Config, Weakness,
    promises::{FINISHED, G10, KEPT},
};

const NOTHING: Config = Config {
    name: "",
    has_attributes: true,
    logins: 0,
    changes: 1,
    authorizes: 1,
    refreshes: 0,
    ends: 0,
    crashes: 0,
    at_once: usize::MAX,
    ticks: 0,
    weakness: None,
};

/// A change while a login is under way.
const LOGIN: [Config; 2] = {
    let quick = Config { name: "a login", logins: 1, ..NOTHING };
    [quick, Config { ends: 1, ..quick }]
};
/// The same for a user who has no attributes yet, so that the login has no copy.
const FIRST: [Config; 2] = {
    let quick = Config { name: "the first attributes", has_attributes: false, logins: 1, ..NOTHING };
    [quick, Config { ends: 1, ..quick }]
};
/// Two logins, one built on the other.
const LOGINS: [Config; 2] = {
    let quick = Config { name: "two logins", logins: 2, at_once: 2, ..NOTHING };
    [quick, Config { at_once: usize::MAX, ..quick }]
};
/// Two changes at once.
const CHANGES: [Config; 2] = {
    let quick = Config { name: "two changes", changes: 2, ..NOTHING };
    [quick, Config { logins: 1, at_once: 3, ..quick }]
};
/// A change or a login stops half way, and the next one goes on.
const STOPPED: [Config; 2] = {
    let quick = Config { name: "a fan-out that stops", logins: 1, crashes: 1, authorizes: 0, at_once: 2, ..NOTHING };
    [quick, Config { changes: 2, authorizes: 1, ..quick }]
};
/// Two changes, of which one stops, and nothing after them.
const STOPPED_BESIDE: [Config; 2] = {
    let quick = Config { name: "two changes, one stops", changes: 2, crashes: 1, authorizes: 0, ..NOTHING };
    [quick, Config { logins: 1, at_once: 2, ..quick }]
};
/// A rotation beside a change and an end.
const ROTATION: [Config; 2] = {
    let quick = Config { name: "a rotation", refreshes: 1, ..NOTHING };
    [quick, Config { refreshes: 2, ends: 1, changes: 2, at_once: 3, ..quick }]
};
/// A login that lives on by refreshing, while DynamoDB collects what is past its `ttl`.
const REFRESHED: [Config; 2] = {
    let quick = Config { name: "refreshed under a sweep", refreshes: 8, ticks: 8, changes: 0, at_once: 1, ..NOTHING };
    [quick, Config { changes: 1, refreshes: 12, ticks: 12, at_once: 2, ..quick }]
};

fn explore(config: Config, until: HasDiscoveries) -> impl Checker<Attributes> {
    let _watched = watched();
    let begun = Instant::now();
    let checker = Attributes(config).checker().finish_when(until).spawn_bfs().join();
    let weakened = config.weakness.map(|weakness| format!(", weakened: {weakness:?}")).unwrap_or_default();
    let (unique, all, deep) = (checker.unique_state_count(), checker.state_count(), checker.max_depth());
    println!("{}{weakened}: {unique} states, {all} transitions, {deep} deep, {:.1} s", config.name, begun.elapsed().as_secs_f32());
    checker
}

fn holds([quick, full]: [Config; 2]) {
    let config = if is_full() { full } else { quick };
    let checker = explore(config, HasDiscoveries::AnyFailures);
    if let Some((promise, path)) = checker.discoveries().into_iter().next() {
        let last = path.last_state().clone();
        panic!("{}: {promise}: broken by {:?}\nwhich leads to {last:?}", config.name, path.into_actions());
    }
    assert!(checker.unique_state_count() > 50, "{}: nothing happened", config.name);
}

fn finds([config, _]: [Config; 2], weakness: Weakness, promise: &'static str) {
    let checker = explore(Config { weakness: Some(weakness), ..config }, HasDiscoveries::AllOf([promise].into()));
    assert!(checker.discovery(promise).is_some(), "{} with {weakness:?}: {promise}: not broken", config.name);
}

#[test]
fn a_change_that_was_acknowledged_is_seen_by_every_authorize() {
    for world in [LOGIN, FIRST, LOGINS, CHANGES, ROTATION] {
        holds(world);
    }
}

#[test]
fn a_change_that_stopped_is_finished_by_the_next_change_or_login() {
    holds(STOPPED);
    holds(STOPPED_BESIDE);
}

#[test]
fn a_login_keeps_its_attributes_for_as_long_as_it_is_refreshed() {
    holds(REFRESHED);
}

mod controls {
    use super::*;

    #[test]
    fn a_change_that_leaves_out_the_login_that_the_register_names() {
        finds(LOGIN, Weakness::NamedLoginLeftOut, G10);
    }

    #[test]
    fn a_copy_that_is_written_over_a_newer_one() {
        finds(CHANGES, Weakness::CopyOverNewer, G10);
    }

    #[test]
    fn a_copy_that_is_collected_with_the_first_ttl_of_its_login() {
        finds(REFRESHED, Weakness::TtlOfTheLogin, KEPT);
    }

    #[test]
    fn a_change_that_stops_and_leaves_nothing_pending() {
        finds(STOPPED, Weakness::NothingPending, FINISHED);
    }

    #[test]
    fn a_change_that_takes_away_what_another_one_left_pending() {
        finds(STOPPED_BESIDE, Weakness::PendingRemovedBlindly, FINISHED);
    }

    #[test]
    fn a_login_in_mid_commit_that_is_taken_to_be_gone() {
        finds(FIRST, Weakness::GoneByRead, G10);
    }

    /// Found here: the login was ended while another request's announcement was in mid-commit.
    #[test]
    fn a_copy_that_is_taken_to_be_announced() {
        finds([FIRST[1]; 2], Weakness::AnnouncedUnasked, G10);
    }

    #[test]
    fn a_login_that_does_not_wait_for_the_one_before_it() {
        finds(LOGINS, Weakness::PredecessorUnchecked, G10);
    }

    #[test]
    fn attributes_that_are_announced_and_unseen_and_taken_for_none() {
        finds(LOGIN, Weakness::UnseenIsNone, G10);
    }
}
