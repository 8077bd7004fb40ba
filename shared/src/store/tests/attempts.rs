//! The counts of login attempts.

use serde_json::{Value, json};

use super::{CONDITION, THROTTLED, n, now, s};
use crate::{
    decision::states::at,
    store::{
        CountWrite, StoreError, StoredCount, Unheard,
        script::{Answer, Script, error, output},
    },
    throttle::{AttemptId, Budget, Count, Pending, Scope, Subject, Subjects, Throttle},
    username::Username,
};

const THROTTLE: Throttle = Throttle {
    free_failures: 5,
    max_delay: std::time::Duration::from_secs(900),
    network_failures: 300,
    network_window: std::time::Duration::from_secs(300),
    account_failures: 100,
};

fn subjects() -> Subjects {
    Subjects::of(&Username::parse("ada").unwrap(), None, "192.0.2.1", &THROTTLE, now())
}

/// A count with everything that one can have.
fn item(key: &str) -> Value {
    json!({
        "subject": s(key), "version": n(7), "drained_at": s("2027-01-15T09:00:00.000Z"), "last_failure_at": s("2027-01-15T07:59:00.000Z"),
        "known_until": s("2027-02-14T08:00:00.000Z"), "pending": {"M": {"abc": s("2027-01-15T08:00:05.000Z")}}, "ttl": n(1_802_678_400),
    })
}

fn count() -> Count {
    Count {
        drained_at: Some(now() + at(3_600_000)),
        last_failure_at: Some(now() - at(60_000)),
        known_until: Some(now() + at(30 * 86_400_000)),
        pending: vec![Pending { attempt: AttemptId("abc".into()), until: now() + at(5_000) }],
    }
}

fn page(items: &[Value]) -> Answer {
    output(json!({"Responses": {"attempts": items}, "UnprocessedKeys": {}}))
}

async fn read(answer: Answer) -> Result<(Vec<Count>, bool), StoreError> {
    let read = Script::new([answer]).attempts().read_counts(&subjects()).await?;
    let decided_on = read.to_decide();
    Ok((read.counts.into_iter().map(|stored| stored.count).collect(), decided_on.network_is_used_up))
}

#[tokio::test]
async fn one_strong_read_sees_every_count() {
    let subjects = subjects();
    let [pair, account] = [0, 1].map(|place: usize| subjects.counts[place].key.clone());
    let budget = subjects.budgets[0].key.clone();
    let script = Script::new([page(&[item(&account)])]);
    let read = script.attempts().read_counts(&subjects).await.unwrap();
    let counts: Vec<_> = read.counts.iter().map(|stored| (stored.subject.scope, stored.count.clone())).collect();
    assert_eq!(counts, [(Scope::Network, Count::default()), (Scope::Account, count())]);
    let keys = [pair, account, budget].map(|key| json!({"subject": s(&key)}));
    let asked = json!({"RequestItems": {"attempts": {"ConsistentRead": true, "Keys": keys}}});
    assert_eq!(script.asked(), [("BatchGetItem".to_owned(), asked)]);
}

#[tokio::test]
async fn a_network_is_used_up_at_its_limit() {
    let key = subjects().budgets[0].key.clone();
    let spent = |failures| page(&[json!({"subject": s(&key), "failures": n(failures), "ttl": n(1)})]);
    assert_eq!(read(spent(299)).await, Ok((vec![Count::default(), Count::default()], false)));
    assert_eq!(read(spent(300)).await, Ok((vec![Count::default(), Count::default()], true)));
}

/// An attempt whose counts aren't all known is not looked at.
#[tokio::test]
async fn what_is_left_out_is_an_outage() {
    let left = json!({"attempts": {"Keys": [{"subject": s("x")}]}});
    let partly = output(json!({"Responses": {"attempts": []}, "UnprocessedKeys": left}));
    for answer in [partly, error(THROTTLED), Answer::Lost] {
        assert!(matches!(read(answer).await, Err(StoreError::Unavailable { operation: "BatchGetItem", .. })));
    }
}

#[tokio::test]
async fn an_item_that_was_not_written_so_is_named() {
    let key = subjects().counts[0].key.clone();
    for (attribute, value) in [
        ("version", json!({"S": "1"})),
        ("pending", json!({"S": "none"})),
        ("pending", json!({"M": {"abc": n(5)}})),
        ("drained_at", s("tomorrow")),
        ("last_failure_at", s("")),
        ("known_until", n(1)),
    ] {
        let mut damaged = item(&key);
        damaged[attribute] = value;
        let Err(StoreError::Item(error)) = read(page(&[damaged])).await else { panic!("{attribute}") };
        assert_eq!((error.item, error.attribute), ("login attempts", attribute));
    }
}

fn stored(version: Option<u64>) -> StoredCount {
    StoredCount { subject: Subject { scope: Scope::Network, key: "pair".into() }, count: Count::default(), version }
}

async fn written(version: Option<u64>, answer: Answer) -> (Result<CountWrite, StoreError>, Value) {
    let script = Script::new([answer]);
    let written = script.attempts().write_count(&stored(version), count(), &Unheard::default()).await;
    let [(operation, request)] = script.asked().try_into().unwrap();
    assert_eq!(operation, "PutItem");
    (written, request)
}

#[tokio::test]
async fn a_count_is_written_over_what_was_read() {
    let done = |version| Ok(CountWrite::Done(StoredCount { count: count(), version: Some(version), ..stored(None) }));
    let (first, request) = written(None, output(json!({}))).await;
    assert_eq!(first, done(1));
    let mut expected = item("pair");
    expected["version"] = n(1);
    // A day after what it holds has lost its meaning.
    expected["ttl"] = n((now() + at(31 * 86_400_000)).timestamp());
    assert_eq!(request["Item"], expected);
    assert_eq!(request["ConditionExpression"], "attribute_not_exists(subject)");

    let (next, request) = written(Some(6), output(json!({}))).await;
    assert_eq!(next, done(7));
    assert_eq!(request["ConditionExpression"], "version = :version");
    assert_eq!(request["ExpressionAttributeValues"], json!({":version": n(6)}));
}

#[tokio::test]
async fn a_write_that_comes_second_learns_what_came_first() {
    let refused = |item: Value| Answer::Error(CONDITION, json!({"Item": item}));
    let (changed, _) = written(Some(6), refused(item("pair"))).await;
    assert_eq!(changed, Ok(CountWrite::Changed(StoredCount { count: count(), version: Some(7), ..stored(None) })));
    let (gone, _) = written(Some(6), Answer::Error(CONDITION, json!({}))).await;
    assert_eq!(gone, Ok(CountWrite::Changed(stored(None))), "collected meanwhile");
    for answer in [error(THROTTLED), Answer::Lost] {
        assert!(matches!(written(None, answer).await.0, Err(StoreError::Unavailable { operation: "PutItem", .. })));
    }
}

#[tokio::test]
async fn a_budget_is_spent_by_one_update() {
    let budget = Budget { key: "network".into(), most: 300 };
    let script = Script::new([output(json!({}))]);
    assert_eq!(script.attempts().spend(&budget, now()).await, Ok(()));
    let [(operation, request)] = script.asked().try_into().unwrap();
    assert_eq!((operation.as_str(), &request["UpdateExpression"]), ("UpdateItem", &json!("SET #ttl = :ttl ADD failures :one")));
    assert_eq!(request["ExpressionAttributeValues"], json!({":one": n(1), ":ttl": n((now() + at(86_400_000)).timestamp())}));
}
