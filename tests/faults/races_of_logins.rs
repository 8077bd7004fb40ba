//! R4, R6: logins in parallel with each other and with disabling their user.

use aws_sdk_dynamodb::types::AttributeValue;
use latchkey::{
    clock::Clock,
    entropy::Random,
    operations::change_user,
    password::{Costs, PasswordHash},
    store::UserChange,
};
use latchkey_tests::service::Pair;

use crate::{
    rounds::{patient_refresh, rounds, together},
    subject::{Ground, Subject},
    table::Table,
    tally::{Breach, Tally},
};

/// A login is answered 200 only if it is stored completely; otherwise nothing is stored. Contention is answered with 503.
async fn parallel_logins(subject: &Subject, count: usize, device_id: Option<&'static str>, tally: &mut Tally) -> Vec<Pair> {
    tally.cells += 1;
    let subject = subject.clone();
    let answers = together(count, move |_| {
        let subject = subject.clone();
        async move { subject.login_from(device_id).await }
    })
    .await;
    for answer in &answers {
        *tally.answers.entry(format!("{} {}", answer.status, answer.code())).or_default() += 1;
        tally.hold(matches!(answer.status, 200 | 503), Breach::Unexpected, || format!("a parallel login: {:?}", answer.outcome()));
    }
    answers.iter().filter(|answer| answer.status == 200).map(Pair::of).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_logins_come_to_be_one_by_one() {
    let ground = Ground::new().await;
    let mut tally = Tally::default();
    for count in (0..rounds(2)).flat_map(|_| [2, 8]) {
        let subject = Subject::new(&ground).await;
        let pairs = parallel_logins(&subject, count, None, &mut tally).await;
        for pair in &pairs {
            tally.hold(subject.allows(&pair.access).await, Breach::LostSession, || format!("{count} logins: one is lost"));
        }
        let table = Table::read(&subject).await;
        table.check(&mut tally, "parallel logins");
        // A login that ran out of time may have been committed; one that was answered 200 was committed.
        tally.hold(table.logins.len() >= pairs.len(), Breach::LostSession, || format!("{count} logins: {table:?}"));
        tally.hold(table.logins.len() <= count, Breach::DuplicateCommit, || format!("{count} logins: {table:?}"));
    }
    tally.close("parallel logins");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_logins_of_one_device_leave_one() {
    let ground = Ground::new().await;
    let mut tally = Tally::default();
    for count in (0..rounds(2)).flat_map(|_| [2, 8]) {
        let subject = Subject::new(&ground).await;
        let pairs = parallel_logins(&subject, count, Some("device-0123456789"), &mut tally).await;
        let mut allowed = 0;
        for pair in &pairs {
            allowed += usize::from(subject.allows(&pair.access).await);
        }
        let table = Table::read(&subject).await;
        table.check(&mut tally, "parallel logins of one device");
        tally.hold(table.logins.len() == 1, Breach::DuplicateCommit, || format!("{count} logins: {table:?}"));
        tally.hold(allowed <= 1, Breach::WrongAllow, || format!("{count} logins of one device: {allowed} pass"));
    }
    tally.close("parallel logins of one device");
}

async fn disable(subject: &Subject) {
    let database = &subject.ground.database;
    database
        .client
        .update_item()
        .table_name(database.table("UsersTable"))
        .key("username", AttributeValue::S(subject.user.username.as_str().into()))
        .update_expression("SET #status = :disabled ADD version :one")
        .expression_attribute_names("#status", "status")
        .expression_attribute_values(":disabled", AttributeValue::S("disabled".into()))
        .expression_attribute_values(":one", AttributeValue::N("1".into()))
        .send()
        .await
        .unwrap();
}

/// Once the user is disabled, the table gains no login: none in flight is created after it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_login_comes_to_be_after_a_disabling() {
    let ground = Ground::new().await;
    let mut tally = Tally::default();
    for round in 0..rounds(6) {
        tally.cells += 1;
        let subject = Subject::new(&ground).await;
        let other = subject.clone();
        let logins = together(4, move |_| {
            let subject = other.clone();
            async move { subject.login_from(None).await }
        });
        let disabling = async {
            tokio::time::sleep(std::time::Duration::from_millis(u64::try_from(round % 6).unwrap() * 60)).await;
            disable(&subject).await;
            Table::read(&subject).await.logins
        };
        let (answers, at_the_disabling) = tokio::join!(logins, disabling);
        let table = Table::read(&subject).await;
        table.check(&mut tally, "logins in parallel with disabling the user");
        tally.hold(table.logins == at_the_disabling, Breach::WrongAllow, || format!("{at_the_disabling:?}, then {table:?}"));
        for answer in &answers {
            *tally.answers.entry(format!("{} {}", answer.status, answer.code())).or_default() += 1;
            let known = answer.status != 200 || table.logins.contains_key(&Pair::of(answer).login_id);
            tally.hold(known, Breach::LostSession, || "an answered login is missing".to_owned());
        }
        let after = subject.login_from(None).await;
        tally.hold(after.outcome() == (401, "invalid_credentials"), Breach::WrongAllow, || format!("{:?}", after.outcome()));
        // Logins created earlier stay valid until the operator ends them.
        for pair in answers.iter().filter(|answer| answer.status == 200).map(Pair::of) {
            let refreshed = patient_refresh(&subject, &pair.refresh).await;
            tally.hold(refreshed.status == 200, Breach::LostSession, || format!("{:?}", refreshed.outcome()));
        }
    }
    tally.close("logins beside a disabling");
}

/// Changing the user ends every earlier login; refreshes and logins in flight fail.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_login_survives_a_change_of_the_user() {
    let ground = Ground::new().await;
    let mut tally = Tally::default();
    for round in 0..rounds(6) {
        tally.cells += 1;
        let subject = Subject::new(&ground).await;
        let first = subject.first_login().await;
        let (other, refresh) = (subject.clone(), first.refresh.clone());
        let requests = together(6, move |number| {
            let (subject, refresh) = (other.clone(), refresh.clone());
            async move { if number < 3 { subject.login_from(None).await } else { subject.refresh(&refresh).await } }
        });
        let change = if round % 2 == 0 {
            UserChange::Password(PasswordHash::dummy(&Costs::CURRENT))
        } else {
            UserChange::Disabled(Clock::system().now())
        };
        let changing = async {
            tokio::time::sleep(std::time::Duration::from_millis(u64::try_from(round % 6).unwrap() * 40)).await;
            change_user(&subject.accounts, &subject.user.username, &change, &Random::system()).await
        };
        let (answers, changed) = tokio::join!(requests, changing);
        tally.hold(matches!(changed, Ok(Some(_))), Breach::Unexpected, || format!("{changed:?}"));
        let issued: Vec<_> = answers.iter().filter(|answer| answer.status == 200).map(Pair::of).collect();
        for answer in &answers {
            *tally.answers.entry(format!("{} {}", answer.status, answer.code())).or_default() += 1;
        }
        for pair in issued.iter().chain([&first]) {
            tally.hold(!subject.allows(&pair.access).await, Breach::WrongAllow, || format!("{change:?}: a token passes"));
            let refreshed = subject.refresh(&pair.refresh).await.status;
            tally.hold(refreshed == 401, Breach::WrongAllow, || format!("{change:?}: a refresh got {refreshed}"));
        }
        let table = Table::read(&subject).await;
        tally.hold(table.logins.is_empty(), Breach::WrongAllow, || format!("{change:?}: {table:?}"));
    }
    tally.close("logins and refreshes beside a change of the user");
}

