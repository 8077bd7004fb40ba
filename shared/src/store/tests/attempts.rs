//! The counts of login attempts.

use std::time::Duration;

use serde_json::{Value, json};

use super::{CONDITION, THROTTLED, n, now, s};
use crate::{
    decision::states::at,
    store::{
        StoreError,
        script::{Answer, Script, error, output},
    },
    throttle::{Counts, PairCount, Subjects, Throttle},
};

/// Waits of 1 and 2 s, then 3 s for all more.
const THROTTLE: Throttle = Throttle {
    free_failures: 5,
    max_delay: Duration::from_secs(3),
    network_failures: 300,
    network_window: Duration::from_secs(300),
    account_failures: 100,
};

fn subjects() -> Subjects {
    Subjects { pair: "pair".into(), account: "account".into(), network: "network".into(), window_ends_at: now() + at(1_000) }
}

const NOW: &str = "2027-01-15T08:00:00.000Z";
const DAY: i64 = 86_400;

fn pair(failures: i64) -> Value {
    json!({"subject": s("pair"), "failures": n(failures), "last_at": s("2027-01-15T07:59:00.000Z"), "last_success_at": s(NOW)})
}

fn pair_count(counted: bool, failures: u32) -> PairCount {
    PairCount { counted, failures, last_at: now() - at(60_000), last_success_at: Some(now()) }
}

/// What was asked, by whose count it was.
fn by_subject(script: &Script) -> Vec<(String, Value)> {
    let mut asked: Vec<_> = script
        .asked()
        .into_iter()
        .map(|(operation, request)| {
            assert_eq!((operation.as_str(), &request["TableName"]), ("UpdateItem", &json!("attempts")));
            (request["Key"]["subject"]["S"].as_str().unwrap().to_owned(), request)
        })
        .collect();
    asked.sort_by_key(|(subject, _)| subject.clone());
    asked
}

#[tokio::test]
async fn an_attempt_is_counted_three_times() {
    let script = Script::new([output(json!({"Attributes": pair(1)})), output(json!({})), output(json!({}))]);
    let counts = script.attempts().count_attempt(&subjects(), &THROTTLE, now()).await;
    assert_eq!(counts, Ok(Counts { pair: pair_count(true, 1), network_counted: true, account_counted: true }));
    let ttl = n(now().timestamp() + 31 * DAY);
    assert_eq!(
        by_subject(&script).into_iter().map(|(_, request)| request).collect::<Vec<_>>(),
        [
            json!({
                "TableName": "attempts",
                "Key": {"subject": s("account")},
                "UpdateExpression": "SET last_at = :now, #ttl = :ttl ADD failures :one",
                "ConditionExpression": "attribute_not_exists(failures) OR failures < :most OR last_at <= :hour_ago",
                "ExpressionAttributeNames": {"#ttl": "ttl"},
                "ExpressionAttributeValues": {
                    ":now": s(NOW), ":one": n(1), ":most": n(100), ":hour_ago": s("2027-01-15T07:00:00.000Z"), ":ttl": ttl,
                },
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }),
            json!({
                "TableName": "attempts",
                "Key": {"subject": s("network")},
                "UpdateExpression": "SET #ttl = :ttl ADD failures :one",
                "ConditionExpression": "attribute_not_exists(failures) OR failures < :most",
                "ExpressionAttributeNames": {"#ttl": "ttl"},
                "ExpressionAttributeValues": {":one": n(1), ":most": n(300), ":ttl": n(now().timestamp() + 1 + DAY)},
            }),
            json!({
                "TableName": "attempts",
                "Key": {"subject": s("pair")},
                "UpdateExpression": "SET last_at = :now, #ttl = :ttl ADD failures :one",
                "ConditionExpression": "attribute_not_exists(failures) OR failures < :free OR (failures = :n0 AND last_at <= :t0) \
                    OR (failures = :n1 AND last_at <= :t1) OR (failures >= :n2 AND last_at <= :t2)",
                "ExpressionAttributeNames": {"#ttl": "ttl"},
                "ExpressionAttributeValues": {
                    ":free": n(5), ":now": s(NOW), ":one": n(1), ":ttl": ttl,
                    ":n0": n(5), ":t0": s("2027-01-15T07:59:59.000Z"),
                    ":n1": n(6), ":t1": s("2027-01-15T07:59:58.000Z"),
                    ":n2": n(7), ":t2": s("2027-01-15T07:59:57.000Z"),
                },
                "ReturnValues": "ALL_NEW",
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }),
        ]
    );
}

