//! R1, R2, R3, R7: over HTTP, with a check of the table after each round.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use chrono::TimeDelta;
use latchkey::{
    entropy::Random,
    token::{AccessToken, Proof, RefreshToken, Seed, TokenPair},
};
use latchkey_tests::service::Pair;

use crate::{
    rounds::{patient_refresh, rounds, together},
    subject::{Ground, Subject},
    table::Table,
    tally::{Breach, Tally},
};

/// R1, R6: one rotation; all answers are identical. Each new token works at once, and the old one no more.
pub(crate) async fn parallel_refreshes(subject: &Subject, clients: usize, rounds: usize) -> Tally {
    let mut tally = Tally::default();
    let mut pair = subject.first_login().await;
    for generation in (1..).take(rounds) {
        tally.cells += 1;
        let (subject_, presented) = (subject.clone(), pair.clone());
        let answers = together(clients, move |number| {
            let (subject, presented) = (subject_.clone(), presented.clone());
            async move {
                let answer = patient_refresh(&subject, &presented.refresh).await;
                let refreshed = answer.status == 200;
                // Some ask with the old token at once, before the transaction is answered.
                let old_first = number % 2 == 0 && refreshed && subject.allows(&presented.access).await;
                let passes = refreshed && subject.allows(&Pair::of(&answer).access).await;
                let old_passes = old_first || (refreshed && subject.allows(&presented.access).await);
                (answer, passes, old_passes)
            }
        })
        .await;
        for (answer, passes, old_passes) in &answers {
            *tally.answers.entry(format!("{} {}", answer.status, answer.code())).or_default() += 1;
            tally.hold(answer.status != 401, Breach::Wrong401, || format!("{clients} clients, round {generation}"));
            tally.hold(answer.status == 200, Breach::LostSession, || format!("{clients} clients: {:?}", answer.outcome()));
            tally.hold(answer.text == answers[0].0.text, Breach::DuplicateCommit, || format!("{clients} clients: two pairs"));
            tally.hold(*passes, Breach::LostSession, || format!("{clients} clients: a new token doesn't pass at once"));
            tally.hold(!*old_passes, Breach::WrongAllow, || format!("{clients} clients: the old token passes"));
        }
        // Without a new pair there is nothing to go on with.
        let Some((refreshed, ..)) = answers.iter().find(|(answer, ..)| answer.status == 200) else { break };
        pair = Pair::of(refreshed);
        subject.tap.arrived().await;
        let table = Table::read(subject).await;
        table.check(&mut tally, &format!("{clients} clients"));
        tally.hold(table.generation(&pair.login_id) == Some(generation), Breach::DuplicateCommit, || format!("{clients}: {table:?}"));
    }
    tally
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_refreshes_rotate_once() {
    let mut tally = Tally::default();
    for (clients, quick) in [(2, 12), (8, 6), (20, 3), (100, 1)] {
        let subject = Subject::new(&Ground::new().await).await;
        tally.add(parallel_refreshes(&subject, clients, rounds(quick)).await);
    }
    tally.close("parallel refreshes, 2 to 100 clients");
}

/// State that the tabs of a browser share.
type Stored = Arc<Mutex<Pair>>;

/// A tab that refreshes a few times. Answers arrive late, in any order, and some are lost.
async fn tab(subject: Subject, stored: Stored, number: usize) -> Vec<String> {
    let mut breaches = Vec::new();
    for turn in 0..4_usize {
        let presented = stored.lock().unwrap().refresh.clone();
        let answer = patient_refresh(&subject, &presented).await;
        tokio::time::sleep(Duration::from_millis(u64::try_from((number * 7 + turn * 13) % 23).unwrap())).await;
        match answer.outcome() {
            (200, _) if (number + turn).is_multiple_of(3) => {} // The answer is lost.
            (200, _) => {
                let mut stored = stored.lock().unwrap();
                // Only a pair's own successor replaces it, so a late answer doesn't restore an older pair.
                if stored.refresh == presented {
                    *stored = Pair::of(&answer);
                }
            }
            (409, "superseded") => {}
            other => breaches.push(format!("tab {number}, turn {turn}: {other:?}")),
        }
    }
    breaches
}

/// R2: the loser of a race is not treated as a thief.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tabs_that_lose_answers_are_never_logged_out() {
    let subject = Subject::new(&Ground::new().await).await;
    let mut tally = Tally::default();
    let stored = Arc::new(Mutex::new(subject.first_login().await));
    for round in 0..rounds(7) {
        tally.cells += 1;
        let (tabs, subject_, shared) = (2 + round % 7, subject.clone(), Arc::clone(&stored));
        for breach in together(tabs, move |number| tab(subject_.clone(), Arc::clone(&shared), number)).await.into_iter().flatten() {
            tally.breach(Breach::Wrong401, format!("{tabs} tabs: {breach}"));
        }
        let last = stored.lock().unwrap().refresh.clone();
        let answer = patient_refresh(&subject, &last).await;
        tally.hold(answer.status == 200, Breach::LostSession, || format!("{tabs} tabs: the stored token got {:?}", answer.outcome()));
        *stored.lock().unwrap() = Pair::of(&answer);
        Table::read(&subject).await.check(&mut tally, &format!("{tabs} tabs"));
        // The next round starts once these replay windows are closed: an old token would then end the login.
        subject.clock.advance(TimeDelta::seconds(36));
    }
    tally.close("tabs with lost and reordered answers");
}