/// "Log out everywhere" ends every login that was acknowledged before it. A parallel login is stored completely or not at
/// all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_earlier_login_survives_everywhere() {
    let ground = Ground::new().await;
    let mut tally = Tally::default();
    for round in 0..rounds(4) {
        tally.cells += 1;
        let subject = Subject::new(&ground).await;
        let before = [subject.first_login().await, subject.log_in_directly("other-0123456789").await];
        let other = subject.clone();
        let logins = together(3, move |_| {
            let subject = other.clone();
            async move { subject.login_from(None).await }
        });
        let everywhere = async {
            tokio::time::sleep(std::time::Duration::from_millis(u64::try_from(round % 4).unwrap() * 80)).await;
            subject.ask(reqwest::Method::DELETE, "/sessions", &before[0].access).await
        };
        let (answers, ended) = tokio::join!(logins, everywhere);
        tally.hold(ended.status == 204, Breach::Unexpected, || format!("{:?}", ended.outcome()));
        let table = Table::read(&subject).await;
        table.check(&mut tally, "logins in parallel with log out everywhere");
        for pair in &before {
            tally.hold(!table.logins.contains_key(&pair.login_id), Breach::WrongAllow, || format!("an earlier login is in {table:?}"));
            tally.hold(!subject.allows(&pair.access).await, Breach::WrongAllow, || "an earlier login's token passes".to_owned());
        }
        for pair in answers.iter().filter(|answer| answer.status == 200).map(Pair::of) {
            let there = table.logins.contains_key(&pair.login_id);
            *tally.answers.entry(format!("parallel login: stored {there}")).or_default() += 1;
            tally.hold(subject.allows(&pair.access).await == there, Breach::WrongAllow, || format!("stored: {there}"));
        }
    }
    tally.close("logins beside log out everywhere");
}
