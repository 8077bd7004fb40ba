//! The DynamoDB units of each operation, as DynamoDB counts them. They determine the service's cost, so a change must be
//! noticed.

use std::collections::BTreeMap;

use latchkey_tests::service::{Pair, Service};

/// Units by operation since the last call, including those of indexes.
fn consumed(service: &Service) -> Vec<(String, f64)> {
    let mut consumed: BTreeMap<String, f64> = BTreeMap::new();
    for call in service.tap.disarm() {
        *consumed.entry(call.operation).or_default() += call.capacity.unwrap();
    }
    service.tap.arm(Vec::new());
    consumed.into_iter().collect()
}

fn units(expected: &[(&str, f64)]) -> Vec<(String, f64)> {
    expected.iter().map(|(operation, units)| ((*operation).to_owned(), *units)).collect()
}

#[tokio::test]
async fn each_operation_consumes_what_is_promised() {
    let service = Service::start(&[]).await;
    service.tap.count_capacity();
    service.tap.arm(Vec::new());
    let (user, collection) = (("GetItem", 1.0), ("Query", 1.0));
    // The counts of account and network, and the network's budget: a strong read each.
    let read = ("BatchGetItem", 3.0);
    // A place in both counts, and the verdict in both. From a known network one of them is enough.
    let (counts, known) = (("PutItem", 4.0), ("PutItem", 2.0));

    let first = service.login().await;
    let seen = consumed(&service);
    // DynamoDB Local counts a query that finds nothing as nothing, and each write of a transaction with its index writes twice.
    // Which way is right about the indexes, only AWS can say. An emulator has to keep to one of the two.
    let is_local = seen.contains(&("Query".to_owned(), 0.0));
    let by_emulator = |embedded: f64, local: f64| if is_local { local } else { embedded };
    let nobody_yet = ("Query", by_emulator(1.0, 0.0));
    // The register, the user, the login and its session: two units each; and one into each index.
    let creation = ("TransactWriteItems", by_emulator(4.0 * 2.0 + 2.0, 20.0));
    assert_eq!(seen, units(&[read, user, counts, nobody_yet, creation]));
    let second = service.login().await;
    // Also the previous login.
    let creation = ("TransactWriteItems", by_emulator(5.0 * 2.0 + 2.0, 20.0));
    assert_eq!(consumed(&service), units(&[read, user, known, collection, creation]));

    service.assert_allowed(&first.access).await;
    assert_eq!(consumed(&service), units(&[("Query", 1.0)]));
    let next = Pair::of(&service.refresh(&first.refresh).await);
    // The login, its session and the successor: two units each; one out of each index, one into each.
    let rotation = ("TransactWriteItems", by_emulator(3.0 * 2.0 + 4.0, 16.0));
    assert_eq!(consumed(&service), units(&[("Query", 1.0), rotation]));
    service.refresh(&first.refresh).await;
    assert_eq!(consumed(&service), units(&[("Query", 1.0)]), "a replay reads");
    service.assert_refused(&first.access).await;
    assert_eq!(consumed(&service), units(&[("Query", 1.0)]), "a refusal reads");

    service.logout(&next.access).await;
    let swept_session_and_both_indexes = 3.0;
    assert_eq!(consumed(&service), units(&[("DeleteItem", 1.0 + swept_session_and_both_indexes)]));
    service.assert_allowed(&second.access).await;
}
