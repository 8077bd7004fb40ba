//! One refresh, step by step, as `shared/src/operations/refresh.rs` makes it.

use latchkey::dpop::AnsweredProofs;

use super::{
    Config, Flaw, Session, Shown, Stored, WINDOW, Weakness, World,
    verdict::{Asked, Verdict, carried, decide, shown, windows_after},
};
use crate::{
    table::{Predecessor, SessionItem, Tick, Token},
    world::number,
};

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Request {
    is_clients: bool,
    token: Token,
    shown: Shown,
    old_version: bool,
    now: Tick,
    minted: bool,
    stage: Stage,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Stage {
    Read,
    /// What it read, and what it is about to write.
    Rotate(Stored, AnsweredProofs),
    Replay(Stored, AnsweredProofs),
    /// Answered, and where a control writes late, what it still writes.
    Answer(Token, Option<(Stored, AnsweredProofs)>),
    Over,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    Heard,
    /// The write is carried out, and its answer doesn't reach the handler; or the pair doesn't reach the client.
    Lost,
}

impl Request {
    pub(crate) fn of_client(token: Token, shown: Shown, now: Tick) -> Self {
        Self { is_clients: true, token, shown, old_version: false, now, minted: false, stage: Stage::Read }
    }

    pub(crate) fn of_thief(token: Token, shown: Shown, old_version: bool, now: Tick) -> Self {
        Self { is_clients: false, token, shown, old_version, now, minted: false, stage: Stage::Read }
    }

    pub(crate) fn is_under_way(&self) -> bool {
        self.stage != Stage::Over
    }

    pub(crate) fn choices(&self, world: &World, config: &Config) -> Vec<Choice> {
        let may_be_lost = match self.stage {
            Stage::Rotate(..) | Stage::Replay(..) => world.unheard < config.unheard,
            Stage::Answer(..) => self.is_clients && world.lost_answers < config.lost_answers,
            Stage::Read | Stage::Over => false,
        };
        if may_be_lost { vec![Choice::Heard, Choice::Lost] } else { vec![Choice::Heard] }
    }
}

pub(crate) fn step(world: &mut World, place: usize, choice: Choice, config: &Config) {
    let mut request = world.requests[place].clone();
    let stage = std::mem::replace(&mut request.stage, Stage::Over);
    let is_lost = choice == Choice::Lost;
    request.stage = match stage {
        Stage::Over => return,
        Stage::Read => read(world, &request, place, config),
        Stage::Rotate(seen, answered) => {
            request.minted = true;
            world.unheard += u8::from(is_lost);
            let committed = rotate(world, &request, place, &seen, answered, config);
            // Unheard, and after a condition that failed: the login is read again.
            if committed && !is_lost { Stage::Answer(request.token.successor(number(place)), None) } else { Stage::Read }
        }
        Stage::Replay(seen, answered) => {
            world.unheard += u8::from(is_lost);
            let pair = request.token.successor(seen.session.minter);
            if config.weakness == Some(Weakness::WrittenAfterAnswer) {
                Stage::Answer(pair, Some((seen, answered)))
            } else {
                match (record(world, &seen, &answered), is_lost) {
                    (true, false) => Stage::Answer(pair, None),
                    // An outage: 503.
                    (true, true) => Stage::Over,
                    (false, _) => Stage::Read,
                }
            }
        }
        Stage::Answer(pair, late) => {
            if let Some((seen, answered)) = late {
                record(world, &seen, &answered);
            }
            answer(world, &request, pair, is_lost);
            Stage::Over
        }
    };
    world.requests[place] = request;
}

fn read(world: &mut World, request: &Request, place: usize, config: &Config) -> Stage {
    // A version that knows no proofs looks at none.
    let possession = match shown(world, request.shown, request.now, config) {
        Ok(possession) => possession,
        Err(()) if request.old_version => None,
        Err(()) => return Stage::Over,
    };
    let minted = request.minted.then(|| number(place));
    let asked = Asked { token: request.token, possession, minted, old_version: request.old_version, now: request.now };
    let seen = world.stored.clone();
    match (decide(seen.as_ref(), &asked, config), seen) {
        (Verdict::Rotate(answered), Some(seen)) => Stage::Rotate(seen, carried(answered, &asked, config)),
        (Verdict::Replay(answered), Some(seen)) => Stage::Replay(seen, answered),
        (Verdict::Success, _) => Stage::Answer(request.token.successor(number(place)), None),
        (Verdict::Reuse, _) => {
            let by_a_new_proof = matches!(request.shown, Shown::Proof(number, _) if !world.proofs[usize::from(number)].answered);
            if !by_a_new_proof {
                world.flaw = Some(Flaw::EndedByThief);
            } else if config.thefts == 0 {
                world.flaw = Some(Flaw::HonestRefused);
            }
            world.came_first |= !request.is_clients;
            world.stored = None;
            Stage::Over
        }
        (Verdict::AnotherKey | Verdict::Refused, _) if request.is_clients && config.thefts == 0 => {
            world.flaw = Some(Flaw::HonestRefused);
            Stage::Over
        }
        _ => Stage::Over,
    }
}

/// The transaction of a rotation. Its conditions: the login's generation, the presented token, and the answered proofs as read.
fn rotate(world: &mut World, request: &Request, place: usize, seen: &Stored, answered: AnsweredProofs, config: &Config) -> bool {
    let unasked = config.weakness == Some(Weakness::RecordUnasked) || request.old_version;
    let holds = world.stored.as_ref().is_some_and(|stored| {
        let same = (stored.login.generation, stored.session.minter) == (seen.login.generation, seen.session.minter);
        same && (unasked || stored.session.answered == seen.session.answered)
    });
    if !holds {
        return false;
    }
    let predecessor =
        Predecessor { minter: request.token.minter, until: request.now + WINDOW, key: None, awaits_use: false, used_until: None };
    let successor = SessionItem { minter: number(place), predecessor: Some(predecessor) };
    let windows = windows_after(seen, request.token, successor, config);
    let login = seen.login.rotated(&windows);
    let session = Session { minter: successor.minter, predecessor: successor.predecessor, answered };
    world.stored = Some(Stored { login, session });
    true
}

/// The write before a replay is answered. Its condition: the session is there, and its answered proofs are as read.
fn record(world: &mut World, seen: &Stored, answered: &AnsweredProofs) -> bool {
    match &mut world.stored {
        Some(stored) if *stored == *seen => {
            stored.session.answered = answered.clone();
            true
        }
        _ => false,
    }
}

fn answer(world: &mut World, request: &Request, pair: Token, is_lost: bool) {
    let flaw = match request.shown {
        Shown::Nothing | Shown::OwnKey => Some(Flaw::WithoutKey),
        Shown::Proof(number, _) => {
            let proof = &mut world.proofs[usize::from(number)];
            let flaw = match (proof.of_login, proof.answered) {
                (true, _) => Some(Flaw::OtherRoute),
                (false, true) => Some(Flaw::AnsweredTwice),
                (false, false) => None,
            };
            proof.answered = true;
            flaw
        }
    };
    world.flaw = world.flaw.or(flaw);
    if !request.is_clients {
        world.came_first = true;
        return;
    }
    if is_lost {
        world.lost_answers += 1;
    } else if world.tokens.last().is_some_and(|newest| newest.generation < pair.generation) {
        world.tokens.push(pair);
    }
}