#[tokio::test]
async fn what_a_full_count_answers() {
    let refused = Answer::Error(CONDITION, json!({"Item": pair(7)}));
    let script = Script::new([refused, error(CONDITION), error(CONDITION)]);
    let counts = script.attempts().count_attempt(&subjects(), &THROTTLE, now()).await;
    assert_eq!(counts, Ok(Counts { pair: pair_count(false, 7), network_counted: false, account_counted: false }));

    // An attempt that can't be counted is not made, whichever of the three it is.
    for place in 0..3 {
        let mut answers = [output(json!({"Attributes": pair(1)})), output(json!({})), output(json!({}))];
        answers[place] = error(THROTTLED);
        let counts = Script::new(answers).attempts().count_attempt(&subjects(), &THROTTLE, now()).await;
        assert!(matches!(counts, Err(StoreError::Unavailable { operation: "UpdateItem", .. })), "{counts:?}");
    }
    let lost = Script::new([Answer::Lost, output(json!({})), output(json!({}))]);
    assert!(matches!(lost.attempts().count_attempt(&subjects(), &THROTTLE, now()).await, Err(StoreError::Unavailable { .. })));
}

/// One back for each that was counted, and none below zero.
#[tokio::test]
async fn an_attempt_that_was_not_made_is_taken_back() {
    let counts = Counts { pair: pair_count(true, 1), network_counted: false, account_counted: true };
    let script = Script::new([output(json!({})), error(CONDITION)]);
    assert_eq!(script.attempts().uncount_attempt(&subjects(), &counts).await, Ok(()));
    let asked = by_subject(&script);
    assert_eq!(asked.iter().map(|(subject, _)| subject.as_str()).collect::<Vec<_>>(), ["account", "pair"]);
    assert_eq!(
        asked[0].1,
        json!({
            "TableName": "attempts",
            "Key": {"subject": s("account")},
            "UpdateExpression": "ADD failures :minus_one",
            "ConditionExpression": "failures > :zero",
            "ExpressionAttributeValues": {":minus_one": n(-1), ":zero": n(0)},
        })
    );

    let all = Counts { pair: pair_count(true, 1), network_counted: true, account_counted: true };
    for place in 0..3 {
        let mut answers = [output(json!({})), output(json!({})), output(json!({}))];
        answers[place] = error(THROTTLED);
        assert!(Script::new(answers).attempts().uncount_attempt(&subjects(), &all).await.is_err(), "{place}");
    }
}

#[tokio::test]
async fn a_success_starts_the_counts_again() {
    let script = Script::new([output(json!({})), output(json!({})), output(json!({}))]);
    assert_eq!(script.attempts().attempt_succeeded(&subjects(), now()).await, Ok(()));
    let asked: Vec<_> = by_subject(&script).into_iter().map(|(_, request)| request).collect();
    assert_eq!(
        asked[0],
        json!({
            "TableName": "attempts",
            "Key": {"subject": s("account")},
            "UpdateExpression": "SET failures = :zero",
            "ExpressionAttributeValues": {":zero": n(0)},
        })
    );
    assert_eq!(asked[1]["UpdateExpression"], "ADD failures :minus_one");
    assert_eq!(
        asked[2],
        json!({
            "TableName": "attempts",
            "Key": {"subject": s("pair")},
            "UpdateExpression": "SET failures = :zero, last_at = :now, last_success_at = :now, #ttl = :ttl",
            "ExpressionAttributeNames": {"#ttl": "ttl"},
            "ExpressionAttributeValues": {":zero": n(0), ":now": s(NOW), ":ttl": n(now().timestamp() + 31 * DAY)},
        })
    );
    for place in 0..3 {
        let mut answers = [output(json!({})), output(json!({})), output(json!({}))];
        answers[place] = error(THROTTLED);
        assert!(Script::new(answers).attempts().attempt_succeeded(&subjects(), now()).await.is_err(), "{place}");
    }
}
