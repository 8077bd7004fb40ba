//! A model of a login that is bound to a key (RFC 9449): the client, a thief who has copied its tokens and its proofs, and handlers
//! of two versions, in every order, against the promise G12 of the design.
//!
//! The decisions are those of `latchkey::decision`, and what is remembered of proofs is that of `latchkey::dpop`. The model has what
//! the refresh operation does with them: a proof is good at its arrival or not, the login is read, a decision is made, and one
//! conditional write follows, before the answer. A read and a transaction are one step each: `model.rs` has worlds for what is torn.
//! A write that goes unheard is read again, and an answer may be lost.
//!
//! A step of time is 100 s, a third of what a client's clock may be off by. A request lives for less. The client takes the token out of
//! its storage right before it sends it, and signs a new proof for every attempt. The thief has every token and every proof as soon as
//! the client has sent it, answered or not, may hold back what the client sends, and has a key of their own.

mod request;
mod verdict;
mod worlds;

use latchkey::dpop::AnsweredProofs;
use stateright::{Model, Property};

use crate::table::{LoginItem, Predecessor, Tick, Token};
use request::Request;

/// 100 s.
pub(crate) const STEP: Tick = 40;
/// 30 s.
pub(crate) const WINDOW: Tick = 12;
/// 5 min: how far a client's clock may be off.
pub(crate) const AHEAD: Tick = 120;

/// One bounded world.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Config {
    pub(crate) name: &'static str,
    /// Requests of the client, and those of them that never reach a handler, though the thief sees them.
    pub(crate) sends: u8,
    pub(crate) held_back: u8,
    /// Requests of the thief.
    pub(crate) thefts: u8,
    pub(crate) at_once: usize,
    /// Answers that the client doesn't get, and commits that the handler doesn't hear of.
    pub(crate) lost_answers: u8,
    pub(crate) unheard: u8,
    /// How far the client's clock is ahead.
    pub(crate) ahead: Tick,
    pub(crate) steps: u8,
    /// The thief's requests may reach a version that knows no bound logins.
    pub(crate) canary: bool,
    pub(crate) weakness: Option<Weakness>,
}

/// What a control does worse than the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weakness {
    /// The successor of a rotation knows only the proof of that rotation.
    DroppedAtRotation,
    /// The refresh table is judged first, the key then.
    ReuseBeforeKey,
    /// A proof is known by its signature, of which anyone can make a second form.
    SignatureIsTheKey,
    /// The login item of a bound login is one that the version before can read.
    NoSchema,
    /// A rotation doesn't ask whether a proof was answered since the read.
    RecordUnasked,
    /// A late replay is answered first, its proof is written then.
    WrittenAfterAnswer,
    /// A proof is forgotten 5 minutes after its answer, though one dated ahead is good for longer.
    ForgottenTooSoon,
    /// A proof is good for every route.
    AnyRoute,
    /// A login that is bound takes a token without a proof.
    KeyUnasked,
    /// A rotation is no first use of the session that it replaces.
    NothingRaised,
    /// Only a proof that would be answered is looked for among the answered ones.
    RepeatIsReuse,
}

/// What a party shows beside a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Shown {
    Nothing,
    /// A proof by the thief's own key.
    OwnKey,
    /// The client's proof of this number, in one of its two forms.
    Proof(u8, Form),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Form {
    AsSigned,
    /// The other valid signature over the same text.
    Second,
}

/// A proof that the client has made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Proof {
    /// In the same ticks, which may go on beyond the run's.
    pub(crate) issued: u16,
    /// The proof of the login itself is for another route.
    pub(crate) of_login: bool,
    pub(crate) answered: bool,
}

/// The session of the login's generation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Session {
    pub(crate) minter: u8,
    pub(crate) predecessor: Option<Predecessor>,
    pub(crate) answered: AnsweredProofs,
}

/// The login and its session. None once the login has ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Stored {
    pub(crate) login: LoginItem,
    pub(crate) session: Session,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) now: Tick,
    pub(crate) stored: Option<Stored>,
    pub(crate) proofs: Vec<Proof>,
    /// Every token that the client was ever answered with, the newest last: the one in its storage.
    pub(crate) tokens: Vec<Token>,
    pub(crate) requests: Vec<Request>,
    pub(crate) sent: u8,
    pub(crate) held_back: u8,
    pub(crate) thefts: u8,
    pub(crate) lost_answers: u8,
    pub(crate) unheard: u8,
    /// The thief came first with a proof that wasn't answered yet: a pair by it, or the end of the login by an older token, is theirs.
    pub(crate) came_first: bool,
    pub(crate) flaw: Option<Flaw>,
}

