//! The promises as the checker sees them.

use stateright::Property;

use crate::{model::SessionService, promise::Flaw, world::World};

pub(crate) const G1: &str = "G1: at most one session of a login authorizes";
pub(crate) const G2: &str = "G2: one rotation, one pair for all, and it works at once";
pub(crate) const G3: &str = "G3: nothing of a login passes after its acknowledged end";
pub(crate) const G7: &str = "G7: an old token ends its login one window after it and its successor's first use, and never before";
pub(crate) const G9: &str = "G9: no login from before survives";
pub(crate) const G11: &str = "G11: no login survives a block, and none is created after it";
pub(crate) const WHOLE: &str = "a login has exactly its one session, unless in mid-commit";
pub(crate) const L1: &str = "L1: what an honest client has stored is answered, now and at any later time";
pub(crate) const L2: &str = "L2: no 409 is for ever";
pub(crate) const LIMIT: &str = "no more logins than the limit, and one of a device, unless in mid-commit";

pub(crate) fn properties() -> Vec<Property<SessionService>> {
    vec![
        Property::always(G1, |model: &SessionService, world: &World| {
            !world.is_flawed(&[Flaw::StaleAllow]) && !world.table.logins().any(|login| world.authorizes_two(login, &model.config))
        }),
        Property::always(G2, |_, world: &World| {
            !world.is_flawed(&[Flaw::RotatedTwice, Flaw::OtherPair, Flaw::DeadPair, Flaw::SharedUnnoticed])
        }),
        Property::always(G3, |model: &SessionService, world: &World| {
            !world.is_flawed(&[Flaw::RefreshedAfterEnd]) && none_passes(model, world, world.promised.ended)
        }),
        Property::always(G7, |_, world: &World| !world.is_flawed(&[Flaw::ReuseMissed, Flaw::FalseReuse, Flaw::GenuineRefused])),
        Property::always(G9, |model: &SessionService, world: &World| {
            !world.is_flawed(&[Flaw::PasswordSetBack]) && none_passes(model, world, world.promised.all_ended)
        }),
        Property::always(G11, |model: &SessionService, world: &World| {
            !world.is_flawed(&[Flaw::IssuedAfterBlock]) && none_passes(model, world, world.promised.ended_by_block)
        }),
        Property::always(WHOLE, |_, world: &World| world.is_in_mid_commit() || world.is_whole()),
        Property::always(L1, |model: &SessionService, world: &World| world.serves_what_is_stored(&model.config)),
        Property::always(L2, |model: &SessionService, world: &World| world.leaves_none_waiting(&model.config)),
        Property::always(LIMIT, |model: &SessionService, world: &World| {
            let most = model.config.max_logins.unwrap_or(if model.config.one_device { 1 } else { usize::MAX });
            world.is_in_mid_commit() || world.table.logins().count() <= most
        }),
    ]
}

fn none_passes(model: &SessionService, world: &World, ended: u8) -> bool {
    (0..8).filter(|login| ended & (1 << login) != 0).all(|login| !world.accepts(login, &model.config))
}
