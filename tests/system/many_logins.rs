//! A user with many logins: a login and a refresh cost the same, and listing and ending them work.

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use chrono::TimeDelta;
use latchkey::{
    entropy::Random,
    ids::UserKey,
    model::{Device, Lifetimes, Login},
    operations::issue::issue_login,
    store::{Item, Store, login_item, session_item},
};
use latchkey_cli::dev::{DEMO_PASSWORD, DEMO_USER};
use latchkey_tests::{
    service::{Pair, Service, send},
    tap::{Fault, Reach, Rule},
};
use serde_json::json;

const HOUR: std::time::Duration = std::time::Duration::from_secs(3600);

/// Writes so many logins of the demo user, a second apart and oldest first, and the upper bound of their number.
async fn put_logins(service: &Service, logins: usize, at_most: usize) -> Vec<Login> {
    let items = service.database.items("SessionsTable").await;
    let user_id = items.iter().find_map(|item| item.get("user_id")?.as_s().ok()).unwrap().clone();
    let random = Random::system();
    let made: Vec<_> = (0..i64::try_from(logins).unwrap())
        .map(|seconds| {
            let at = service.clock.now() - TimeDelta::seconds(i64::try_from(logins).unwrap() - seconds);
            let lifetimes = Lifetimes { access: HOUR, refresh: HOUR * 24 };
            issue_login(&user_id, Device::default(), lifetimes, None, at, &random).unwrap().new
        })
        .collect();
    let table = service.database.table("SessionsTable");
    for some in made.chunks(12) {
        let put = |item: Item| WriteRequest::builder().put_request(PutRequest::builder().set_item(Some(item)).build().unwrap()).build();
        let requests = some.iter().flat_map(|new| [put(login_item(&new.login)), put(session_item(&new.session))]).collect();
        service.database.client.batch_write_item().request_items(table, requests).send().await.unwrap();
    }
    let register = service.database.client.update_item().table_name(table);
    register
        .key("user_key", AttributeValue::S(UserKey::of(&user_id).as_str().into()))
        .key("sk", AttributeValue::S("!user".into()))
        .update_expression("SET logins_at_most = :at_most")
        .expression_attribute_values(":at_most", AttributeValue::N(at_most.to_string()))
        .send()
        .await
        .unwrap();
    made.into_iter().map(|new| new.login).collect()
}

/// What was asked of DynamoDB: the operations, and their read and write units.
fn asked(service: &Service) -> (Vec<String>, f64, f64) {
    let calls = service.tap.disarm();
    service.tap.arm(Vec::new());
    let mut operations: Vec<_> = calls.iter().map(|call| call.operation.clone()).collect();
    operations.sort_unstable();
    let units = |reads: bool| {
        let of_kind = |operation: &str| matches!(operation, "Query" | "GetItem" | "BatchGetItem") == reads;
        calls.iter().filter(|call| of_kind(&call.operation)).fold(0.0, |sum, call| sum + call.capacity.unwrap())
    };
    (operations, units(true), units(false))
}

/// docs/scale.md has these units.
#[tokio::test]
async fn the_page_gives_the_units_of_a_user_with_many_logins() {
    #[expect(clippy::disallowed_methods, reason = "the variable configures the test run, not the service")]
    if std::env::var("LATCHKEY_TEST_DYNAMODB").is_ok_and(|url| !url.is_empty()) {
        return; // DynamoDB Local counts a transaction's index writes differently (units.rs).
    }
    let service = Service::start(&[]).await;
    let own = service.login().await;
    service.tap.count_capacity();
    for (logins, more) in [(1, 0), (100, 99), (1_000, 900)] {
        // The register says how many logins there may be: one below the ceiling, where a login would read them.
        put_logins(&service, more, logins.min(999)).await;
        service.tap.arm(Vec::new());
        let list = send(service.request("GET", "/sessions").bearer_auth(&own.access)).await;
        assert_eq!(list.status, 200);
        let (_, list_reads, _) = asked(&service);
        let pair = service.login().await;
        let (_, login_reads, login_writes) = asked(&service);
        service.refresh(&pair.refresh).await;
        let (_, refresh_reads, refresh_writes) = asked(&service);
        let path = format!("/sessions/{}", pair.login_id);
        assert_eq!(send(service.request("DELETE", &path).bearer_auth(&own.access)).await.status, 204);
        let (_, end_reads, end_writes) = asked(&service);
        let login = format!("{login_reads} + {login_writes} | {refresh_reads} + {refresh_writes}");
        let row = format!("| {logins} | {login} | {end_reads} + {end_writes} | {list_reads} + 0 |");
        assert!(include_str!("../../docs/scale.md").contains(&row), "docs/scale.md has no row {row:?}");
    }
}

