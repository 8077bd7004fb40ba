//! The reference: a user's logins as the design's tables define them, and the answer that each request must get.

use proptest::{prelude::*, sample::Index};
use proptest_state_machine::ReferenceStateMachine;
use strum::VariantArray as _;

/// Lifetimes and windows in milliseconds, the service's defaults.
pub(crate) const ACCESS_MS: i64 = 5 * 60_000;
pub(crate) const REFRESH_MS: i64 = 7 * 24 * 3_600_000;
pub(crate) const WINDOW_MS: i64 = 30_000;
const TOLERANCE_MS: i64 = 5_000;
const REMEMBERED: usize = 4;

/// A login, from its creation to its end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Login {
    pub(crate) ended: bool,
    /// By generation: the expiry of its access token and of its refresh token.
    pub(crate) sessions: Vec<(i64, i64)>,
    /// By presented generation.
    pub(crate) rotations: Vec<Rotation>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Rotation {
    key: Option<u8>,
    /// The end of its replay window.
    until: i64,
    /// The end of the window that the successor's first use has opened.
    used_until: Option<i64>,
}

impl Login {
    fn generation(&self) -> usize {
        self.sessions.len() - 1
    }

    fn allows(&self, presented: usize, now: i64) -> bool {
        !self.ended && presented == self.generation() && now < self.sessions[presented].0
    }

    /// The newest pair is used: the token before it is answered for one window more.
    fn mark(&mut self, now: i64) {
        if let Some(rotation) = self.rotations.last_mut() {
            rotation.used_until.get_or_insert(now + WINDOW_MS);
        }
    }

    fn issue(&mut self, now: i64) {
        self.sessions.push((now + ACCESS_MS, now + REFRESH_MS));
    }
}

/// The state of the reference.
#[derive(Debug, Clone, Default)]
pub(crate) struct World {
    /// Milliseconds since the sequence began.
    pub(crate) now: i64,
    pub(crate) logins: Vec<Login>,
    /// What the next request meets.
    mishap: Option<Mishap>,
    /// The answer that the last request must get.
    pub(crate) expected: Expected,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Expected {
    #[default]
    Nothing,
    /// 200 and the pair of this generation: a new pair if it is the latest generation for the first time, otherwise the
    /// same again.
    Pair { login: usize, generation: usize },
    /// 200 or 204.
    Yes,
    /// 401.
    No,
    /// 409.
    Superseded,
}

/// The token that a request presents: its login, how many generations it is behind, and its kind.
#[derive(Debug, Clone)]
pub(crate) struct Which {
    login: Index,
    behind: usize,
}

impl Which {
    /// The login and the generation, if there is any login.
    pub(crate) fn of(&self, logins: &[Login]) -> Option<(usize, usize)> {
        let login = (!logins.is_empty()).then(|| self.login.index(logins.len()))?;
        Some((login, logins[login].generation().saturating_sub(self.behind)))
    }
}

#[derive(Debug, Clone)]
pub(crate) enum Step {
    Login,
    Authorize(Which),
    /// With one of two keys, or none.
    Refresh(Which, Option<u8>),
    /// The right key with a forged proof: a token of that form that was never issued.
    RefreshForged(Which),
    /// An access token where a refresh token belongs.
    RefreshWithAccess(Which),
    LogoutWithAccess(Which),
    LogoutWithRefresh(Which),
    /// "Log out everywhere", by an access token.
    EndAll(Which),
    Wait(i64),
    /// A fault for the next request's store call; the client retries until it gets something other than 503.
    Mishap(Mishap),
}

/// A fault of a single call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::VariantArray)]
pub(crate) enum Mishap {
    /// A read is refused.
    Read,
    /// The counts of an attempt can't be read.
    Counts,
    /// The mark of a first use is refused, or the move of a register.
    Update,
    /// A transaction conflicts with another one.
    Conflict,
    /// A transaction's condition check is reported as failed.
    Condition,
    /// A transaction is refused.
    Transaction,
    /// A transaction is executed, and its answer is lost.
    Unheard,
    /// An end conflicts with a transaction.
    EndConflict,
    /// An end is executed, and reported as failed.
    EndUnheard,
}

pub(crate) struct Reference;

impl ReferenceStateMachine for Reference {
    type State = World;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<World> {
        Just(World::default()).boxed()
    }

    fn transitions(world: &World) -> BoxedStrategy<Step> {
        let which = || {
            (any::<Index>(), prop_oneof![4 => Just(0_usize), 4 => Just(1), 2 => 2..7_usize])
                .prop_map(|(login, behind)| Which { login, behind })
        };
        let key = prop_oneof![4 => Just(None), 1 => Just(Some(1)), 1 => Just(Some(2))];
        prop_oneof![
            3 => Just(Step::Login),
            4 => which().prop_map(Step::Authorize),
            12 => (which(), key).prop_map(|(which, key)| Step::Refresh(which, key)),
            1 => which().prop_map(Step::RefreshForged),
            1 => which().prop_map(Step::RefreshWithAccess),
            1 => which().prop_map(Step::LogoutWithAccess),
            1 => which().prop_map(Step::LogoutWithRefresh),
            1 => which().prop_map(Step::EndAll),
            5 => proptest::sample::select(Mishap::VARIANTS).prop_map(Step::Mishap),
            4 => waits(world).prop_map(Step::Wait),
        ]
        .boxed()
    }

