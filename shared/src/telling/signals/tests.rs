use std::{collections::BTreeSet, time::Duration};

use aws_sdk_dynamodb::config::retry::RetryConfig;
use serde_json::{Value, json};
use strum::{IntoEnumIterator as _, VariantArray as _};

use super::*;
use crate::{
    store::script::{Answer, Script, error, output},
    telling::{
        Refused,
        log::{Event, Fields, log},
    },
};

/// Signals whose lines are read afterwards.
fn heard(function: Function) -> (Signals, Arc<Mutex<Vec<String>>>) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&lines);
    (Signals::to("Latchkey/test", function, move |line| sink.lock().unwrap().push(line.to_owned())), lines)
}

fn logged(event: Event) {
    log(event, Fields::default(), None);
}

/// The rules of the specification that a line can break.
fn assert_valid(line: &str) -> Value {
    assert!(!line.contains(['\n', '\r']), "{line}");
    let document: Value = serde_json::from_str(line).unwrap();
    assert!(document["_aws"]["Timestamp"].as_i64().is_some_and(|now| now > 1_600_000_000_000), "milliseconds: {line}");
    let directives = document["_aws"]["CloudWatchMetrics"].as_array().unwrap();
    assert!(!directives.is_empty());
    for directive in directives {
        assert!(directive["Namespace"].as_str().is_some_and(|namespace| (1..=255).contains(&namespace.len())));
        let sets = directive["Dimensions"].as_array().unwrap();
        assert!(!sets.is_empty());
        for dimension in sets.iter().flat_map(|set| set.as_array().unwrap()) {
            assert!(document[dimension.as_str().unwrap()].as_str().is_some_and(|value| !value.is_empty()), "{dimension} of {line}");
        }
        let metrics = directive["Metrics"].as_array().unwrap();
        assert!((1..=100).contains(&metrics.len()), "{line}");
        let names: BTreeSet<_> = metrics.iter().map(|metric| metric["Name"].as_str().unwrap()).collect();
        assert_eq!(names.len(), metrics.len(), "a name twice: {line}");
        for (metric, name) in metrics.iter().zip(metrics.iter().map(|metric| metric["Name"].as_str().unwrap())) {
            assert!(["Count", "Milliseconds"].contains(&metric["Unit"].as_str().unwrap()));
            let numbers = |value: &Value| match value {
                Value::Array(values) => (1..=100).contains(&values.len()) && values.iter().all(Value::is_number),
                value => value.is_number(),
            };
            assert!(numbers(&document[name]), "{name} of {line}");
        }
    }
    document
}

#[tokio::test]
async fn a_line_is_as_the_specification_has_it() {
    let mut tally = Tally::of_request(true);
    tally.count(Metric::AccessDenied, Some(Refused::NoSession));
    tally.store_call(Duration::from_micros(3_042), 0);
    tally.store_call(Duration::from_micros(1_200_000), 2);
    let line = emf::line("Latchkey/latchkey-prod", Function::Authorizer, Some("8"), 1_764_000_000_123, &tally);
    assert_eq!(
        assert_valid(&line),
        json!({
            "_aws": {
                "Timestamp": 1_764_000_000_123_i64,
                "CloudWatchMetrics": [
                    {
                        "Namespace": "Latchkey/latchkey-prod",
                        "Dimensions": [["Function"]],
                        "Metrics": [
                            {"Name": "ColdStarts", "Unit": "Count"},
                            {"Name": "AccessDenied", "Unit": "Count"},
                            {"Name": "StoreRetries", "Unit": "Count"},
                            {"Name": "StoreLatency", "Unit": "Milliseconds"},
                        ],
                    },
                    {
                        "Namespace": "Latchkey/latchkey-prod",
                        "Dimensions": [["Function", "Reason"]],
                        "Metrics": [{"Name": "AccessDenied", "Unit": "Count"}],
                    },
                ],
            },
            "Function": "authorizer",
            "Reason": "no_session",
            "ColdStarts": 1,
            "AccessDenied": 1,
            "StoreRetries": 2,
            "StoreLatency": [3.042, 1200.0],
        })
    );
}

