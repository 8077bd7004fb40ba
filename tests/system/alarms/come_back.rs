//! Plays trouble through the definition of each alarm: it must go off, and it must come back, so that it can go off again.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{
    evaluation::{Leaf, State, leaves, states},
    math::{Points, Reading},
    resources,
};

const QUIET: usize = 30;
const TROUBLE: usize = 8;
/// Periods between the trouble and the state of the alarm.
const LAG: usize = 2;

/// What goes on beside the trouble.
#[derive(Debug, Clone, Copy)]
struct Traffic {
    /// Whether the function in trouble is called in quiet times.
    own: bool,
    /// Whether other functions are ever called. A metric of a function that is never called has no points at all.
    others: bool,
}

fn readings() -> impl Iterator<Item = Reading> {
    // Were neither true, no expression could add series of which one is empty.
    let either = [(true, true), (true, false), (false, true)];
    either
        .into_iter()
        .flat_map(|(fills_empty, sums_what_is_there)| [0, 2, 7].map(|looks_back| Reading { fills_empty, sums_what_is_there, looks_back }))
}

fn traffic() -> impl Iterator<Item = Traffic> {
    [true, false].into_iter().flat_map(|own| [true, false].map(|others| Traffic { own, others }))
}

/// The function, or the API, that a metric is about.
fn about(leaf: &Leaf) -> String {
    let names = ["Function", "FunctionName", "ApiName"].map(|name| leaf.dimensions.get(name));
    let name = names.into_iter().flatten().next().unwrap();
    // The logical id in the metrics of AWS, the binary in our own.
    name.trim_end_matches("Function").to_lowercase()
}

fn is_new_version(leaf: &Leaf) -> bool {
    leaf.dimensions.contains_key("Version") || leaf.dimensions.contains_key("ExecutedVersion")
}

/// The point of a metric in a period. AWS counts a zero for each call that went well; our functions write a count when there is one.
fn point(leaf: &Leaf, is_called: bool, in_trouble: bool) -> Option<f64> {
    let calls = if is_new_version(leaf) { 100.0 } else { 1_000.0 };
    let called = |point: f64| is_called.then_some(point);
    match (leaf.namespace.as_str(), leaf.metric.as_str(), leaf.statistic.as_str()) {
        (_, "Invocations", "Sum") | (_, "Duration" | "Latency", "SampleCount") => called(calls),
        ("AWS/Lambda", "Errors" | "Throttles", "Sum") => called(if in_trouble { 20.0 } else { 0.0 }),
        ("AWS/ApiGateway", "5XXError", "Average") => called(if in_trouble { 0.2 } else { 0.0 }),
        (_, "Duration" | "Latency", "p99") => called(if in_trouble { 9_000.0 } else { 50.0 }),
        ("Latchkey/latchkey", _, "Sum") => in_trouble.then_some(20.0),
        other => unreachable!("how is {other:?} counted?"),
    }
}

/// Quiet, trouble, quiet, trouble, quiet: the points of each metric.
fn points(alarm: &Value, culprit: &str, traffic: Traffic) -> BTreeMap<String, Points> {
    let phases = [(false, QUIET), (true, TROUBLE), (false, QUIET), (true, TROUBLE), (false, QUIET)];
    let series = |leaf: &Leaf| {
        let is_culprit = about(leaf) == culprit;
        let periods = phases.iter().flat_map(|(trouble, length)| std::iter::repeat_n(*trouble, *length));
        periods
            .map(|trouble| {
                let is_called = if is_culprit { traffic.own || trouble } else { traffic.others };
                point(leaf, is_called, trouble && is_culprit)
            })
            .collect()
    };
    leaves(alarm).iter().map(|(id, leaf)| (id.clone(), series(leaf))).collect()
}

/// Whether it goes off in both troubles, within the lag, and is OK before each and at the end.
fn goes_off_and_comes_back(states: &[State]) -> bool {
    let goes_off = |from: usize| states[from..from + TROUBLE + LAG].contains(&State::Alarm);
    let (first, second) = (QUIET, QUIET + TROUBLE + QUIET);
    let quiet_before = !states[..first].contains(&State::Alarm);
    let back = [second - 1, states.len() - 1].into_iter().all(|end| states[end] == State::Ok);
    quiet_before && goes_off(first) && goes_off(second) && back
}

fn play(alarm: &Value) -> Vec<(String, Traffic, Reading, bool)> {
    let culprits: BTreeSet<String> = leaves(alarm).values().map(about).collect();
    let cases =
        culprits.iter().flat_map(|culprit| traffic().flat_map(move |traffic| readings().map(move |reading| (culprit, traffic, reading))));
    cases
        .map(|(culprit, traffic, reading)| {
            let states = states(alarm, &points(alarm, culprit, traffic), reading);
            (culprit.clone(), traffic, reading, goes_off_and_comes_back(&states))
        })
        .collect()
}

#[test]
fn every_alarm_goes_off_and_comes_back() {
    let alarms = resources("AWS::CloudWatch::Alarm", &[("Deployment", "Canary10Percent5Minutes")]);
    assert!(alarms.len() > 18);
    for (id, alarm) in &alarms {
        for (culprit, traffic, reading, right) in play(alarm) {
            assert!(right, "{id}: trouble of {culprit}, {traffic:?}, {reading:?}");
        }
    }
}