/// A promise that a step broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Flaw {
    /// One proof yielded two answers: the thief has a pair by a proof that was answered.
    AnsweredTwice,
    /// A pair was answered to a request without a proof by the client's key.
    WithoutKey,
    /// A pair was answered to a proof for another route.
    OtherRoute,
    /// A request without a new proof by the client's key ended the login.
    EndedByThief,
    /// What an honest client sent ended its login, or was refused as if it had ended.
    HonestRefused,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Send,
    /// The client signs and sends, and nothing arrives.
    HoldBack,
    Steal(Token, Shown, bool),
    /// A request goes on; at its commit and its answer there is a choice.
    Go(usize, request::Choice),
    Tick,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Bound(pub(crate) Config);

impl World {
    fn at_the_start() -> Self {
        let token = Token { login: 0, generation: 0, minter: crate::promised::FIRST };
        let session = Session { minter: token.minter, predecessor: None, answered: AnsweredProofs::default() };
        Self {
            now: 0,
            stored: Some(Stored { login: LoginItem::NEW, session }),
            proofs: vec![Proof { issued: 0, of_login: true, answered: true }],
            tokens: vec![token],
            requests: Vec::new(),
            sent: 0,
            held_back: 0,
            thefts: 0,
            lost_answers: 0,
            unheard: 0,
            came_first: false,
            flaw: None,
        }
    }

    pub(crate) fn sign(&mut self, config: &Config) -> Shown {
        let number = crate::world::number(self.proofs.len());
        self.proofs.push(Proof { issued: u16::from(self.now) + u16::from(config.ahead), of_login: false, answered: false });
        Shown::Proof(number, Form::AsSigned)
    }

    fn under_way(&self) -> impl Iterator<Item = (usize, &Request)> {
        self.requests.iter().enumerate().filter(|(_, request)| request.is_under_way())
    }
}

impl Model for Bound {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World::at_the_start()]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        let Self(config) = self;
        if world.flaw.is_some() {
            return;
        }
        if world.under_way().count() < config.at_once {
            if world.sent < config.sends {
                actions.push(Action::Send);
                if world.held_back < config.held_back {
                    actions.push(Action::HoldBack);
                }
            }
            if world.thefts < config.thefts {
                let proofs = (0..crate::world::number(world.proofs.len()))
                    .flat_map(|number| [Form::AsSigned, Form::Second].map(|form| Shown::Proof(number, form)));
                let shown: Vec<_> = [Shown::Nothing, Shown::OwnKey].into_iter().chain(proofs).collect();
                for token in &world.tokens {
                    actions.extend(shown.iter().map(|shown| Action::Steal(*token, *shown, false)));
                    if config.canary {
                        actions.extend(shown.iter().map(|shown| Action::Steal(*token, *shown, true)));
                    }
                }
            }
        }
        for (place, request) in world.under_way() {
            actions.extend(request.choices(world, config).into_iter().map(|choice| Action::Go(place, choice)));
        }
        if world.now < STEP * config.steps && world.under_way().next().is_none() {
            actions.push(Action::Tick);
        }
    }

    fn next_state(&self, last: &World, action: Action) -> Option<World> {
        let Self(config) = self;
        let mut world = last.clone();
        match action {
            Action::Send => {
                world.sent += 1;
                let (token, shown) = (*world.tokens.last()?, world.sign(config));
                world.requests.push(Request::of_client(token, shown, world.now));
            }
            Action::HoldBack => {
                world.sent += 1;
                world.held_back += 1;
                world.sign(config);
            }
            Action::Steal(token, shown, old_version) => {
                world.thefts += 1;
                world.requests.push(Request::of_thief(token, shown, old_version, world.now));
            }
            Action::Go(place, choice) => request::step(&mut world, place, choice, config),
            Action::Tick => world.now += STEP,
        }
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        worlds::promises()
    }
}
