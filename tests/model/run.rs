//! Exploring a world to its end, or to the broken promise.

use std::time::Instant;

use latchkey_tests::watchdog::watched;
use stateright::{Checker, HasDiscoveries, Model as _};

use crate::{config::Config, model::SessionService, notice::Notice, worlds::Sizes};

/// All states are explored, no promise is broken, and all of `shown` happened in some of them: a model in which nothing
/// happens proves nothing.
pub(crate) fn holds(world: Sizes, shown: &[Notice]) {
    let config = if is_full() { world.full } else { world.quick };
    let checker = explore(config, HasDiscoveries::AnyFailures);
    if let Some((promise, path)) = checker.discoveries().into_iter().next() {
        let last = path.last_state().clone();
        panic!("{}: {promise}: broken by {:?}\nwhich leads to {last:?}", config.name, path.into_actions());
    }
    for notice in shown {
        assert!(checker.model().has_noticed(*notice), "{}: {notice:?} never happened", config.name);
    }
}

/// Some path breaks `promise`.
pub(crate) fn finds(config: Config, promise: &'static str) {
    let checker = explore(config, HasDiscoveries::AllOf([promise].into()));
    assert!(checker.discovery(promise).is_some(), "{} with {:?}: {promise}: not broken", config.name, config.weakness);
}

/// Too much for every day.
pub(crate) fn only_in_full(run: impl FnOnce()) {
    if is_full() {
        run();
    }
}

fn explore(config: Config, until: HasDiscoveries) -> impl Checker<SessionService> {
    let _watched = watched();
    let begun = Instant::now();
    let checker = SessionService::new(config).checker().finish_when(until).spawn_bfs().join();
    let weakened = config.weakness.map(|weakness| format!(", weakened: {weakness:?}")).unwrap_or_default();
    let (unique, all, deep) = (checker.unique_state_count(), checker.state_count(), checker.max_depth());
    println!("{}{weakened}: {unique} states, {all} transitions, {deep} deep, {:.1} s", config.name, begun.elapsed().as_secs_f32());
    checker
}

pub(crate) fn is_full() -> bool {
    #[expect(clippy::disallowed_methods, reason = "the size of a test run is no configuration of the service")]
    let size = std::env::var("LATCHKEY_ASSURANCE");
    size.is_ok_and(|size| size == "full")
}
