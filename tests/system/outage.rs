//! Promise G5: a storage failure gets 503 in time, and never a verdict on a session.

use latchkey_cli::dev::{DEMO_PASSWORD, DEMO_USER};
use latchkey_tests::{
    service::{Answer, Pair, Service},
    tap::Line,
};
use serde_json::json;

fn assert_unavailable(answer: &Answer) {
    assert_eq!(answer.outcome(), (503, "unavailable"), "{}", answer.text);
    assert_eq!(answer.body["retryable"], json!(true));
    let pause: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=5).contains(&pause), "{pause} s");
    assert_eq!(answer.headers["content-type"], "application/problem+json");
}

async fn every_route_is_unavailable(line: Line) {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    service.tap.set_line(line);
    let login = json!({"username": DEMO_USER, "password": DEMO_PASSWORD});
    let (login, refresh, me, logout) =
        tokio::join!(service.login_with(&login), service.refresh(&pair.refresh), service.me(&pair.access), service.logout(&pair.access));
    for answer in [login, refresh, me, logout] {
        assert_unavailable(&answer);
    }
    assert_eq!(service.refresh("garbage").await.status, 401, "a malformed token needs no store call");

    service.tap.set_line(Line::Open);
    service.assert_allowed(&pair.access).await;
    let next = Pair::of(&service.refresh(&pair.refresh).await);
    service.assert_allowed(&next.access).await;
    service.login().await;
}

#[tokio::test]
async fn nobody_listens() {
    every_route_is_unavailable(Line::Refused).await;
}

#[tokio::test]
async fn nobody_answers() {
    every_route_is_unavailable(Line::Silent).await;
}

/// F3: the commit is applied and its answer lost; the client's retry gets the committed pair.
#[tokio::test]
async fn a_refresh_whose_answer_was_lost_is_answered_again() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    let mut read = service.tap.hold("Query");
    let refresh = tokio::spawn({
        let (service, refresh) = (service.clone(), pair.refresh.clone());
        async move { service.refresh(&refresh).await }
    });
    read.reached().await;
    // Another invocation commits here, before this one's read reaches DynamoDB.
    let committed = service.refresh(&pair.refresh).await;
    read.release();
    assert_eq!(refresh.await.unwrap().text, committed.text);
}

/// The same, but this invocation had already read: its transaction is cancelled, and it reads again.
#[tokio::test]
async fn the_loser_of_a_race_gets_the_winners_pair() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    let mut transaction = service.tap.hold("TransactWriteItems");
    let loser = tokio::spawn({
        let (service, refresh) = (service.clone(), pair.refresh.clone());
        async move { service.refresh(&refresh).await }
    });
    transaction.reached().await;
    let winner = service.refresh(&pair.refresh).await;
    transaction.release();
    assert_eq!(loser.await.unwrap().text, winner.text);
    service.assert_allowed(&Pair::of(&winner).access).await;
}

/// R4: a refresh that is in flight when its login is ended fails.
#[tokio::test]
async fn a_refresh_overtaken_by_a_logout_is_refused() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    let mut transaction = service.tap.hold("TransactWriteItems");
    let refresh = tokio::spawn({
        let (service, refresh) = (service.clone(), pair.refresh.clone());
        async move { service.refresh(&refresh).await }
    });
    transaction.reached().await;
    assert_eq!(service.logout(&pair.access).await.status, 204);
    transaction.release();
    assert_eq!(refresh.await.unwrap().outcome(), (401, "invalid_token"));
    assert_eq!(service.database.sort_keys().await, ["!user"]);
}