/// Only what a broken version does: each version that counts costs metrics of its own.
#[tokio::test]
async fn what_a_broken_version_refuses_is_counted_by_version() {
    let (signals, lines) = heard(Function::Authorizer);
    let told = async |version: Option<&str>, refused: Refused| {
        let signals = signals.clone().of_version(version);
        signals.of_request(None, async { logged(Event::AccessDenied(refused)) }).await;
        assert_valid(&lines.lock().unwrap().pop().unwrap())
    };
    let by_version = |line: &Value| {
        let directives = line["_aws"]["CloudWatchMetrics"].as_array().unwrap();
        directives.iter().find(|directive| directive["Dimensions"] == json!([["Function", "Version"]])).cloned()
    };
    for refused in Refused::VARIANTS {
        let line = told(Some("8"), *refused).await;
        let foreign = matches!(refused, Refused::Malformed | Refused::Forged);
        assert_eq!(line["TokensForeign"], if foreign { json!(1) } else { Value::Null }, "{refused:?}");
        assert_eq!(line["Version"], if foreign { json!("8") } else { Value::Null }, "{refused:?}");
        let expected = foreign.then(|| json!([{"Name": "TokensForeign", "Unit": "Count"}]));
        assert_eq!(by_version(&line).map(|directive| directive["Metrics"].clone()), expected, "{refused:?}");
    }
    // On a laptop there is none, and the unpublished one is never in service. Nothing that JSON would have to escape gets into a line.
    for none in [None, Some("$LATEST"), Some(""), Some("8\""), Some("-1"), Some("123456789012345678901")] {
        let line = told(none, Refused::Forged).await;
        assert_eq!((&line["TokensForeign"], &line["Version"], by_version(&line)), (&json!(1), &Value::Null, None), "{none:?}");
    }
}

/// Every code there is, with every reason, in one request: still one valid line, within what CloudWatch takes of a line.
#[tokio::test]
async fn whatever_happens_in_a_request_is_one_valid_line() {
    let (signals, lines) = heard(Function::Sessions);
    signals
        .of_request(None, async {
            for event in Event::iter().chain(Refused::VARIANTS.iter().copied().map(Event::RefreshRefused)) {
                logged(event);
            }
            for _ in 0..130 {
                with_tally(|tally| tally.store_call(Duration::from_millis(1), 0));
            }
        })
        .await;
    let lines = lines.lock().unwrap();
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    let document = assert_valid(line);
    assert_eq!(document["StoreLatency"].as_array().unwrap().len(), 100);
    for metric in Event::iter().filter_map(Event::counts) {
        assert!(document[metric.name()].is_number(), "{metric:?}");
    }
}

#[tokio::test]
async fn the_first_request_of_a_process_is_a_cold_start() {
    let (signals, lines) = heard(Function::Login);
    for _ in 0..2 {
        signals.of_request(None, async { logged(Event::LoginFailed) }).await;
    }
    let told: Vec<_> = lines.lock().unwrap().iter().map(|line| assert_valid(line)).collect();
    assert_eq!(told.iter().map(|line| &line["ColdStarts"]).collect::<Vec<_>>(), [&json!(1), &Value::Null]);
    assert_eq!(told.iter().map(|line| &line["LoginsFailed"]).collect::<Vec<_>>(), [&json!(1), &json!(1)]);
}

#[tokio::test]
async fn a_request_with_nothing_to_tell_has_no_line() {
    let (signals, lines) = heard(Function::Sessions);
    for _ in 0..3 {
        signals.of_request(None, async {}).await;
    }
    assert_eq!(lines.lock().unwrap().len(), 1, "the cold start alone");
    logged(Event::LoggedOut);
    Signals::default().of_request(None, async { logged(Event::LoggedOut) }).await;
    assert_eq!(lines.lock().unwrap().len(), 1, "outside of a request, and where metrics are off, nobody counts");
}

/// Requests that one thread works on by turns.
#[tokio::test]
async fn each_request_counts_for_itself() {
    let (signals, lines) = heard(Function::Refresh);
    let one = |event: Event| {
        let signals = signals.clone();
        async move {
            signals
                .of_request(None, async {
                    tokio::task::yield_now().await;
                    logged(event);
                    tokio::task::yield_now().await;
                    with_tally(|tally| tally.store_call(Duration::from_millis(2), 0));
                })
                .await;
        }
    };
    tokio::join!(one(Event::RefreshRotated), one(Event::RefreshReplayed), one(Event::RefreshReused));
    let lines = lines.lock().unwrap();
    assert_eq!(lines.len(), 3);
    for line in lines.iter().map(|line| assert_valid(line)) {
        let refreshes = line.as_object().unwrap().keys().filter(|name| name.starts_with("Refreshes")).count();
        assert_eq!((refreshes, &line["StoreLatency"]), (1, &json!([2.0])), "{line}");
    }
}

#[tokio::test]
async fn a_call_to_dynamodb_is_measured_with_its_attempts() {
    let (signals, lines) = heard(Function::Authorizer);
    let script = Script::new([error("ThrottlingException"), output(json!({"Count": 0, "Items": []}))]);
    let store = script.store_trying(RetryConfig::standard().with_initial_backoff(Duration::from_millis(1)));
    signals.of_request(None, store.warm_up()).await.unwrap();
    assert_eq!(script.asked().len(), 2);
    let document = assert_valid(&lines.lock().unwrap()[0]);
    assert_eq!(document["StoreLatency"].as_array().unwrap().len(), 1, "{document}");
    assert_eq!(document["StoreRetries"], 1, "{document}");
}

