//! Tests of the fault layer itself: if a fault doesn't do what its name says, the matrix proves nothing.

use std::{pin::pin, time::Duration};

use aws_sdk_dynamodb::{
    Client,
    error::ProvideErrorMetadata as _,
    types::{AttributeValue, Put, TransactWriteItem},
};
use latchkey_tests::{
    database::Database,
    seed::{seed_of_test, seeded},
    tap::{CONDITION_FAILED, Fault, Forwarded, Reach, Rule, Tap, Tear},
};
use serde_json::json;
use strum::VariantArray as _;

use crate::{
    paths::Path,
    subject::{Ground, Subject},
};

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

struct Bench {
    tap: Tap,
    client: Client,
    database: Database,
}

impl Bench {
    async fn new() -> Self {
        let (database, tap) = (Database::new().await, Tap::default());
        Self { client: database.tapped(&tap), tap, database }
    }

    /// Puts an item under a fault. Returns whether the SDK reports success, DynamoDB's error code, the attempts, and
    /// whether the item is stored.
    async fn put(&self, reach: Reach, fault: Fault) -> (bool, Option<String>, usize, bool) {
        let subject = uuid::Uuid::new_v4().to_string();
        self.tap.arm(vec![Rule { operation: "PutItem", nth: 1, reach, fault }]);
        let put = self.client.put_item().table_name(self.database.table("LoginAttemptsTable"));
        let put = put.item("subject", AttributeValue::S(subject.clone())).send().await;
        let attempts = self.tap.disarm().len();
        self.tap.arrived().await;
        let there = self.database.items("LoginAttemptsTable").await.iter().any(|item| item["subject"].as_s() == Ok(&subject));
        (put.is_ok(), put.err().and_then(|error| error.code().map(str::to_owned)), attempts, there)
    }
}

#[tokio::test]
async fn each_fault_is_what_it_says() {
    let bench = Bench::new().await;
    let code = |code: &str| Some(code.to_owned());
    let throttled = Fault::Error(400, "ThrottlingException");
    let failing = Fault::ErrorAfter(500, "InternalServerError");
    let (delayed, late) = (Fault::Delay(Duration::from_millis(20)), Fault::ArrivesLate(Duration::from_millis(50)));
    assert_eq!(bench.put(Reach::OneCall, delayed).await, (true, None, 1, true));
    assert_eq!(bench.put(Reach::OneCall, Fault::LostBefore).await, (false, None, 3, false));
    assert_eq!(bench.put(Reach::OneCall, Fault::LostAfter).await, (false, None, 3, true));
    assert_eq!(bench.put(Reach::OneAttempt, Fault::LostBefore).await, (true, None, 2, true));
    assert_eq!(bench.put(Reach::OneCall, throttled.clone()).await, (false, code("ThrottlingException"), 3, false));
    assert_eq!(bench.put(Reach::OneAttempt, throttled).await, (true, None, 2, true));
    assert_eq!(bench.put(Reach::OneCall, failing).await, (false, code("InternalServerError"), 3, true));
    assert_eq!(bench.put(Reach::OneCall, Fault::Error(400, "ValidationException")).await, (false, code("ValidationException"), 1, false));
    assert_eq!(bench.put(Reach::OneCall, Fault::SilentBefore).await, (false, None, 3, false));
    assert_eq!(bench.put(Reach::OneCall, Fault::SilentAfter).await, (false, None, 3, true));
    assert_eq!(bench.put(Reach::OneCall, late).await, (false, None, 3, true));
}

#[tokio::test]
async fn a_cancelled_transaction_brings_its_reasons() {
    let bench = Bench::new().await;
    let codes = vec!["None", CONDITION_FAILED, "ThrottlingError"];
    let rule = Rule { operation: "TransactWriteItems", nth: 1, reach: Reach::OneCall, fault: Fault::Cancelled(codes.clone()) };
    bench.tap.arm(vec![rule]);
    let error = bench.client.transact_write_items().send().await.unwrap_err().into_service_error();
    let aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError::TransactionCanceledException(cancelled) = error else {
        panic!("{error:?}");
    };
    let received: Vec<_> = cancelled.cancellation_reasons().iter().map(|reason| reason.code().unwrap()).collect();
    assert_eq!(received, codes);
}

