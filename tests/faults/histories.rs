//! Concurrent clients of one login see only what sequential clients could have seen. Recorded histories pass a
//! linearizability check (Herlihy and Wing, 1990) against a plain object with the login's semantics.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use latchkey::{entropy::Random, token::RefreshToken};
use latchkey_tests::{
    seed::{derived, seed_of_test, seeded},
    service::Pair,
};
use stateright::semantics::{ConsistencyTester as _, LinearizabilityTester, SequentialSpec};

use crate::{
    rounds::{rounds, together},
    subject::{Ground, Subject},
    tally::{Breach, Tally},
};

/// A client's request, with the tokens of a generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Refresh(u32),
    Authorize(u32),
    Logout(u32),
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// The pair of this generation.
    Issued(u32),
    Superseded,
    Allowed,
    Refused,
    Ended,
}

/// A login whose replay windows are all open: its generation, or `None` once it is ended.
#[derive(Debug, Clone)]
struct Login(Option<u32>);

impl SequentialSpec for Login {
    type Op = Act;
    type Ret = Outcome;

    fn invoke(&mut self, act: &Act) -> Outcome {
        match (*act, self.0) {
            (Act::Logout(_), _) => {
                self.0 = None;
                Outcome::Ended
            }
            (Act::Authorize(presented), Some(current)) if presented == current => Outcome::Allowed,
            (Act::Refresh(presented), Some(current)) if presented == current => {
                self.0 = Some(current + 1);
                Outcome::Issued(current + 1)
            }
            (Act::Refresh(presented), Some(current)) if presented + 1 == current => Outcome::Issued(current),
            (Act::Refresh(presented), Some(current)) if presented < current => Outcome::Superseded,
            (Act::Authorize(_) | Act::Refresh(_), _) => Outcome::Refused,
        }
    }
}

type History = LinearizabilityTester<usize, Login>;

/// State that the clients of a login share: the recorded history and every pair that one of them received.
struct Shared {
    history: History,
    pairs: BTreeMap<u32, Pair>,
    outcomes: Vec<Outcome>,
    breaches: Vec<(Breach, String)>,
}

const CLIENTS: usize = 4;
const ACTS: usize = 5;

/// A client's next request: mostly with the newest known pair, sometimes with an older one.
fn next_act(newest: u32, dice: [u8; 2], ends: bool) -> Act {
    let [kind, age] = dice;
    let older = newest.saturating_sub(u32::from(age % 3));
    match kind % 5 {
        0 if ends => Act::Logout(older),
        0 | 1 => Act::Refresh(newest),
        2 => Act::Refresh(older),
        3 => Act::Authorize(newest),
        _ => Act::Authorize(older),
    }
}

async fn client(subject: Subject, shared: Arc<Mutex<Shared>>, number: usize, random: Random) {
    for step in 0..ACTS {
        let dice = random.bytes().unwrap();
        let (act, pair) = {
            let mut shared = shared.lock().unwrap();
            let newest = shared.pairs.last_key_value().map(|(generation, _)| *generation).unwrap();
            let act = next_act(newest, dice, step + 2 > ACTS);
            let (Act::Refresh(generation) | Act::Authorize(generation) | Act::Logout(generation)) = act;
            let pair = shared.pairs.range(..=generation).next_back().map(|(generation, pair)| (*generation, pair.clone())).unwrap();
            let act = match act {
                Act::Refresh(_) => Act::Refresh(pair.0),
                Act::Authorize(_) => Act::Authorize(pair.0),
                Act::Logout(_) => Act::Logout(pair.0),
            };
            shared.history.on_invoke(number, act).unwrap();
            (act, pair.1)
        };
        let answer = match act {
            Act::Refresh(_) => subject.refresh(&pair.refresh).await,
            Act::Authorize(_) => subject.me(&pair.access).await,
            Act::Logout(_) => subject.logout(&pair.access).await,
        };
        let mut shared = shared.lock().unwrap();
        let outcome = match (act, answer.status) {
            (Act::Refresh(_), 200) => {
                let pair = Pair::of(&answer);
                let generation = RefreshToken::parse(&pair.refresh).unwrap().generation().number();
                let known = shared.pairs.entry(generation).or_insert_with(|| pair.clone());
                if *known != pair {
                    shared.breaches.push((Breach::DuplicateCommit, format!("two pairs of generation {generation}")));
                }
                Outcome::Issued(generation)
            }
            (Act::Authorize(_), 200) => Outcome::Allowed,
            (Act::Refresh(_), 409) => Outcome::Superseded,
            (Act::Refresh(_) | Act::Authorize(_), 401) => Outcome::Refused,
            (Act::Logout(_), 204) => Outcome::Ended,
            // It is unknown whether the request took effect, so the history stays open and the client stops here.
            (_, 503) => return,
            _ => {
                shared.breaches.push((Breach::Unexpected, format!("{act:?}: {:?}", answer.outcome())));
                return;
            }
        };
        shared.outcomes.push(outcome);
        shared.history.on_return(number, outcome).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn histories_are_linearizable() {
    // The seed fixes what the clients ask for, not whose request comes first.
    let seed = seed_of_test("faults");
    let ground = Ground::new().await;
    let mut tally = Tally::default();
    for round in 0..rounds(30) {
        tally.cells += 1;
        let subject = Subject::new(&ground).await;
        let pairs = [(0, subject.first_login().await)].into();
        let shared =
            Arc::new(Mutex::new(Shared { history: History::new(Login(Some(0))), pairs, outcomes: Vec::new(), breaches: Vec::new() }));
        let (subject_, shared_) = (subject.clone(), Arc::clone(&shared));
        together(CLIENTS, move |number| {
            let random = seeded(derived(seed, &format!("round {round}, client {number}")));
            client(subject_.clone(), Arc::clone(&shared_), number, random)
        })
        .await;
        let shared = shared.lock().unwrap();
        tally.breaches.extend(shared.breaches.iter().cloned());
        for outcome in &shared.outcomes {
            let kind = if matches!(outcome, Outcome::Issued(_)) { "Issued".to_owned() } else { format!("{outcome:?}") };
            *tally.answers.entry(kind).or_default() += 1;
        }
        tally.hold(shared.history.is_consistent(), Breach::Invariant, || format!("round {round}: {:?}", shared.history));
    }
    tally.close("linearizability of refresh, authorize and logout");
}

/// The check rejects impossible histories: a token that passes after an acknowledged logout, and two successors of one
/// token.
#[test]
fn histories_that_break_a_promise_are_told() {
    let history = |steps: &[(usize, Act, Outcome)]| {
        let mut history = History::new(Login(Some(0)));
        for (client, act, outcome) in steps {
            history.on_invret(*client, *act, *outcome).unwrap();
        }
        history.is_consistent()
    };
    let rotation = (0, Act::Refresh(0), Outcome::Issued(1));
    assert!(history(&[rotation, (1, Act::Refresh(0), Outcome::Issued(1)), (1, Act::Authorize(1), Outcome::Allowed)]));
    assert!(!history(&[(0, Act::Logout(0), Outcome::Ended), (1, Act::Authorize(0), Outcome::Allowed)]));
    assert!(!history(&[(0, Act::Logout(0), Outcome::Ended), (1, Act::Refresh(0), Outcome::Issued(1))]));
    assert!(!history(&[rotation, (1, Act::Authorize(0), Outcome::Allowed)]));
    assert!(!history(&[rotation, (1, Act::Authorize(1), Outcome::Refused)]));
    assert!(!history(&[rotation, (1, Act::Refresh(0), Outcome::Issued(2))]));
}
