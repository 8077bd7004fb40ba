//! F6, F7: `sessions find` for support. An index finds the login, and the table decides.

use aws_sdk_dynamodb::types::AttributeValue;
use latchkey::{
    decision::{Standing, access_standing, refresh_standing},
    ids::Generation,
    store::Store,
    token::{AccessToken, RefreshToken},
};
use latchkey_tests::{
    service::{Pair, Service},
    tap::{Fault, Reach, Rule},
};

fn store(service: &Service) -> Store {
    Store::new(service.database.client.clone(), service.database.table("SessionsTable"))
}

#[tokio::test]
async fn both_hashes_of_a_pair_lead_to_its_login() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    service.login().await;
    let (store, now) = (store(&service), service.clock.now());

    let access = AccessToken::parse(&pair.access).unwrap().hash();
    let found = Vec::from_iter(store.logins_under(&access).await.unwrap());
    assert_eq!(found.iter().map(|key| key.login_id.as_str()).collect::<Vec<_>>(), [&pair.login_id]);
    let state = store.read_login(&found[0]).await.unwrap();
    let live = |expires_at| Standing::Live { generation: Generation::FIRST, expires_at };
    assert_eq!(access_standing(&state, &access, now), live(pair.access_expires_at));

    let refresh = RefreshToken::parse(&pair.refresh).unwrap().hash();
    assert_eq!(Vec::from_iter(store.logins_under(&refresh).await.unwrap()), found);
    assert_eq!(refresh_standing(&state, &refresh, now), live(pair.refresh_expires_at));
}

/// F6: between the index's answer and the table's, the session is replaced, and then its login ends. A lagging index looks
/// the same.
#[tokio::test]
async fn f6_what_a_lagging_index_shows_is_judged_by_the_table() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    let (store, now) = (store(&service), service.clock.now());
    let access = AccessToken::parse(&pair.access).unwrap().hash();
    let found = store.logins_under(&access).await.unwrap().pop_first().unwrap();

    let next = Pair::of(&service.refresh(&pair.refresh).await);
    let state = store.read_login(&found).await.unwrap();
    assert_eq!(access_standing(&state, &access, now), Standing::Replaced { by: Generation::new(1).unwrap() });
    assert_eq!(service.logout(&next.access).await.status, 204);
    assert_eq!(access_standing(&store.read_login(&found).await.unwrap(), &access, now), Standing::Ended);
    assert!(store.logins_under(&access).await.unwrap().is_empty());
}

/// F7: an index doesn't enforce uniqueness, so both logins are shown.
#[tokio::test]
async fn f7_two_logins_under_one_hash_are_both_found() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    let twin = twin_of(&service, &pair).await;
    let found = store(&service).logins_under(&RefreshToken::parse(&pair.refresh).unwrap().hash()).await.unwrap();
    let mut expected = [pair.login_id, twin];
    expected.sort_unstable();
    assert_eq!(found.iter().map(|key| key.login_id.as_str()).collect::<Vec<_>>(), expected);
}

/// Gives another login a copy of the pair's session.
async fn twin_of(service: &Service, pair: &Pair) -> String {
    let login_id = "AAAAAAAAAAAAAAAAAAAAAA".to_owned();
    let items = service.database.items("SessionsTable").await;
    let mut item = items.into_iter().find(|item| item["sk"].as_s().unwrap().starts_with(&format!("{}#", pair.login_id))).unwrap();
    item.insert("sk".into(), AttributeValue::S(format!("{login_id}#0000000000")));
    item.insert("login_id".into(), AttributeValue::S(login_id.clone()));
    let put = service.database.client.put_item().table_name(service.database.table("SessionsTable"));
    put.set_item(Some(item)).send().await.unwrap();
    login_id
}

/// Promise G5: an outage is never "none".
#[tokio::test]
async fn an_outage_finds_nobody_missing() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    let store = Store::new(service.database.tapped(&service.tap), service.database.table("SessionsTable"));
    service.tap.arm(vec![Rule { operation: "Query", nth: 1, reach: Reach::FromThenOn, fault: Fault::LostBefore }]);
    assert!(store.logins_under(&AccessToken::parse(&pair.access).unwrap().hash()).await.is_err());
}
