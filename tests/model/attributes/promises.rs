//! What is promised of attributes.

use stateright::Property;

use super::{
    Attributes, World,
    table::{Key, Login},
};

pub(crate) const G10: &str = "G10: a change that was acknowledged is seen by every authorize begun after it";
pub(crate) const FINISHED: &str = "a fan-out that isn't finished is pending, so that a later change or login finishes it";
pub(crate) const KEPT: &str = "a live login that announces attributes has them";

pub(crate) fn promises() -> Vec<Property<Attributes>> {
    vec![
        Property::always(G10, |_, world: &World| !world.stale),
        Property::always(FINISHED, |_, world: &World| {
            !world.is_at_rest() || is_pending(world) || live(world).all(|(login, _)| is_current(world, login))
        }),
        Property::always(KEPT, |_, world: &World| {
            !world.tables.transactions.is_empty()
                || live(world).all(|(login, item)| !item.has_attributes || world.tables.copy(login).is_some())
        }),
    ]
}

fn live(world: &World) -> impl Iterator<Item = (u8, Login)> {
    let logins = world.tables.items.keys().filter_map(|key| if let Key::Login(login) = key { Some(*login) } else { None });
    logins.filter_map(|login| Some((login, world.tables.login(login)?))).filter(|(_, item)| world.now < item.expires_at)
}

fn is_pending(world: &World) -> bool {
    world.tables.register().is_some_and(|register| register.pending.is_some())
}

fn is_current(world: &World, login: u8) -> bool {
    let wanted = world.tables.register().map_or(0, |register| register.attributes);
    world.tables.copy(login).map_or(0, |copy| copy.attributes) == wanted
}
