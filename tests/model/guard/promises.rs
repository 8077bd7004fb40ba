//! What the throttle promises.

use latchkey::throttle::{Admission, Room, Scope, admit};
use stateright::Property;

use super::{CAPACITY, Config, Guard, HOME, THROTTLE, TICK_MINUTES, World};

pub(crate) const BOUNDED: &str = "no more guesses are looked at than the account has room for, whatever the owner does";
pub(crate) const OWNER_GETS_IN: &str = "a known network is never kept out by others";
pub(crate) const ALIKE: &str = "a name that exists and one that doesn't answer alike";
pub(crate) const OUTAGE: &str = "only a wrong password is a failure";

pub(crate) fn promises() -> Vec<Property<Guard>> {
    vec![
        Property::always(BOUNDED, |_, world: &World| {
            let hours = u32::try_from(i64::from(world.now) * TICK_MINUTES / 60).unwrap_or(0);
            world.looked_at <= CAPACITY + hours
        }),
        Property::always(OWNER_GETS_IN, |Guard(config), world: &World| config.networks.contains(&HOME) || owner_gets_in(world, config)),
        Property::always(ALIKE, |_, world: &World| !world.told_apart),
        Property::always(OUTAGE, |_, world: &World| {
            let failures = |table: usize| {
                let count = world.tables[table].get(&(Scope::Account, 0)).cloned().unwrap_or_default();
                count.failures(Scope::Account, &THROTTLE, world.now())
            };
            failures(0) <= world.judged_wrong && failures(1) <= world.judged_wrong
        }),
    ]
}

/// An attempt from home now is looked at, and finds a place unless the owner's own attempts have it.
fn owner_gets_in(world: &World, config: &Config) -> bool {
    let seen = world.seen(0, HOME, config);
    match admit(&seen, &THROTTLE, world.now()) {
        Admission::Wait(..) => false,
        Admission::LookAt(scopes) => seen.counts.iter().filter(|(scope, _)| scopes.contains(scope)).all(|(scope, count)| {
            let own = count.pending.len();
            own > 0 || count.room(*scope, &THROTTLE, world.now()) == Room::Open
        }),
    }
}
