//! R4, R5: an ended login stays ended, whatever requests were in flight.

use chrono::TimeDelta;
use latchkey_tests::service::{Answer, Pair};

use crate::{
    rounds::{patient_refresh, rounds, together},
    subject::{Ground, Subject},
    table::Table,
    tally::{Breach, Tally},
};

const CLIENTS: [usize; 3] = [2, 8, 20];

/// Runs refreshes of `refresh` in parallel with one `end` and returns their answers.
async fn refreshes_beside(subject: &Subject, clients: usize, refresh: &str, end: impl Future<Output = Answer>) -> (Vec<Answer>, Answer) {
    let (subject, refresh) = (subject.clone(), refresh.to_owned());
    let refreshes = together(clients, move |_| {
        let (subject, refresh) = (subject.clone(), refresh.clone());
        async move { subject.refresh(&refresh).await }
    });
    tokio::join!(refreshes, end)
}

/// After the acknowledgement no token of the login passes, not even one issued in the meantime.
pub(crate) async fn check_all_dead(subject: &Subject, before: &[&Pair], answers: &[Answer], tally: &mut Tally, race: &str) {
    let issued: Vec<_> = answers.iter().filter(|answer| answer.status == 200).map(Pair::of).collect();
    for answer in answers {
        *tally.answers.entry(format!("{} {}", answer.status, answer.code())).or_default() += 1;
        tally.hold(matches!(answer.status, 200 | 401 | 503), Breach::Unexpected, || format!("{race}: {:?}", answer.outcome()));
    }
    for pair in issued.iter().chain(before.iter().copied()) {
        tally.hold(!subject.allows(&pair.access).await, Breach::WrongAllow, || format!("{race}: a token passes after the end"));
        let refreshed = patient_refresh(subject, &pair.refresh).await.status;
        tally.hold(refreshed == 401, Breach::WrongAllow, || format!("{race}: a refresh after the end got {refreshed}"));
    }
    let table = Table::read(subject).await;
    tally.hold(table.logins.is_empty(), Breach::WrongAllow, || format!("{race}: {table:?}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_logout_beside_refreshes_holds() {
    let ground = Ground::new().await;
    let mut tally = Tally::default();
    for round in 0..rounds(9) {
        tally.cells += 1;
        let subject = Subject::new(&ground).await;
        let pair = subject.first_login().await;
        let token = if round % 2 == 0 { &pair.access } else { &pair.refresh };
        // In some rounds the refreshes start first.
        let end = async {
            tokio::time::sleep(std::time::Duration::from_millis(u64::try_from(round % 5).unwrap() * 4)).await;
            subject.logout(token).await
        };
        let (answers, ended) = refreshes_beside(&subject, CLIENTS[round % 3], &pair.refresh, end).await;
        tally.hold(ended.status == 204, Breach::Unexpected, || format!("the logout got {:?}", ended.outcome()));
        check_all_dead(&subject, &[&pair], &answers, &mut tally, "refresh in parallel with logout").await;
    }
    tally.close("refreshes beside a logout");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reuse_beside_refreshes_ends_the_login() {
    let ground = Ground::new().await;
    let mut tally = Tally::default();
    for round in 0..rounds(9) {
        tally.cells += 1;
        let subject = Subject::new(&ground).await;
        let first = subject.first_login().await;
        let second = Pair::of(&subject.refresh(&first.refresh).await);
        assert!(subject.allows(&second.access).await);
        subject.clock.advance(TimeDelta::seconds(36));
        let (answers, reuse) = refreshes_beside(&subject, CLIENTS[round % 3], &second.refresh, subject.refresh(&first.refresh)).await;
        tally.hold(reuse.status == 401, Breach::WrongAllow, || format!("the reuse got {:?}", reuse.outcome()));
        check_all_dead(&subject, &[&first, &second], &answers, &mut tally, "refresh in parallel with reuse").await;
    }
    tally.close("refreshes beside a reuse");
}

/// Two tokens of one login log out at once, and again: each logout is acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_logouts_are_all_acknowledged() {
    let ground = Ground::new().await;
    let mut tally = Tally::default();
    for _ in 0..rounds(3) {
        tally.cells += 1;
        let subject = Subject::new(&ground).await;
        let pair = subject.first_login().await;
        let (subject_, tokens) = (subject.clone(), [pair.access.clone(), pair.refresh.clone()]);
        let answers = together(8, move |number| {
            let (subject, token) = (subject_.clone(), tokens[number % 2].clone());
            async move { subject.logout(&token).await }
        })
        .await;
        tally.hold(answers.iter().all(|answer| answer.status == 204), Breach::Unexpected, || "a logout was not acknowledged".to_owned());
        check_all_dead(&subject, &[&pair], &[], &mut tally, "parallel logouts").await;
    }
    tally.close("parallel logouts");
}
