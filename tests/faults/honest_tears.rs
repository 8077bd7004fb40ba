//! Honest clients beside a DynamoDB that shows transactions item by item, loses answers and receives transactions twice
//! ([`Tear`]). Only logouts and replacements end a login, and each client gets the tokens that work.

use std::collections::BTreeMap;

use latchkey_cli::doctor::breaches;
use latchkey_tests::{
    clock::TestClock,
    database::Item,
    seed::{seed_of_test, seeded},
    service::{Answer, Pair},
    tap::{Tear, Torn},
};
use reqwest::Method;

use crate::{
    races::parallel_refreshes,
    races_of_ends::check_all_dead,
    rounds::{patient_refresh, patiently, rounds, together},
    subject::{DEVICE, Ground, Subject},
    table::Table,
    tally::{Breach, Tally},
};

async fn torn_subject(ground: &Ground, tear: &Tear) -> Subject {
    let subject = Subject::new(ground).await;
    subject.tap.tear(tear);
    subject
}

/// Refreshes beside an end. A refresh is refused only once the login is gone from the table.
async fn refresh_beside_an_end(subject: &Subject, pair: &Pair) -> (Answer, bool) {
    let answer = patient_refresh(subject, &pair.refresh).await;
    let is_gone = answer.status != 401 || !Table::read(subject).await.logins.contains_key(&pair.login_id);
    (answer, is_gone)
}

async fn ends_beside_refreshes(ground: &Ground, tear: &Tear, round: usize) -> Tally {
    let mut tally = Tally { cells: 1, ..Tally::default() };
    let subject = torn_subject(ground, tear).await;
    let (pair, other) = (subject.first_login().await, subject.log_in_directly("other-0123456789").await);
    let (name, method, path, token) = match round % 3 {
        0 => ("logout by access token", Method::POST, "/logout", &pair.access),
        1 => ("logout by refresh token", Method::POST, "/logout", &pair.refresh),
        _ => ("log out everywhere else", Method::DELETE, "/sessions?keep=current", &other.access),
    };
    let (subject_, pair_) = (subject.clone(), pair.clone());
    let refreshes = together(2 + round % 5, move |_| {
        let (subject, pair) = (subject_.clone(), pair_.clone());
        async move { refresh_beside_an_end(&subject, &pair).await }
    });
    let (answers, ended) = tokio::join!(refreshes, patiently(|| subject.ask(method.clone(), path, token)));
    tally.hold(ended.status == 204, Breach::Unexpected, || format!("{name}: {:?}", ended.outcome()));
    let (answers, are_gone): (Vec<_>, Vec<_>) = answers.into_iter().unzip();
    tally.hold(are_gone.iter().all(|is_gone| *is_gone), Breach::Wrong401, || format!("a refresh before the {name} got 401"));
    let issued: Vec<_> = answers.iter().filter(|answer| answer.status == 200).map(|answer| &answer.text).collect();
    tally.hold(issued.windows(2).all(|two| two[0] == two[1]), Breach::DuplicateCommit, || format!("{name}: two pairs of one rotation"));
    if round % 3 == 2 {
        tally.hold(subject.allows(&other.access).await, Breach::Wrong401, || format!("{name}: the caller's own token doesn't pass"));
    }
    let own_end = patiently(|| subject.logout(&other.access)).await;
    tally.hold(own_end.status == 204, Breach::Unexpected, || format!("{name}: then {:?}", own_end.outcome()));
    check_all_dead(&subject, &[&pair, &other], &answers, &mut tally, name).await;
    subject.tap.arrived().await;
    Table::read(&subject).await.check(&mut tally, name);
    tally
}

/// A login whose tokens are used at once. They pass until the next login replaces it.
async fn login_and_use(subject: &Subject, device_id: Option<&str>) -> (Answer, bool) {
    let answer = subject.login_from(device_id).await;
    if answer.status != 200 {
        return (answer, true);
    }
    let pair = Pair::of(&answer);
    let fits = subject.allows(&pair.access).await || !Table::read(subject).await.logins.contains_key(&pair.login_id);
    (answer, fits)
}

