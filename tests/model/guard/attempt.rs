//! One attempt, step by step, as `shared/src/operations/attempt.rs` makes it.

use latchkey::throttle::{Admission, AttemptId, Count, Room, Scope, Verdict, admit};

use super::{Config, THROTTLE, Weakness, World};

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Attempt {
    pub(crate) network: u8,
    /// The owner's password is right; a guess is wrong.
    pub(crate) is_owners: bool,
    pub(crate) stage: Stage,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Stage {
    Arrived,
    /// It takes a place in one count after another.
    Holds {
        to_hold: Vec<Scope>,
        held: Vec<Scope>,
    },
    Judged {
        held: Vec<Scope>,
    },
    /// The verdict is written into one count after another.
    Settles {
        verdict: Verdict,
        left: Vec<Scope>,
    },
    Over,
}

impl Attempt {
    pub(crate) fn of(network: u8, is_owners: bool) -> Self {
        Self { network, is_owners, stage: Stage::Arrived }
    }

    pub(crate) fn is_under_way(&self) -> bool {
        self.stage != Stage::Over
    }

    /// How many ways it can go on: the counts are taken up in any order.
    pub(crate) fn choices(&self) -> usize {
        match &self.stage {
            Stage::Holds { to_hold, .. } => to_hold.len(),
            Stage::Settles { left, .. } => left.len(),
            Stage::Arrived | Stage::Judged { .. } => 1,
            Stage::Over => 0,
        }
    }

    /// The names that it is made at.
    fn tables(&self) -> &'static [usize] {
        if self.is_owners { &[0] } else { &[0, 1] }
    }

    fn which(&self, scope: Scope) -> u8 {
        if scope == Scope::Account { 0 } else { self.network }
    }
}

/// `None` where the attempt has to wait for another one's verdict.
pub(crate) fn step(world: &mut World, place: usize, choice: usize, config: &Config) -> Option<()> {
    let attempt = world.attempts[place].clone();
    let next = match &attempt.stage {
        Stage::Arrived => arrive(world, &attempt, config),
        Stage::Holds { to_hold, held } => hold(world, &attempt, place, to_hold, held, choice, config)?,
        Stage::Judged { held } => judge(world, &attempt, held, config),
        Stage::Settles { verdict, left } => settle(world, &attempt, place, *verdict, left, choice, config),
        Stage::Over => return None,
    };
    world.attempts[place].stage = next;
    Some(())
}

fn arrive(world: &mut World, attempt: &Attempt, config: &Config) -> Stage {
    let answers: Vec<Admission> =
        attempt.tables().iter().map(|table| admit(&world.seen(*table, attempt.network, config), &THROTTLE, world.now())).collect();
    world.told_apart |= answers.iter().any(|answer| *answer != answers[0]);
    match &answers[0] {
        Admission::LookAt(to_hold) => Stage::Holds { to_hold: to_hold.clone(), held: Vec::new() },
        Admission::Wait(..) => Stage::Over,
    }
}

fn hold(
    world: &mut World,
    attempt: &Attempt,
    place: usize,
    to_hold: &[Scope],
    held: &[Scope],
    choice: usize,
    config: &Config,
) -> Option<Stage> {
    let (scope, now) = (to_hold[choice], world.now());
    let key = (scope, attempt.which(scope));
    let count = |table: &usize| world.tables[*table].get(&key).cloned().unwrap_or_default();
    let rooms: Vec<Room> = attempt.tables().iter().map(|table| count(table).room(scope, &THROTTLE, now)).collect();
    if rooms.contains(&Room::Settling) {
        return None;
    }
    world.told_apart |= rooms.iter().any(|room| *room != rooms[0]);
    let (mut held, mut to_hold) = (held.to_vec(), to_hold.to_vec());
    if rooms[0] != Room::Open {
        return Some(if held.is_empty() { Stage::Over } else { Stage::Settles { verdict: Verdict::NotJudged, left: held } });
    }
    for table in attempt.tables() {
        let count = world.tables[*table].entry(key).or_default();
        *count = match config.weakness {
            Some(Weakness::NothingPending) => continue,
            Some(Weakness::FailureUntilRight) => count.settled(scope, &id(place), Verdict::Wrong, &THROTTLE, now),
            _ => count.with_pending(&id(place), now),
        };
    }
    held.push(to_hold.remove(choice));
    Some(if to_hold.is_empty() { Stage::Judged { held } } else { Stage::Holds { to_hold, held } })
}

fn judge(world: &mut World, attempt: &Attempt, held: &[Scope], config: &Config) -> Stage {
    if attempt.is_owners {
        return Stage::Settles { verdict: Verdict::Right, left: held.to_vec() };
    }
    world.judged_wrong += 1;
    world.looked_at += u32::from(config.weakness == Some(Weakness::AnsweredBeforeCounted));
    Stage::Settles { verdict: Verdict::Wrong, left: vec![Scope::Network, Scope::Account] }
}

fn settle(world: &mut World, attempt: &Attempt, place: usize, verdict: Verdict, left: &[Scope], choice: usize, config: &Config) -> Stage {
    let (mut left, now) = (left.to_vec(), world.now());
    let scope = left.remove(choice);
    for table in attempt.tables() {
        let count = world.tables[*table].entry((scope, attempt.which(scope))).or_default();
        let failed_before = config.weakness == Some(Weakness::FailureUntilRight) && verdict == Verdict::Wrong;
        if !failed_before {
            *count = count.settled(scope, &id(place), verdict, &THROTTLE, now);
        }
        if verdict == Verdict::Right {
            match config.weakness {
                Some(Weakness::ResetAtSuccess) => *count = Count { drained_at: None, last_failure_at: None, ..count.clone() },
                Some(Weakness::FailureUntilRight) => count.drained_at = None,
                _ => {}
            }
        }
    }
    if !left.is_empty() {
        return Stage::Settles { verdict, left };
    }
    let answered_before = config.weakness == Some(Weakness::AnsweredBeforeCounted);
    world.looked_at += u32::from(verdict == Verdict::Wrong && !answered_before);
    Stage::Over
}

fn id(place: usize) -> AttemptId {
    AttemptId(place.to_string())
}