/// R3: in parallel, from many clients. The previous token after its window, and the one before it inside its own window
/// and after it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn late_replays_end_the_login_and_early_ones_do_not() {
    let ground = Ground::new().await;
    let mut tally = Tally::default();
    for _ in 0..rounds(5) {
        tally.cells += 1;
        let subject = Subject::new(&ground).await;
        let first = subject.first_login().await;
        let second = Pair::of(&subject.refresh(&first.refresh).await);
        let third = Pair::of(&subject.refresh(&second.refresh).await);
        let present = |token: &str| {
            let (subject, token) = (subject.clone(), token.to_owned());
            together(8, move |_| {
                let (subject, token) = (subject.clone(), token.clone());
                async move { subject.refresh(&token).await.status }
            })
        };
        let early = present(&first.refresh).await;
        tally.hold(early == [409; 8], Breach::Unexpected, || format!("the token before the previous one, in its window: {early:?}"));
        tally.hold(subject.allows(&third.access).await, Breach::LostSession, || {
            "the token before the previous one ended the login within its window".to_owned()
        });
        subject.clock.advance(TimeDelta::seconds(36));
        let late = present(&second.refresh).await;
        tally.hold(late == [401; 8], Breach::WrongAllow, || format!("a replay after its window: {late:?}"));
        tally.hold(!subject.allows(&third.access).await, Breach::WrongAllow, || "reuse left the login alive".to_owned());
        // R5: no tokens are minted for a login that has ended.
        let after = [subject.refresh(&third.refresh).await.status, subject.refresh(&second.refresh).await.status];
        tally.hold(after == [401; 2], Breach::WrongAllow, || format!("after the end: {after:?}"));
        tally.hold(Table::read(&subject).await.logins.is_empty(), Breach::WrongAllow, || "the login is still there".to_owned());
    }
    tally.close("replays in and after their windows");
}

/// A token with the right key and a wrong proof.
pub(crate) fn forged(pair: &Pair) -> (String, String) {
    let (access, refresh) = (AccessToken::parse(&pair.access).unwrap(), RefreshToken::parse(&pair.refresh).unwrap());
    let (proof, seed) = (Proof::generate(&Random::system()).unwrap(), Seed::generate(&Random::system()).unwrap());
    let forged = TokenPair::mint(access.key(), refresh.generation(), &proof, &seed).unwrap();
    (forged.access.expose().to_owned(), forged.refresh.expose().to_owned())
}

/// R7: forgeries in parallel with honest refreshes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forgeries_end_nothing() {
    let subject = Subject::new(&Ground::new().await).await;
    let mut tally = Tally::default();
    let mut pair = subject.first_login().await;
    for _ in 0..rounds(10) {
        tally.cells += 1;
        let (access, refresh) = forged(&pair);
        let (forged, honest, ended) =
            tokio::join!(subject.refresh(&refresh), patient_refresh(&subject, &pair.refresh), subject.logout(&refresh));
        tally.hold(forged.status == 401, Breach::WrongAllow, || format!("a forgery got {:?}", forged.outcome()));
        tally.hold(ended.status == 204, Breach::Unexpected, || format!("a forged logout got {:?}", ended.outcome()));
        tally.hold(!subject.allows(&access).await, Breach::WrongAllow, || "a forged access token passes".to_owned());
        tally.hold(honest.status == 200, Breach::LostSession, || format!("the honest refresh got {:?}", honest.outcome()));
        pair = Pair::of(&honest);
        tally.hold(subject.allows(&pair.access).await, Breach::LostSession, || "a forgery ended the login".to_owned());
    }
    tally.close("forgeries beside honest refreshes");
}