#[tokio::test]
async fn a_login_and_a_refresh_cost_the_same_with_one_login_and_with_a_thousand() {
    let service = Service::start(&[]).await;
    service.login().await;
    service.tap.count_capacity();
    let mut costs = Vec::new();
    for more in [0, 990] {
        put_logins(&service, more, more + 5).await;
        service.tap.arm(Vec::new());
        let pair = service.login().await;
        let login = asked(&service);
        let next = Pair::of(&service.refresh(&pair.refresh).await);
        let refresh = asked(&service);
        let guess = service.login_with(&json!({"username": DEMO_USER, "password": "wrong"})).await;
        assert_eq!(guess.status, 401);
        let refused = asked(&service);
        let phone = json!({"username": DEMO_USER, "password": DEMO_PASSWORD, "device_id": "0123456789abcdef"});
        service.login_with(&phone).await;
        asked(&service);
        service.login_with(&phone).await;
        let on_device = asked(&service);
        service.logout(&next.access).await;
        costs.push([login, refresh, refused, on_device, asked(&service)]);
    }
    assert_eq!(costs[0], costs[1]);
}

/// The login that finds the ceiling reached reads all logins, and ends the oldest. The next one reads the register again.
#[tokio::test]
async fn at_the_ceiling_one_login_ends_the_oldest() {
    let service = Service::start(&[]).await;
    service.login().await;
    let old = put_logins(&service, 1_000, 1_000).await;
    let pair = service.login().await;
    service.assert_allowed(&pair.access).await;

    let store = Store::new(service.database.client.clone(), service.database.table("SessionsTable"));
    let seen = store.read_user_logins(&old[0].key.user_key).await.unwrap();
    // One more was there than were written here.
    assert_eq!((seen.logins.len(), seen.register.unwrap().logins_at_most), (901, 901));
    assert!(old[..101].iter().all(|login| !seen.logins.contains_key(&login.key.login_id)), "the oldest are ended");
    assert!(old[101..].iter().all(|login| seen.logins.contains_key(&login.key.login_id)));
    assert_eq!(seen.sessions.len(), 901, "their sessions are swept");

    let _ = service.tap.take_calls();
    service.login().await;
    assert!(!service.tap.take_calls().contains(&"Query".to_owned()));
}

#[tokio::test]
async fn a_thousand_logins_are_listed_in_pages() {
    let service = Service::start(&[]).await;
    let own = service.login().await;
    put_logins(&service, 999, 1_000).await;
    let mut ids = std::collections::BTreeSet::new();
    let mut after = String::new();
    for page in 1..=10 {
        let list = send(service.request("GET", &format!("/sessions?limit=100{after}")).bearer_auth(&own.access)).await;
        assert_eq!(list.status, 200);
        ids.extend(list.body["sessions"].as_array().unwrap().iter().map(|row| row["login_id"].as_str().unwrap().to_owned()));
        match list.body["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => assert_eq!(page, 10),
        }
    }
    assert_eq!(ids.len(), 1_000);
}

/// More logins than the ceiling, as an import leaves them. Each call that fails has ended some: at last one succeeds.
#[tokio::test]
async fn an_end_of_all_that_fails_is_continued_by_the_next() {
    let service = Service::start(&[]).await;
    let own = service.login().await;
    let old = put_logins(&service, 600, 600).await;
    let store = Store::new(service.database.client.clone(), service.database.table("SessionsTable"));
    let mut left = 601;
    for failures in 0.. {
        // The first query is the authorizer's, the second the first page's. The fourth fails.
        service.tap.arm(vec![Rule { operation: "Query", nth: 4, reach: Reach::FromThenOn, fault: Fault::LostBefore }]);
        let answer = send(service.request("DELETE", "/sessions").bearer_auth(&own.access)).await;
        let _ = service.tap.disarm();
        let logins = store.list_logins(&old[0].key.user_key).await.unwrap();
        if answer.status == 204 {
            assert!(failures >= 2 && logins.is_empty(), "{failures}");
            break;
        }
        assert_eq!(answer.outcome(), (503, "unavailable"));
        assert!(logins.contains_key(&latchkey::ids::LoginId::parse(&own.login_id).unwrap()), "the caller's own login is ended last");
        assert!(logins.len() <= left - 150, "{} of {left} are left", logins.len());
        left = logins.len();
    }
    service.assert_refused(&own.access).await;
}
