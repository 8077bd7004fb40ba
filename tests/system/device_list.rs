//! The sessions that users can list and end.

use latchkey_cli::dev::{DEMO_PASSWORD, DEMO_USER};
use latchkey_tests::{
    service::{Answer, Pair, Service, send},
    tap::{Fault, Reach, Rule},
};
use serde_json::{Value, json};

async fn list(service: &Service, pair: &Pair, query: &str) -> Answer {
    send(service.request("GET", &format!("/sessions{query}")).bearer_auth(&pair.access)).await
}

async fn delete(service: &Service, pair: &Pair, path: &str) -> Answer {
    send(service.request("DELETE", path).bearer_auth(&pair.access)).await
}

fn ids(answer: &Answer) -> Vec<&str> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.body["sessions"].as_array().unwrap().iter().filter_map(|row| row["login_id"].as_str()).collect()
}

async fn login_later(service: &Service) -> Pair {
    service.clock.advance(chrono::TimeDelta::seconds(1));
    service.login().await
}

#[tokio::test]
async fn a_login_shows_up_in_the_next_list_with_what_people_know_it_by() {
    let service = Service::start(&[]).await;
    let first = login_later(&service).await;
    let body = json!({"username": DEMO_USER, "password": DEMO_PASSWORD, "device": "Ada’s phone"});
    service.clock.advance(chrono::TimeDelta::seconds(1));
    let login = service.request("POST", "/login").header("user-agent", "Latch/1.0").json(&body);
    let second = Pair::of(&send(login).await);

    let answer = list(&service, &second, "").await;
    assert_eq!(ids(&answer), [&second.login_id, &first.login_id]);
    assert_eq!(answer.headers["cache-control"], "no-store");
    let at = latchkey::clock::rfc3339(service.clock.now());
    assert_eq!(
        answer.body["sessions"][0],
        json!({
            "login_id": second.login_id, "current": true, "device": "Ada’s phone", "user_agent": "Latch/1.0", "ip": "127.0.0.1",
            "logged_in_at": at, "last_refreshed_at": at, "expires_at": latchkey::clock::rfc3339(second.refresh_expires_at),
        })
    );
    assert_eq!((&answer.body["sessions"][1]["current"], &answer.body["next"]), (&json!(false), &Value::Null));
}

#[tokio::test]
async fn a_refresh_keeps_its_place_in_the_list() {
    let service = Service::start(&[]).await;
    let (first, second) = (login_later(&service).await, login_later(&service).await);
    service.clock.advance(chrono::TimeDelta::seconds(1));
    let first = Pair::of(&service.refresh(&first.refresh).await);
    let answer = list(&service, &second, "").await;
    assert_eq!(ids(&answer), [&second.login_id, &first.login_id]);
    assert_eq!(answer.body["sessions"][1]["last_refreshed_at"], latchkey::clock::rfc3339(service.clock.now()));
}

#[tokio::test]
async fn a_long_list_comes_in_pages() {
    let service = Service::start(&[]).await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.insert(0, login_later(&service).await);
    }
    let (mut seen, mut query) = (Vec::new(), "?limit=2".to_owned());
    loop {
        let page = list(&service, &made[0], &query).await;
        assert!(ids(&page).len() <= 2);
        seen.extend(ids(&page).into_iter().map(str::to_owned));
        match page.body["next"].as_str() {
            Some(next) => query = format!("?limit=2&after={next}"),
            None => break,
        }
    }
    assert_eq!(seen, made.iter().map(|pair| pair.login_id.clone()).collect::<Vec<_>>());
    let next = list(&service, &made[0], "?limit=2").await.body["next"].as_str().unwrap().to_owned();
    for wrong in ["?limit=0", "?limit=x", "?limit=1&limit=2", "?after=x", &format!("?after={next}&after={next}")] {
        assert_eq!(list(&service, &made[0], wrong).await.outcome(), (400, "invalid_request"), "{wrong}");
    }
}

#[tokio::test]
async fn ending_another_login_ends_it_at_once() {
    let service = Service::start(&[]).await;
    let (first, second) = (login_later(&service).await, login_later(&service).await);
    assert_eq!(delete(&service, &second, &format!("/sessions/{}", first.login_id)).await.status, 204);
    service.assert_refused(&first.access).await;
    assert_eq!(service.refresh(&first.refresh).await.status, 401);
    assert_eq!(ids(&list(&service, &second, "").await), [&second.login_id]);
    assert_eq!(delete(&service, &second, &format!("/sessions/{}", second.login_id)).await.status, 204, "the current one too");
    service.assert_refused(&second.access).await;
    assert_eq!(service.database.sort_keys().await, ["!user"]);
}

/// Unknown, malformed and other users' ids get the same answer.
#[tokio::test]
async fn only_ones_own_logins_are_found() {
    let service = Service::start(&[]).await;
    let own = service.login().await;
    super::password_change::add_user(&service, "berta", DEMO_PASSWORD).await;
    let others = Pair::of(&service.login_with(&json!({"username": "berta", "password": DEMO_PASSWORD})).await);

    let unknown = delete(&service, &own, "/sessions/AAAAAAAAAAAAAAAAAAAAAA").await;
    assert_eq!(unknown.outcome(), (404, "not_found"));
    for id in [others.login_id.as_str(), "short", "!user", "%21user", "AAAAAAAAAAAAAAAAAAAAA%23", "AAAAAAAAAAAAAAAAAAAAAAA"] {
        let answer = delete(&service, &own, &format!("/sessions/{id}")).await;
        assert_eq!((answer.status, &answer.text), (404, &unknown.text), "{id}");
    }
    service.assert_allowed(&others.access).await;
    assert_eq!(ids(&list(&service, &own, "").await), [&own.login_id]);
}

