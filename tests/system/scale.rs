//! The units of docs/scale.md are those that the code consumes. bench/scale.py computes the page's other numbers from them.

use aws_sdk_dynamodb::types::AttributeValue;
use latchkey_cli::dev::DEMO_USER;
use latchkey_tests::{
    database::Item,
    service::{Pair, Service},
};
use serde_json::json;

const DOCUMENT: &str = include_str!("../../docs/scale.md");

/// Asserts that the page gives the operation the units that were consumed since the last call.
fn compare(service: &Service, operation: &str) {
    let calls = service.tap.disarm();
    service.tap.arm(Vec::new());
    let units = |reads: bool| {
        let of_kind = |operation: &str| matches!(operation, "Query" | "GetItem" | "BatchGetItem") == reads;
        // Starts at 0, because an empty sum is -0.
        calls.iter().filter(|call| of_kind(&call.operation)).fold(0.0, |sum, call| sum + call.capacity.unwrap())
    };
    expect(&format!("| {operation} | {} | {} |", units(true), units(false)));
}

fn expect(text: &str) {
    let is_there = DOCUMENT.lines().any(|line| line.starts_with(text));
    assert!(is_there, "docs/scale.md has no line {text:?}: write these numbers there, and run bench/scale.py");
}

/// The size of an item in the table and in the indexes, in bytes: names and values, and 100 for each index entry.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>
fn stored_bytes(item: &Item) -> usize {
    let attribute = |name: &str| item.get(name).map_or(0, |value| name.len() + bytes_of(value));
    let keys = attribute("user_key") + attribute("sk");
    let hashes = ["access_token_hash", "refresh_token_hash"].map(attribute).into_iter().filter(|bytes| *bytes > 0);
    item.keys().map(|name| attribute(name)).sum::<usize>() + hashes.map(|hash| hash + keys + 100).sum::<usize>()
}

fn bytes_of(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(digits) => digits.len() / 2 + 2,
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        AttributeValue::Bool(_) => 1,
        AttributeValue::L(list) => 3 + list.iter().map(|each| 1 + bytes_of(each)).sum::<usize>(),
        other => unreachable!("no item of ours holds {other:?}"),
    }
}

#[tokio::test]
async fn the_units_of_the_page_are_those_consumed() {
    #[expect(clippy::disallowed_methods, reason = "the variable configures the test run, not the service")]
    if std::env::var("LATCHKEY_TEST_DYNAMODB").is_ok_and(|url| !url.is_empty()) {
        // DynamoDB Local counts a transaction's index writes differently (units.rs); the page uses the embedded DynamoDB.
        return;
    }
    let service = Service::start(&[]).await;
    service.tap.count_capacity();
    // Most logins have an earlier one of the same user, and they write to it as well.
    service.login().await;
    service.tap.arm(Vec::new());

    let pair = service.login().await;
    compare(&service, "a login");
    service.login_with(&json!({"username": DEMO_USER, "password": "a wrong one"})).await;
    compare(&service, "a login refused");
    service.me(&pair.access).await;
    compare(&service, "a request");
    let next = Pair::of(&service.refresh(&pair.refresh).await);
    compare(&service, "a refresh");
    service.me(&next.access).await;
    compare(&service, "a first request");
    let items = service.database.items("SessionsTable").await;
    let of_login = items.iter().filter(|item| item["sk"].as_s().is_ok_and(|sk| sk.starts_with(&next.login_id)));
    let bytes = of_login.map(stored_bytes).sum::<usize>();
    expect(&format!("A login with its session takes {},{:03} bytes", bytes / 1_000, bytes % 1_000));
    service.logout(&next.access).await;
    compare(&service, "a logout");
}