/// Several logins at once, while an earlier login is refreshed. With a `device_id` each login replaces the device's last one.
async fn logins_beside_refreshes(ground: &Ground, tear: &Tear, device_id: Option<&'static str>) -> Tally {
    let mut tally = Tally { cells: 1, ..Tally::default() };
    let subject = torn_subject(ground, tear).await;
    let first = subject.first_login().await;
    let (refreshing, logging_in, first_) = (subject.clone(), subject.clone(), first.clone());
    let refreshes = together(3, move |_| {
        let (subject, first) = (refreshing.clone(), first_.clone());
        async move { refresh_beside_an_end(&subject, &first).await }
    });
    let logins = together(3, move |_| {
        let subject = logging_in.clone();
        async move { login_and_use(&subject, device_id).await }
    });
    let (refreshes, logins) = tokio::join!(refreshes, logins);
    let (refreshes, are_gone): (Vec<_>, Vec<_>) = refreshes.into_iter().unzip();
    let (logins, fit): (Vec<_>, Vec<_>) = logins.into_iter().unzip();
    for answer in refreshes.iter().chain(&logins) {
        *tally.answers.entry(format!("{} {}", answer.status, answer.code())).or_default() += 1;
    }
    tally.hold(are_gone.iter().all(|is_gone| *is_gone), Breach::Wrong401, || "a refresh before its login was replaced got 401".to_owned());
    tally.hold(fit.iter().all(|fits| *fits), Breach::Wrong401, || "a new login's token doesn't pass at once".to_owned());
    let outcomes: Vec<_> = logins.iter().map(Answer::outcome).collect();
    tally.hold(outcomes.iter().all(|(status, _)| matches!(status, 200 | 503)), Breach::Unexpected, || format!("{outcomes:?}"));

    // A login that is answered with 503 may still be written.
    subject.tap.arrived().await;
    let table = Table::read(&subject).await;
    table.check(&mut tally, "logins beside refreshes");
    let pairs: Vec<_> = logins.iter().filter(|answer| answer.status == 200).map(Pair::of).collect();
    let written = subject.logins_written().await - 1;
    tally.hold(written >= pairs.len(), Breach::LostSession, || format!("{} logins were answered, {written} written", pairs.len()));
    let left = if device_id.is_some() { 1 } else { 1 + written };
    tally.hold(table.logins.len() == left, Breach::DuplicateCommit, || format!("{left} logins should be left: {table:?}"));
    let refreshed = refreshes.iter().filter(|answer| answer.status == 200).map(Pair::of);
    for pair in pairs.into_iter().chain(refreshed) {
        let lives = table.generation(&pair.login_id).is_some();
        let breach = if lives { Breach::Wrong401 } else { Breach::WrongAllow };
        tally.hold(subject.allows(&pair.access).await == lives, breach, || format!("a token of a login that lives: {lives}"));
        tally.hold(lives || device_id.is_some(), Breach::LostSession, || "a login without a device is gone".to_owned());
    }
    tally
}

/// Every item can be read and fits the others. A session without a login is garbage that DynamoDB collects.
async fn check_as_doctor(ground: &Ground, tally: &mut Tally) {
    let mut users = BTreeMap::<String, Vec<Item>>::new();
    for item in ground.database.items("SessionsTable").await {
        users.entry(item["user_key"].as_s().unwrap().clone()).or_default().push(item);
    }
    let now = TestClock::default().now();
    for (user_key, items) in users {
        let found = breaches(&user_key, &items, now);
        tally.hold(found.is_empty(), Breach::Invariant, || format!("doctor finds: {found:?}"));
    }
}

/// Each rule of [`Tear`] has applied; otherwise the test shows nothing.
fn check_each_rule_applied(torn: Torn) {
    let Torn {
        windows,
        reads,
        mixed_reads,
        refused_writes,
        refused_transactions,
        lost_requests,
        lost_early,
        lost_late,
        doubles,
        in_progress,
    } = torn;
    let counts =
        [windows, reads, mixed_reads, refused_writes, refused_transactions, lost_requests, lost_early, lost_late, doubles, in_progress];
    assert!(counts.iter().all(|count| *count > 0), "a rule never applied: {torn:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn torn_transactions_harm_no_honest_client() {
    let tear = Tear::new(seeded(seed_of_test("faults")));
    let ground = Ground::new().await;
    let storms = async {
        let mut tally = Tally::default();
        for (clients, quick) in [(3, 12), (6, 4), (10, 1)] {
            tally.add(parallel_refreshes(&torn_subject(&ground, &tear).await, clients, rounds(quick)).await);
        }
        tally
    };
    let ends = async {
        let mut tally = Tally::default();
        for round in 0..rounds(15) {
            tally.add(ends_beside_refreshes(&ground, &tear, round).await);
        }
        tally
    };
    let logins = async {
        let mut tally = Tally::default();
        for round in 0..rounds(6) {
            tally.add(logins_beside_refreshes(&ground, &tear, [Some(DEVICE), None][round % 2]).await);
        }
        tally
    };
    let (mut tally, ends, logins) = tokio::join!(storms, ends, logins);
    tally.add(ends);
    tally.add(logins);
    check_as_doctor(&ground, &mut tally).await;
    println!("{:?}", tear.torn());
    tally.close("honest clients beside torn transactions");
    check_each_rule_applied(tear.torn());
}
