//! The states of an alarm, period by period
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html>).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    math::{Points, Reading, evaluate},
    text,
};

/// The upper edge of the band of an alarm that compares with the usual number.
pub(super) const USUAL: f64 = 10.0;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Ok,
    Alarm,
    InsufficientData,
}

/// A metric of an alarm.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Leaf {
    pub(super) namespace: String,
    pub(super) metric: String,
    pub(super) dimensions: BTreeMap<String, String>,
    pub(super) statistic: String,
}

/// The metrics of an alarm by id. The one of an alarm without `Metrics` has the id `metric`.
pub(super) fn leaves(alarm: &Value) -> BTreeMap<String, Leaf> {
    let leaf = |of: &Value, statistic: &Value| Leaf {
        namespace: text(&of["Namespace"]),
        metric: text(&of["MetricName"]),
        dimensions: of["Dimensions"].as_array().unwrap().iter().map(|one| (text(&one["Name"]), text(&one["Value"]))).collect(),
        statistic: text(statistic),
    };
    match alarm["Metrics"].as_array() {
        None => [("metric".to_owned(), leaf(alarm, &alarm["Statistic"]))].into(),
        Some(queries) => {
            let stats = queries.iter().filter(|query| query.get("MetricStat").is_some());
            stats.map(|query| (text(&query["Id"]), leaf(&query["MetricStat"]["Metric"], &query["MetricStat"]["Stat"]))).collect()
        }
    }
}

/// The state after each period. `points` has the points of each metric, by id.
pub(super) fn states(alarm: &Value, points: &BTreeMap<String, Points>, reading: Reading) -> Vec<State> {
    let length = points.values().next().unwrap().len();
    let range = number(&alarm["EvaluationPeriods"]) + reading.looks_back;
    let mut state = State::InsufficientData;
    (1..=length)
        .map(|end| {
            // What CloudWatch asks for at the end of this period, and no later point.
            let asked = |points: &Points| {
                let seen = &points[end.saturating_sub(range)..end];
                [vec![None; range - seen.len()], seen.to_vec()].concat()
            };
            let asked: BTreeMap<_, _> = points.iter().map(|(id, points)| (id.clone(), asked(points))).collect();
            state = next(alarm, &watched(alarm, &asked, range, reading), state);
            state
        })
        .collect()
}

/// The series that is compared with the threshold.
fn watched(alarm: &Value, points: &BTreeMap<String, Points>, range: usize, reading: Reading) -> Points {
    let queries = alarm["Metrics"].as_array().cloned().unwrap_or_default();
    let band = alarm.get("ThresholdMetricId");
    let watched = queries.iter().find(|query| query["ReturnData"] == "true" && Some(&query["Id"]) != band);
    match watched {
        None => points["metric"].clone(),
        Some(query) => match query.get("Expression") {
            Some(expression) => evaluate(&text(expression), points, range, reading),
            None => points[&text(&query["Id"])].clone(),
        },
    }
}

fn next(alarm: &Value, points: &Points, state: State) -> State {
    let breaches = |point: &f64| match alarm["ComparisonOperator"].as_str().unwrap() {
        "GreaterThanOrEqualToThreshold" => *point >= threshold(alarm),
        "GreaterThanThreshold" => *point > threshold(alarm),
        "GreaterThanUpperThreshold" => *point > USUAL,
        other => unreachable!("{other}"),
    };
    let periods = number(&alarm["EvaluationPeriods"]);
    let to_alarm = alarm.get("DatapointsToAlarm").map_or(periods, number);
    let real: Vec<bool> = points.iter().flatten().map(breaches).collect();
    // The newest points decide, however far back in the range, and what is then still missing is filled in.
    let newest = &real[real.len().saturating_sub(periods)..];
    let breaching = newest.iter().filter(|breaches| **breaches).count();
    let missing = periods - newest.len();
    let state_of = |breaching: usize| if breaching >= to_alarm { State::Alarm } else { State::Ok };
    match treatment(alarm).as_str() {
        _ if missing == 0 => state_of(breaching),
        "notBreaching" => state_of(breaching),
        "breaching" => state_of(breaching + missing),
        "ignore" if state_of(breaching) == state_of(breaching + missing) => state_of(breaching),
        "ignore" => state,
        "missing" if newest.is_empty() => State::InsufficientData,
        "missing" if breaching >= to_alarm.min(newest.len()) => State::Alarm,
        "missing" => State::Ok,
        other => unreachable!("{other}"),
    }
}

/// "Alarms that evaluate metrics in the AWS/DynamoDB namespace always ignore missing data even if you choose a different option"
/// (CloudWatch API reference, PutMetricAlarm).
fn treatment(alarm: &Value) -> String {
    let of_dynamodb = leaves(alarm).values().any(|leaf| leaf.namespace == "AWS/DynamoDB");
    if of_dynamodb { "ignore".to_owned() } else { alarm.get("TreatMissingData").map_or_else(|| "missing".to_owned(), text) }
}

fn threshold(alarm: &Value) -> f64 {
    text(&alarm["Threshold"]).parse().unwrap()
}

fn number(value: &Value) -> usize {
    text(value).parse().unwrap()
}

/// The table of that page, for an alarm on 3 of 3 points that looks at 5.
#[test]
fn missing_points_count_as_documented() {
    use State::{Alarm, InsufficientData, Ok};
    // The alarm's state before is OK.
    for (points, missing, ignore, breaching, not_breaching) in [
        ("0-X-X", Ok, Ok, Ok, Ok),
        ("0----", Ok, Ok, Ok, Ok),
        ("-----", InsufficientData, Ok, Alarm, Ok),
        ("0XX-X", Alarm, Alarm, Alarm, Alarm),
        ("--X--", Alarm, Ok, Alarm, Ok),
    ] {
        let series: Points = points.chars().map(|letter| (letter != '-').then_some(if letter == 'X' { 5.0 } else { 0.0 })).collect();
        for (treatment, expected) in [("missing", missing), ("ignore", ignore), ("breaching", breaching), ("notBreaching", not_breaching)] {
            let alarm = json!({
                "Namespace": "N", "MetricName": "M", "Dimensions": [], "Statistic": "Sum", "EvaluationPeriods": "3",
                "ComparisonOperator": "GreaterThanOrEqualToThreshold", "Threshold": "1", "TreatMissingData": treatment,
            });
            assert_eq!(next(&alarm, &series, Ok), expected, "{points} {treatment}");
        }
    }
}
