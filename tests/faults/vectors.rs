//! F1: every vector of cancellation reasons is judged by precedence, and is never a success or "reuse".

use latchkey_tests::{
    service::{Answer, Pair},
    tap::{CONDITION_FAILED, Fault, Reach, Rule},
};
use tokio::task::JoinSet;

use crate::{
    sizes::full,
    subject::{Ground, Subject},
    table::Table,
    tally::{Breach, Tally},
};

const CODES: [&str; 7] = [
    "None",
    CONDITION_FAILED,
    "TransactionConflict",
    "ThrottlingError",
    "ProvisionedThroughputExceeded",
    "ItemCollectionSizeLimitExceeded",
    "ValidationError",
];

/// Chains that run in parallel, each with its own login.
const CHAINS: usize = 4;

fn rule(codes: &[&'static str]) -> Vec<Rule> {
    vec![Rule { operation: "TransactWriteItems", nth: 1, reach: Reach::OneCall, fault: Fault::Cancelled(codes.to_vec()) }]
}

/// A validation error is our bug. After a failed condition or a conflict the handler reads again and succeeds. Everything
/// else gets 503.
fn expected(codes: &[&str]) -> (u16, &'static str) {
    if codes.contains(&"ValidationError") {
        (500, "internal")
    } else if codes.contains(&CONDITION_FAILED) || codes.contains(&"TransactionConflict") {
        (200, "")
    } else {
        (503, "unavailable")
    }
}

fn judge(tally: &mut Tally, codes: &[&str], answer: &Answer) {
    tally.cells += 1;
    *tally.answers.entry(format!("{} {}", answer.status, answer.code())).or_default() += 1;
    tally.hold(answer.status != 401, Breach::Wrong401, || format!("{codes:?}: {:?}", answer.outcome()));
    tally.hold(answer.outcome() == expected(codes), Breach::Unexpected, || format!("{codes:?}: {:?}", answer.outcome()));
}

/// All vectors of `items` codes.
fn vectors(items: u32) -> impl Iterator<Item = Vec<&'static str>> {
    (0..7_usize.pow(items)).map(move |number| (0..items).map(|item| CODES[number / 7_usize.pow(item) % 7]).collect())
}

/// Covers each pair of codes at each pair of positions with 49 vectors: the lines of the plane over the field of seven
/// elements.
fn pairwise() -> impl Iterator<Item = Vec<&'static str>> {
    (0..49).map(|number| {
        let (a, b) = (number / 7, number % 7);
        [a, b, a + b, a + 2 * b, a + 3 * b].map(|code| CODES[code % 7]).into()
    })
}

async fn in_chains<F: Future<Output = Tally> + Send + 'static>(
    all: Vec<Vec<&'static str>>,
    chain: impl Fn(Ground, Vec<Vec<&'static str>>) -> F,
) -> Tally {
    let ground = Ground::new().await;
    let mut running = JoinSet::new();
    for part in all.chunks(all.len().div_ceil(CHAINS)) {
        running.spawn(chain(ground.clone(), part.to_vec()));
    }
    let mut tally = Tally::default();
    while let Some(part) = running.join_next().await {
        tally.add(part.unwrap());
    }
    tally
}

/// One login, rotated once for each vector.
async fn rotations(ground: Ground, vectors: Vec<Vec<&'static str>>) -> Tally {
    let subject = Subject::new(&ground).await;
    let mut tally = Tally::default();
    let mut pair = subject.first_login().await;
    for (generation, codes) in (1..).zip(&vectors) {
        subject.tap.arm(rule(codes));
        let answer = subject.refresh(&pair.refresh).await;
        let _ = subject.tap.disarm();
        judge(&mut tally, codes, &answer);
        let retry = subject.refresh(&pair.refresh).await;
        if retry.status != 200 {
            tally.breach(Breach::LostSession, format!("{codes:?}: the retry got {:?}", retry.outcome()));
            break;
        }
        let next = Pair::of(&retry);
        tally.hold(answer.status != 200 || Pair::of(&answer) == next, Breach::DuplicateCommit, || format!("{codes:?}: another pair"));
        let table = Table::read(&subject).await;
        table.check(&mut tally, &format!("{codes:?}"));
        let stands_at = table.generation(&next.login_id);
        tally.hold(stands_at == Some(generation), Breach::DuplicateCommit, || format!("{codes:?}: at {stands_at:?}, not {generation}"));
        pair = next;
    }
    tally.hold(subject.allows(&pair.access).await, Breach::LostSession, || "the last token doesn't pass".to_owned());
    tally
}

/// One device that logs in once for each vector.
async fn logins(ground: Ground, vectors: Vec<Vec<&'static str>>) -> Tally {
    let subject = Subject::new(&ground).await;
    let mut tally = Tally::default();
    let mut pair = Pair::of(&subject.login().await);
    for codes in &vectors {
        subject.tap.arm(rule(codes));
        let answer = subject.login().await;
        let _ = subject.tap.disarm();
        judge(&mut tally, codes, &answer);
        let table = Table::read(&subject).await;
        table.check(&mut tally, &format!("{codes:?}"));
        let current = if answer.status == 200 { Pair::of(&answer) } else { pair.clone() };
        let there: Vec<_> = table.logins.keys().collect();
        tally.hold(there == [&current.login_id], Breach::DuplicateCommit, || format!("{codes:?}: the device has {} logins", there.len()));
        pair = current;
    }
    tally.hold(subject.login().await.status == 200, Breach::LostSession, || "no login afterwards".to_owned());
    tally
}

#[tokio::test]
async fn every_vector_of_reasons_for_a_rotation() {
    in_chains(vectors(3).collect(), rotations).await.close("cancellation vectors of rotate");
}

#[tokio::test]
async fn vectors_of_reasons_for_a_login() {
    let all: Vec<_> = if full() { vectors(5).collect() } else { pairwise().collect() };
    in_chains(all, logins).await.close("cancellation vectors of login");
}

#[test]
fn pairwise_vectors_hold_each_two_codes_at_each_two_places() {
    let all: Vec<_> = pairwise().collect();
    for (first, second) in (0..5).flat_map(|first| (first + 1..5).map(move |second| (first, second))) {
        let pairs: std::collections::BTreeSet<_> = all.iter().map(|codes| (codes[first], codes[second])).collect();
        assert_eq!(pairs.len(), 49);
    }
}