#[tokio::test]
async fn everywhere_and_everywhere_else() {
    let service = Service::start(&[]).await;
    let mut pairs = Vec::new();
    for _ in 0..12 {
        pairs.push(login_later(&service).await);
    }
    let current = pairs.remove(5);
    assert_eq!(delete(&service, &current, "/sessions?keep=current").await.status, 204);
    for pair in &pairs {
        service.assert_refused(&pair.access).await;
    }
    service.assert_allowed(&current.access).await;
    assert_eq!(delete(&service, &current, "/sessions?keep=some").await.outcome(), (400, "invalid_request"));
    let again = service.login().await;
    assert_eq!(delete(&service, &current, "/sessions").await.status, 204);
    service.assert_refused(&current.access).await;
    service.assert_refused(&again.access).await;
    assert_eq!(service.database.sort_keys().await, ["!user"]);
    service.assert_allowed(&service.login().await.access).await;
}

/// R4: a login that was decided before "log out everywhere" and written after it must not survive. The request decides
/// again on the new state of the register, or fails.
#[tokio::test]
async fn a_login_in_flight_is_ordered_by_the_register() {
    let service = Service::start(&[]).await;
    let current = service.login().await;
    let mut transaction = service.tap.hold("TransactWriteItems");
    let login = tokio::spawn({
        let service = service.clone();
        async move { service.login().await }
    });
    transaction.reached().await;
    assert_eq!(delete(&service, &current, "/sessions").await.status, 204);
    let _ = service.tap.take_calls();
    transaction.release();
    let late = login.await.unwrap();
    let writes = service.tap.take_calls().into_iter().filter(|call| call == "TransactWriteItems").count();
    assert_eq!(writes, 1, "its first write was refused; this is the second, after reading again");
    service.assert_allowed(&late.access).await;
    assert_eq!(service.database.sort_keys().await.len(), 3);
}

/// A login's commit succeeded but its answer was lost; the user saw the login in the list and ended it. The request that
/// made it is still running: it must not restore this login, and creates another.
#[tokio::test]
async fn a_login_that_was_ended_before_its_request_heard_of_it_does_not_come_back() {
    let service = Service::start(&[]).await;
    let current = login_later(&service).await;
    let lost = Rule { operation: "TransactWriteItems", nth: 1, reach: Reach::OneCall, fault: Fault::LostAfter };
    service.tap.arm(vec![lost]);
    let mut transaction = service.tap.hold("TransactWriteItems");
    let login = tokio::spawn({
        let service = service.clone();
        async move { service.login().await }
    });
    transaction.reached().await;
    // The user and the register, in parallel.
    let [mut one, mut other] = [(); 2].map(|()| service.tap.hold("GetItem"));
    transaction.release();
    one.reached().await;
    other.reached().await;

    let listed = list(&service, &current, "").await;
    let ghost = ids(&listed).into_iter().find(|id| *id != current.login_id).unwrap().to_owned();
    assert_eq!(delete(&service, &current, &format!("/sessions/{ghost}")).await.status, 204);
    service.login().await;
    one.release();
    other.release();

    let made = login.await.unwrap();
    assert_ne!(made.login_id, ghost);
    service.assert_allowed(&made.access).await;
    assert!(service.database.sort_keys().await.iter().all(|key| !key.starts_with(&ghost)), "the ended login stays ended");
}

/// A request that isn't understood ends nothing, whatever it was meant to end.
#[tokio::test]
async fn an_end_that_is_not_understood_ends_nothing() {
    let service = Service::start(&[]).await;
    let (own, other) = (service.login().await, service.login().await);
    let one = format!("/sessions/{}", other.login_id);
    // An empty id, and ids that clients take out of the path.
    for path in ["/sessions/", "/sessions//", "/sessions/.", "/sessions/%2e", "/sessions/./", "/sessions/?keep=current"] {
        assert_eq!(delete(&service, &own, path).await.outcome(), (400, "invalid_request"), "{path}");
    }
    // Ids of no login.
    for id in ["%20", "null", "undefined", "*", "..%2f", &other.login_id[1..], &format!("{}.", other.login_id)] {
        assert_eq!(delete(&service, &own, &format!("/sessions/{id}")).await.outcome(), (404, "not_found"), "{id}");
    }
    for query in
        ["?keep", "?keep=", "?keep=Current", "?keep=all", "?keep=current&keep=current", "?kepp=current", "?keep=current&x=1", "?all"]
    {
        assert_eq!(delete(&service, &own, &format!("/sessions{query}")).await.outcome(), (400, "invalid_request"), "{query}");
    }
    assert_eq!(delete(&service, &own, &format!("{one}?keep=current")).await.outcome(), (400, "invalid_request"));
    for path in ["/sessions", "/sessions?keep=current", &one] {
        let with_body = service.request("DELETE", path).bearer_auth(&own.access).json(&json!({"keep": "current"}));
        assert_eq!(send(with_body).await.outcome(), (400, "invalid_request"), "{path}");
    }
    service.assert_allowed(&own.access).await;
    service.assert_allowed(&other.access).await;

    assert_eq!(delete(&service, &own, &one).await.status, 204);
    assert_eq!(delete(&service, &own, "/sessions").await.status, 204);
}