/// Also a throttled attempt whose retry succeeds: it is in no log line.
#[tokio::test]
async fn a_throttled_table_is_counted_by_name() {
    let (signals, lines) = heard(Function::Refresh);
    let arn = "arn:aws:dynamodb:eu-central-1:123456789012:table/sessions/index/refresh_token_hash";
    let reasons = json!({"throttlingReasons": [{"reason": "IndexReadKeyRangeThroughputExceeded", "resource": arn}]});
    let answers = [Answer::Error("ThrottlingException", reasons), error("ThrottlingException"), output(json!({"Count": 0, "Items": []}))];
    let script = Script::new(answers);
    let store = script.store_trying(RetryConfig::standard().with_initial_backoff(Duration::from_millis(1)));
    signals.of_request(None, store.warm_up()).await.unwrap();
    let document = assert_valid(&lines.lock().unwrap()[0]);
    assert_eq!(document["StoreThrottles"], 2, "{document}");
    assert_eq!(document["Resource"], "sessions/refresh_token_hash", "{document}");
    let directives = document["_aws"]["CloudWatchMetrics"].as_array().unwrap();
    let by_resource = directives.iter().find(|directive| directive["Dimensions"] == json!([["Resource"]])).unwrap();
    assert_eq!(by_resource["Metrics"], json!([{"Name": "StoreThrottles", "Unit": "Count"}]));
    assert!(!document.to_string().contains("123456789012"), "the account isn't told");
}

/// Low cardinality: a metric costs by the number of values that its dimensions have.
#[test]
fn there_are_few_metrics() {
    let each = Metric::VARIANTS.iter().map(|metric| metric.functions().len() * (1 + metric.reasons().len()));
    let documented = include_str!("../../../../docs/metrics.md");
    assert!(documented.contains(&format!("CloudWatch has {} metrics", each.sum::<usize>())));
    let by_version = Metric::VARIANTS.iter().filter(|metric| metric.is_by_version()).map(|metric| metric.functions().len());
    assert!(documented.contains(&format!("{} more for each version", by_version.sum::<usize>())));
    let names: BTreeSet<_> = Metric::VARIANTS.iter().map(|metric| metric.name()).collect();
    assert_eq!(names.len(), Metric::VARIANTS.len());
    assert!(Event::iter().filter_map(Event::counts).all(|metric| Metric::VARIANTS.contains(&metric)));
}

#[test]
fn the_metrics_are_documented_as_they_are() {
    let documented = include_str!("../../../../docs/metrics.md");
    for metric in Metric::VARIANTS {
        let functions: Vec<_> = metric.functions().iter().map(|function| function.name()).collect();
        let functions = if functions.len() == Function::VARIANTS.len() { "all".to_owned() } else { functions.join(", ") };
        let row = format!("| `{}` | {} | {functions} |", metric.name(), metric.unit());
        assert!(documented.contains(&row), "docs/metrics.md lacks {row}");
    }
    assert_eq!(documented.lines().filter(|line| line.starts_with("| `")).count(), Metric::VARIANTS.len() + Refused::VARIANTS.len());
    for refused in Refused::VARIANTS {
        assert!(documented.contains(&format!("| `{}` |", refused.word())), "docs/metrics.md lacks {}", refused.word());
    }
}

/// Requests that passed share lines that CloudWatch accepts, and none is lost or counted twice.
#[tokio::test]
async fn shared_lines_count_each_request_once() {
    let (signals, lines) = heard(Function::Authorizer);
    let signals = signals.sharing_lines();
    for _ in 0..250 {
        let request = async {
            with_tally(|tally| tally.store_call(Duration::from_millis(1), 0));
            logged(Event::AccessAllowed);
        };
        signals.of_request(None, request).await;
    }
    let crashed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _flush = signals.flush_at_end();
        panic!("a crash");
    }));
    assert!(crashed.is_err());
    drop(signals.flush_at_end());
    let lines: Vec<_> = lines.lock().unwrap().iter().map(|line| assert_valid(line)).collect();
    let sum = |lines: &[Value]| lines.iter().map(|line| line["AccessAllowed"].as_u64().unwrap()).sum::<u64>();
    let latencies: usize = lines.iter().map(|line| line["StoreLatency"].as_array().unwrap().len()).sum();
    assert_eq!((sum(&lines), latencies), (250, 250));
    assert!(lines.len() < 250, "{}", lines.len());
}

/// docs/scale.md computes its costs with so many.
#[test]
fn a_further_request_of_a_line_takes_six_bytes() {
    let bytes = |requests: u32| {
        let mut tally = Tally::default();
        for _ in 0..requests {
            tally.count(Metric::AccessAllowed, None);
            tally.store_call(Duration::from_micros(4_321), 0);
        }
        emf::line("Latchkey/latchkey-prod", Function::Authorizer, None, 1_764_000_000_123, &tally).len()
    };
    // The count has one digit more.
    assert_eq!(bytes(10) - bytes(1), 9 * 6 + 1);
}