/// What the alarms were before, each with its fault. This is what the test above is there to find.
#[test]
fn a_definition_that_sticks_or_stays_silent_is_found() {
    let alarm = |metrics: Value| {
        json!({
            "Metrics": metrics, "EvaluationPeriods": "5", "DatapointsToAlarm": "2", "Threshold": "1",
            "ComparisonOperator": "GreaterThanOrEqualToThreshold", "TreatMissingData": "notBreaching",
        })
    };
    let own = |function: &str| {
        let metric = json!({"Namespace": "Latchkey/latchkey", "MetricName": "InternalErrors", "Dimensions": [{"Name": "Function", "Value": function}]});
        json!({"Id": function, "ReturnData": "false", "MetricStat": {"Stat": "Sum", "Period": "60", "Metric": metric}})
    };
    // A series without points makes the sum of two FILLs empty, if FILL leaves it so.
    let sum = json!({"Id": "all", "ReturnData": "true", "Expression": "FILL(login, 0) + FILL(refresh, 0)"});
    let played = play(&alarm(json!([sum, own("login"), own("refresh")])));
    assert!(played.iter().all(|(_, _, reading, right)| *right == reading.fills_empty));

    // DynamoDB's own metrics: what is missing keeps the alarm on.
    let metric = json!({"Namespace": "AWS/DynamoDB", "MetricName": "ReadThrottleEvents", "Dimensions": [{"Name": "TableName", "Value": "Sessions"}]});
    let mut throttled = alarm(json!(null));
    for (key, value) in metric.as_object().unwrap() {
        throttled[key] = value.clone();
    }
    throttled["Statistic"] = json!("Sum");
    let points: Points = (0..60).map(|period| (20..28).contains(&period).then_some(5.0)).collect();
    for reading in readings() {
        let states = states(&throttled, &[("metric".to_owned(), points.clone())].into(), reading);
        assert_eq!((states[19], states[27], states[59]), (State::InsufficientData, State::Alarm, State::Alarm), "{reading:?}");
    }
}

/// A percentile that is `ignore`d for too few samples stays as it was, and one that isn't goes off for a single slow start.
#[test]
fn no_alarm_rests_on_few_samples() {
    for (id, alarm) in resources("AWS::CloudWatch::Alarm", &[]) {
        assert!(alarm.get("ExtendedStatistic").is_none(), "{id}");
        let percentile = leaves(&alarm).into_iter().find(|(_, leaf)| leaf.statistic.starts_with('p'));
        let Some((slowest, leaf)) = percentile else { continue };
        let calls = leaves(&alarm).into_iter().find(|(_, other)| *other == Leaf { statistic: "SampleCount".to_owned(), ..leaf.clone() });
        let calls = calls.unwrap_or_else(|| panic!("{id} doesn't count the samples of {slowest}")).0;
        for (samples, expected) in [(199.0, State::Ok), (200.0, State::Alarm)] {
            let points = [(slowest.clone(), vec![Some(9_000.0); 10]), (calls.clone(), vec![Some(samples); 10])].into();
            for reading in readings() {
                assert_eq!(states(&alarm, &points, reading).last(), Some(&expected), "{id} {samples} {reading:?}");
            }
        }
    }
}

/// Points of the last period: refusals and calls of the new version, and of both.
fn rolls_back(alarm: &Value, new_refusals: f64, new_calls: f64, refusals: f64, calls: f64) -> bool {
    let series = [("new_refusals", new_refusals), ("new_calls", new_calls), ("refusals", refusals), ("calls", calls)];
    // No refusal, no point.
    let point = |id: &str, number: f64| (number > 0.0 || id.ends_with("calls")).then_some(number);
    let points = series.map(|(id, number)| (id.to_owned(), vec![point(id, number); 6])).into();
    let rolled: BTreeSet<bool> = readings().map(|reading| states(alarm, &points, reading).contains(&State::Alarm)).collect();
    assert_eq!(rolled.len(), 1);
    rolled.contains(&true)
}

#[test]
fn a_version_that_refuses_good_tokens_is_rolled_back_and_an_attack_is_not() {
    let alarms = resources("AWS::CloudWatch::Alarm", &[("Deployment", "Canary10Percent5Minutes")]);
    for id in ["AuthorizerRefusalsRollbackAlarm", "RefreshRefusalsRollbackAlarm"] {
        let rolls_back = |new_refusals, new_calls, refusals, calls| rolls_back(&alarms[id], new_refusals, new_calls, refusals, calls);
        // A tenth of the traffic, and the new version refuses all, or a tenth, of what it gets.
        assert!(rolls_back(100.0, 100.0, 100.0, 1_000.0), "{id}");
        assert!(rolls_back(10.0, 100.0, 10.0, 1_000.0), "{id}");
        // Six requests a minute reach it.
        assert!(rolls_back(6.0, 6.0, 6.0, 60.0), "{id}");
        // The same beside an attack on both versions.
        assert!(rolls_back(100.0, 100.0, 200.0, 1_000.0), "{id}");
        // It has all of the traffic.
        assert!(rolls_back(1_000.0, 1_000.0, 1_000.0, 1_000.0), "{id}");

        // An attack falls on both versions alike, and not quite evenly.
        assert!(!rolls_back(10.0, 100.0, 100.0, 1_000.0), "{id}");
        assert!(!rolls_back(18.0, 100.0, 100.0, 1_000.0), "{id}");
        assert!(!rolls_back(500.0, 1_000.0, 5_000.0, 10_000.0), "{id}");
        // A few odd tokens.
        assert!(!rolls_back(3.0, 5.0, 3.0, 50.0), "{id}");
        assert!(!rolls_back(10.0, 1_000.0, 10.0, 10_000.0), "{id}");
        assert!(!rolls_back(0.0, 100.0, 0.0, 1_000.0), "{id}");
        // The old version's fault is the old version's.
        assert!(!rolls_back(0.0, 100.0, 900.0, 1_000.0), "{id}");
    }
}