    fn apply(mut world: World, step: &Step) -> World {
        let now = world.now;
        let mishap = world.mishap.take();
        world.expected = match step {
            Step::Login => {
                let mut login = Login::default();
                login.issue(now);
                world.logins.push(login);
                Expected::Pair { login: world.logins.len() - 1, generation: 0 }
            }
            Step::Wait(milliseconds) => {
                world.now += milliseconds;
                Expected::Nothing
            }
            Step::Authorize(which) => which.of(&world.logins).map_or(Expected::Nothing, |(login, presented)| {
                let login = &mut world.logins[login];
                if !login.allows(presented, now) {
                    return Expected::No;
                }
                // The request passes even if the mark can't be written.
                if mishap != Some(Mishap::Update) {
                    login.mark(now);
                }
                Expected::Yes
            }),
            Step::Refresh(which, key) => which
                .of(&world.logins)
                .map_or(Expected::Nothing, |(login, presented)| refresh(&mut world.logins, login, presented, *key, now)),
            Step::Mishap(mishap) => {
                world.mishap = Some(*mishap);
                Expected::Nothing
            }
            Step::EndAll(which) => which.of(&world.logins).map_or(Expected::Nothing, |(login, presented)| {
                if !world.logins[login].allows(presented, now) {
                    return Expected::No;
                }
                world.logins.iter_mut().for_each(|login| login.ended = true);
                Expected::Yes
            }),
            Step::RefreshForged(which) | Step::RefreshWithAccess(which) => {
                which.of(&world.logins).map_or(Expected::Nothing, |_| Expected::No)
            }
            Step::LogoutWithAccess(which) | Step::LogoutWithRefresh(which) => {
                which.of(&world.logins).map_or(Expected::Nothing, |(login, _)| {
                    world.logins[login].ended = true;
                    Expected::Yes
                })
            }
        };
        world
    }
}

/// The refresh table of the design, as clients see it.
fn refresh(logins: &mut [Login], index: usize, presented: usize, key: Option<u8>, now: i64) -> Expected {
    let login = &mut logins[index];
    let generation = login.generation();
    if login.ended || now >= login.sessions[generation].1 {
        return Expected::No;
    }
    if presented == generation {
        let until = now + WINDOW_MS;
        // A rotation is a first use of the pair that it replaces.
        if let Some(before) = login.rotations.last_mut() {
            before.until = before.until.max(before.used_until.unwrap_or(until));
        }
        login.rotations.push(Rotation { key, until, used_until: None });
        login.issue(now);
        return Expected::Pair { login: index, generation: generation + 1 };
    }
    let remembered = &login.rotations[login.rotations.len().saturating_sub(REMEMBERED)..];
    let own = login.rotations[presented];
    let (until, replays) = match generation - presented {
        1 if own.key == key => {
            let until = own.until.max(own.used_until.unwrap_or(0));
            (until, own.used_until.is_none() || now < until)
        }
        1..=REMEMBERED => (own.until, false),
        _ => (remembered[0].until, false),
    };
    if replays {
        return Expected::Pair { login: index, generation };
    }
    if now >= until + TOLERANCE_MS {
        login.ended = true;
        return Expected::No;
    }
    Expected::Superseded
}

/// Moves to just before, at and just after instants that matter to some login; or any distance, and a little back.
fn waits(world: &World) -> BoxedStrategy<i64> {
    let live = world.logins.iter().filter(|login| !login.ended);
    let instants = live.flat_map(|login| {
        let windows = login.rotations.iter().rev().take(REMEMBERED + 1).flat_map(|rotation| {
            let until = rotation.used_until.map_or(rotation.until, |used_until| used_until.max(rotation.until));
            [until, until + TOLERANCE_MS]
        });
        let newest = login.sessions[login.generation()];
        windows.chain([newest.0, newest.1])
    });
    let mut ahead: Vec<i64> = instants.map(|instant| instant - world.now).filter(|wait| *wait > 0).collect();
    ahead.push(WINDOW_MS / 3);
    let to_an_instant =
        (proptest::sample::select(ahead), prop_oneof![3 => Just(0), 2 => Just(-1), 1 => Just(1)]).prop_map(|(wait, off)| wait + off);
    prop_oneof![8 => to_an_instant, 2 => 1..WINDOW_MS, 1 => -60_000..0_i64].boxed()
}
