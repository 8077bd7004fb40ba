//! What has happened in some run or other, so that a model in which nothing happens doesn't pass for a proof.

use std::hash::{Hash, Hasher};

use crate::world::World;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notice {
    Rotation,
    Replay,
    /// A replay after its window: the successor hasn't been used.
    Recovered,
    Superseded,
    /// Superseded by the oldest window that the login remembers.
    OffTheList,
    Reuse,
    Refused,
    TornRead,
    Conflict,
    /// A commit whose answer was lost, found by its own request.
    CommittedUnheard,
    Allowed,
    Marked,
    MarkConflict,
    LateMark,
    LateRotation,
    Login,
    LoginTorn,
    LoginRefused,
    LoginBlocked,
    HashReplaced,
    /// A hash was not replaced, because it isn't the one that was verified any more.
    HashKept,
    EndedInMidCommit,
    EndAllAcknowledged,
}

/// What the step that led here showed. No part of the state: two states that differ in it alone are one.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Noticed(pub(crate) u32);

impl PartialEq for Noticed {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl Eq for Noticed {}

impl Hash for Noticed {
    fn hash<H: Hasher>(&self, _state: &mut H) {}
}

impl Notice {
    pub(crate) fn bit(self) -> u32 {
        1 << self as u32
    }
}

impl World {
    pub(crate) fn notice(&mut self, notice: Notice) {
        self.noticed.0 |= notice.bit();
    }
}