/// A torn query lacks one item; a stale index returns its earlier answer.
#[tokio::test]
async fn a_query_can_be_torn_and_an_index_stale() {
    let subject = Subject::new(&Ground::new().await).await;
    let pair = subject.first_login().await;
    let client = subject.ground.database.tapped(&subject.tap);
    let table = subject.ground.database.table("SessionsTable");
    let query = async |fault: Option<Fault>, index: Option<&str>| {
        let rule = |fault| Rule { operation: "Query", nth: 1, reach: Reach::OneCall, fault };
        subject.tap.arm(fault.into_iter().map(rule).collect());
        let (key, value) = match index {
            None => ("user_key", latchkey::ids::UserKey::of(&subject.user.user_id).as_str().to_owned()),
            Some(_) => ("access_token_hash", latchkey::token::AccessToken::parse(&pair.access).unwrap().hash().to_text()),
        };
        let query = client.query().table_name(table).set_index_name(index.map(str::to_owned));
        let query = query.key_condition_expression("#key = :value").expression_attribute_names("#key", key);
        let items = query.expression_attribute_values(":value", AttributeValue::S(value)).send().await.unwrap().items.unwrap_or_default();
        let mut keys: Vec<_> = items.iter().map(|item| item["sk"].as_s().unwrap().clone()).collect();
        keys.retain(|key| !key.starts_with("!user#"));
        keys.sort_unstable();
        (keys, subject.tap.disarm().remove(0).index)
    };
    let session = format!("{}#0000000000", pair.login_id);
    let (register, login) = ("!user".to_owned(), pair.login_id.clone());
    assert_eq!(query(None, None).await, (vec![register.clone(), login.clone(), session.clone()], None));
    assert_eq!(query(Some(Fault::WithoutLogin), None).await.0, [register.clone(), session.clone()]);
    assert_eq!(query(Some(Fault::WithoutSession), None).await.0, [register, login]);

    let index = Some("access_token".to_owned());
    assert_eq!(query(None, Some("access_token")).await, (vec![session.clone()], index.clone()));
    let before = Fault::Answer(json!({"Items": [], "Count": 0, "ScannedCount": 0}));
    assert_eq!(query(Some(before), Some("access_token")).await, (Vec::new(), index));
}

/// A transaction puts both items anew, while others read them one after another. Each item turns new once, and by the
/// transaction's answer both have.
#[tokio::test]
async fn a_torn_transaction_shows_each_item_turn_once() {
    let (bench, tear) = (Bench::new().await, Tear::new(seeded(seed_of_test("faults"))));
    bench.tap.tear(&tear);
    let table = bench.database.table("SessionsTable");
    let put = |sk: &str, version: u32| {
        let put = Put::builder()
            .table_name(table)
            .item("user_key", text("user"))
            .item("sk", text(sk))
            .item("version", text(&version.to_string()));
        TransactWriteItem::builder().put(put.build().unwrap()).build()
    };
    let read = async |client: &Client| {
        let query = client.query().table_name(table).consistent_read(true).key_condition_expression("user_key = :user_key");
        let items = query.expression_attribute_values(":user_key", text("user")).send().await.ok()?.items.unwrap_or_default();
        let version = |sk: &str| {
            let item = items.iter().find(|item| item["sk"].as_s().unwrap() == sk);
            item.map_or(0, |item| item["version"].as_s().unwrap().parse::<u32>().unwrap())
        };
        Some([version("a"), version("b")])
    };
    for version in 1..=40 {
        let mut shown = read(&bench.database.client).await.unwrap();
        let new = [version; 2];
        let write = bench.client.transact_write_items().transact_items(put("a", version)).transact_items(put("b", version)).send();
        let (mut write, mut answer) = (pin!(write), None);
        while answer.is_none() {
            let read = tokio::select! {
                answered = &mut write => {
                    answer = Some(answered.is_ok());
                    read(&bench.client).await
                }
                read = read(&bench.client) => read,
            };
            let Some(read) = read else { continue };
            for item in 0..2 {
                assert!(read[item] == version || read[item] == shown[item], "{shown:?}, then {read:?}");
            }
            assert!(answer != Some(true) || read == new, "answered, and {read:?} instead of {new:?}");
            shown = read;
        }
        bench.tap.arrived().await;
    }
    let torn = tear.torn();
    assert!(torn.windows > 0 && torn.mixed_reads > 0, "nothing was torn: {torn:?}");
}

#[tokio::test]
async fn a_call_that_stands_still_ends_its_handler() {
    for (forwarded, rotated) in [(Forwarded::No, false), (Forwarded::Answered, true)] {
        let ground = Ground::new().await;
        let subject = Subject::new(&ground).await;
        let pair = subject.first_login().await;
        subject.tap.arm(vec![Rule { operation: "TransactWriteItems", nth: 1, reach: Reach::OneCall, fault: Fault::Stand(forwarded) }]);
        let answer = subject.refresh(&pair.refresh).await;
        assert!(answer.status >= 500, "{}", answer.text);
        assert_eq!(subject.tap.disarm().len(), 2, "nothing is called after it");
        assert_eq!(subject.allows(&pair.access).await, !rotated);
    }
}

/// The calls of each path, so that a test fails when they change.
#[tokio::test]
async fn what_each_path_consumes() {
    let ground = Ground::new().await;
    let mut consumed = Vec::new();
    for &path in Path::VARIANTS {
        let subject = Subject::new(&ground).await;
        let held = path.prepare(&subject).await;
        subject.tap.count_capacity();
        subject.tap.arm(Vec::new());
        path.request(&subject, &held).await;
        let calls = subject.tap.disarm();
        let units: f64 = calls.iter().filter_map(|call| call.capacity).sum();
        consumed.push((path, calls.len(), units));
    }
    println!("assurance: capacity units by path | {consumed:?}");
    let of = |path: Path| consumed.iter().find(|(each, ..)| *each == path).map(|(_, calls, units)| (*calls, *units));
    assert_eq!(of(Path::AuthorizeCurrent), Some((2, 2.0)), "one strongly consistent read of up to 4 KiB, and the mark of a first use");
    assert_eq!(of(Path::Replay), Some((1, 1.0)));
    assert_eq!(of(Path::Refresh), Some((2, 11.0)), "the read; six write units, and four in the indexes");
}
