//! G7, G3: the first use of a session beside a replay of the token before, a rotation and an end.

use chrono::TimeDelta;
use latchkey_tests::service::{Answer, Pair};

use crate::{
    rounds::{patiently, rounds, together},
    subject::{Ground, Subject},
    table::Table,
    tally::{Breach, Tally},
};

/// A login whose last answer was lost a minute ago: the token that the client has, and the pair that it never got.
async fn lost_answer(subject: &Subject) -> (Pair, Pair) {
    let stored = subject.first_login().await;
    let lost = Pair::of(&subject.refresh(&stored.refresh).await);
    subject.clock.advance(TimeDelta::minutes(1));
    (stored, lost)
}

/// Six requests at once: two of each kind, in turns.
async fn at_once(subject: &Subject, stored: &Pair, lost: &Pair) -> Vec<(usize, Answer)> {
    let (subject, stored, lost) = (subject.clone(), stored.refresh.clone(), lost.clone());
    together(6, move |number| {
        let (subject, stored, lost) = (subject.clone(), stored.clone(), lost.clone());
        async move {
            let answer = match number % 3 {
                0 => patiently(|| subject.me(&lost.access)).await,
                1 => patiently(|| subject.refresh(&stored)).await,
                _ => patiently(|| subject.refresh(&lost.refresh)).await,
            };
            (number % 3, answer)
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_use_beside_replays_and_rotations_ends_no_login() {
    let ground = Ground::new().await;
    let mut tally = Tally::default();
    for _ in 0..rounds(8) {
        tally.cells += 1;
        let subject = Subject::new(&ground).await;
        let (stored, lost) = lost_answer(&subject).await;
        let mut rotated = Vec::new();
        for (kind, answer) in at_once(&subject, &stored, &lost).await {
            *tally.answers.entry(format!("{} {}", answer.status, answer.code())).or_default() += 1;
            let told = || format!("kind {kind}: {:?}", answer.outcome());
            match kind {
                // The rotation may have come first.
                0 => tally.hold(matches!(answer.status, 200 | 401), Breach::Wrong401, told),
                1 => {
                    tally.hold(matches!(answer.status, 200 | 409), Breach::Wrong401, told);
                    let same = answer.status != 200 || Pair::of(&answer) == lost;
                    tally.hold(same, Breach::DuplicateCommit, || "a recovery gave another pair".to_owned());
                }
                _ => {
                    tally.hold(answer.status == 200, Breach::Wrong401, told);
                    rotated.push(answer);
                }
            }
        }
        tally.hold(rotated[0].text == rotated[1].text, Breach::DuplicateCommit, || "two pairs".to_owned());
        let newest = Pair::of(&rotated[0]);
        tally.hold(subject.allows(&newest.access).await, Breach::LostSession, || "the newest token doesn't pass".to_owned());
        let table = Table::read(&subject).await;
        table.check(&mut tally, "first use beside replays");
        tally.hold(table.generation(&newest.login_id) == Some(2), Breach::DuplicateCommit, || format!("{table:?}"));
        // One window after the newest pair was used, both tokens before it end the login.
        subject.clock.advance(TimeDelta::seconds(36));
        tally.hold(subject.refresh(&stored.refresh).await.status == 401, Breach::WrongAllow, || "an old token isn't reuse".to_owned());
        tally.hold(!subject.allows(&newest.access).await, Breach::WrongAllow, || "reuse left the login alive".to_owned());
    }
    tally.close("first uses beside replays and rotations");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_beside_a_first_use_holds() {
    let ground = Ground::new().await;
    let mut tally = Tally::default();
    for _ in 0..rounds(6) {
        tally.cells += 1;
        let subject = Subject::new(&ground).await;
        let (stored, lost) = lost_answer(&subject).await;
        let (answers, ended) = tokio::join!(at_once(&subject, &stored, &lost), patiently(|| subject.logout(&lost.refresh)));
        tally.hold(ended.status == 204, Breach::Unexpected, || format!("the logout got {:?}", ended.outcome()));
        let issued = answers.iter().filter(|(kind, answer)| *kind > 0 && answer.status == 200).map(|(_, answer)| Pair::of(answer));
        for pair in issued.chain([stored, lost]) {
            tally.hold(!subject.allows(&pair.access).await, Breach::WrongAllow, || "a token passes after the end".to_owned());
            tally.hold(subject.refresh(&pair.refresh).await.status == 401, Breach::WrongAllow, || "a refresh after the end".to_owned());
        }
        let table = Table::read(&subject).await;
        tally.hold(table.logins.is_empty(), Breach::WrongAllow, || format!("{table:?}"));
    }
    tally.close("an end beside first uses");
}
