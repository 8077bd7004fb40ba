//! Checks the alarms and the dashboard of template.yaml against the code: the functions or AWS emit every metric they
//! name.

mod come_back;
mod evaluation;
mod math;

use std::collections::{BTreeMap, BTreeSet};

use latchkey::telling::signals::Metric;
use latchkey_cli::{
    dev::{BACK_OFFICE, TEMPLATE},
    template::Template,
};
use latchkey_tests::emitted::Series;
use serde_json::Value;
use strum::VariantArray as _;

use crate::metrics::declared;

/// Metrics that AWS emits: names and dimensions, from the services' pages on metrics and dimensions.
const OF_AWS: [(&str, &[&str], &[&str]); 5] = [
    ("AWS/Lambda", &["Errors", "Invocations", "Throttles", "Duration", "ConcurrentExecutions"], &["FunctionName"]),
    ("AWS/Lambda", &["Errors", "Invocations"], &["ExecutedVersion", "FunctionName", "Resource"]),
    (
        "AWS/DynamoDB",
        &["ReadThrottleEvents", "WriteThrottleEvents", "ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits"],
        &["TableName"],
    ),
    ("AWS/DynamoDB", &["WriteThrottleEvents"], &["GlobalSecondaryIndexName", "TableName"]),
    ("AWS/ApiGateway", &["Count", "4XXError", "5XXError", "Latency"], &["ApiName", "Stage"]),
];

/// A metric as an alarm or a dashboard names it.
type Named = (String, Series);

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn resources(kind: &str, parameters: &[(&str, &str)]) -> BTreeMap<String, Value> {
    let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Template::properties(TEMPLATE, &parameters, kind).unwrap()
}

/// With a back office: without it there are the same alarms but its own.
fn alarms() -> BTreeMap<String, Value> {
    resources("AWS::CloudWatch::Alarm", &BACK_OFFICE)
}

fn template() -> Template {
    let parameters = BACK_OFFICE.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Template::parse(TEMPLATE, &parameters.into()).unwrap()
}

/// The metric of an alarm, or of one of the queries in its expression.
fn stated(of: &Value) -> Option<Named> {
    let namespace = of.get("Namespace").map(text)?;
    let dimensions = of["Dimensions"].as_array().unwrap().iter().map(|one| (text(&one["Name"]), text(&one["Value"]))).collect();
    Some((namespace, Series { metric: text(&of["MetricName"]), dimensions }))
}

fn named_by_alarm(alarm: &Value) -> Vec<Named> {
    let queries = alarm["Metrics"].as_array().cloned().unwrap_or_default();
    stated(alarm).into_iter().chain(queries.iter().filter_map(|query| stated(&query["MetricStat"]["Metric"]))).collect()
}

fn dashboard() -> Value {
    let dashboards = resources("AWS::CloudWatch::Dashboard", &BACK_OFFICE);
    serde_json::from_str(dashboards["Dashboard"]["DashboardBody"].as_str().unwrap()).unwrap()
}

/// Expands a dashboard's shorthand: `.` repeats the value at the same position of the previous row, `...` repeats all
/// values but the last ones.
fn named_by_dashboard() -> Vec<Named> {
    let mut named = Vec::new();
    for widget in dashboard()["widgets"].as_array().unwrap().iter().filter(|widget| widget["type"] == "metric") {
        let mut before: Vec<String> = Vec::new();
        for row in widget["properties"]["metrics"].as_array().unwrap() {
            let texts: Vec<_> = row.as_array().unwrap().iter().filter_map(|value| value.as_str().map(str::to_owned)).collect();
            let row: Vec<String> = match texts.split_first() {
                Some((dots, last)) if dots == "..." => before[..before.len() - last.len()].iter().chain(last).cloned().collect(),
                _ => texts.iter().enumerate().map(|(place, text)| if text == "." { &before[place] } else { text }).cloned().collect(),
            };
            let (head, dimensions) = row.split_at(2);
            let dimensions = dimensions.chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
            named.push((head[0].clone(), Series { metric: head[1].clone(), dimensions }));
            before = row;
        }
    }
    named
}

/// The series without the version, if it names the newest one of the function that emits it.
fn without_version(series: &Series, template: &Template) -> Series {
    let mut series = series.clone();
    if let Some(version) = series.dimensions.remove("Version") {
        let by_version = Metric::VARIANTS.iter().any(|metric| metric.name() == series.metric && metric.is_by_version());
        let function = version.strip_suffix(".Version.Version").and_then(|id| template.function(id)).map(|function| &function.binary);
        assert!(by_version && function == series.dimensions.get("Function"), "{version} of {series:?}");
    }
    series
}

/// Whether the metric is emitted: by the functions in their namespace, or by AWS for a resource in the template.
fn is_emitted((namespace, series): &Named, template: &Template, declared: &BTreeSet<Series>) -> bool {
    if template.functions.iter().all(|function| function.environment.get("METRICS_NAMESPACE") == Some(namespace)) {
        return declared.contains(&without_version(series, template));
    }
    let dimensions: Vec<_> = series.dimensions.keys().map(String::as_str).collect();
    let known = OF_AWS.iter().any(|(of, metrics, by)| of == namespace && metrics.contains(&series.metric.as_str()) && *by == dimensions);
    let table = series.dimensions.get("TableName").and_then(|name| template.tables.iter().find(|table| table.name == *name));
    known
        && series.dimensions.iter().all(|(name, value)| match name.as_str() {
            "FunctionName" => template.function(value).is_some(),
            "TableName" => table.is_some(),
            "GlobalSecondaryIndexName" => table.is_some_and(|table| table.indexes.iter().any(|index| index.name == *value)),
            // SAM names an API after the stack if it has no name of its own, as the back office has.
            "ApiName" => value == "latchkey" || value == "latchkey-admin",
            "Stage" => *value == template.stage,
            "Resource" => value.strip_suffix(":live").and_then(|id| template.function(id)).is_some(),
            "ExecutedVersion" => value.strip_suffix(".Version.Version").and_then(|id| template.function(id)).is_some(),
            _ => false,
        })
}

#[test]
fn what_is_named_is_emitted() {
    let (template, declared) = (template(), declared());
    for (id, alarm) in resources("AWS::CloudWatch::Alarm", &[("Deployment", "Canary10Percent5Minutes")]) {
        let named = named_by_alarm(&alarm);
        assert!(!named.is_empty(), "{id} names no metric");
        for one in named {
            assert!(is_emitted(&one, &template, &declared), "{id}: not emitted: {one:?}");
        }
    }
    for one in named_by_dashboard() {
        assert!(is_emitted(&one, &template, &declared), "Dashboard: not emitted: {one:?}");
    }
}

/// CloudFormation refuses a reference to a resource that isn't made.
#[test]
fn without_a_back_office_none_of_its_resources_is_named() {
    let of_the_back_office = |text: &str| text.contains("AdminFunction") || text.contains("AdminErrorsAlarm") || text.contains("-admin");
    let without = resources("AWS::CloudWatch::Alarm", &[]);
    let added: Vec<_> = alarms().into_keys().filter(|id| !without.contains_key(id)).collect();
    assert_eq!(added, ["AdminActionsAlarm", "AdminErrorsAlarm"]);
    assert!(!without.values().any(|alarm| of_the_back_office(&alarm.to_string())));
    let dashboards = resources("AWS::CloudWatch::Dashboard", &[]);
    let body = dashboards["Dashboard"]["DashboardBody"].as_str().unwrap();
    assert!(!of_the_back_office(body) && of_the_back_office(&dashboard().to_string()));
    assert!(serde_json::from_str::<Value>(body).is_ok());
}

#[test]
fn what_is_emitted_is_on_the_dashboard() {
    let shown: BTreeSet<_> = named_by_dashboard().into_iter().map(|(_, series)| series).collect();
    for series in declared() {
        assert!(shown.contains(&series), "Dashboard lacks {series:?}");
    }
}

/// CloudFormation refuses an alarm whose expression names an unknown id, or the alarm never fires.
#[test]
fn expressions_use_each_of_their_metrics() {
    for (id, alarm) in resources("AWS::CloudWatch::Alarm", &[("Deployment", "Canary10Percent5Minutes")]) {
        let queries = alarm["Metrics"].as_array().cloned().unwrap_or_default();
        let ids: BTreeSet<_> = queries.iter().map(|query| text(&query["Id"])).collect();
        assert!(ids.len() == queries.len() && ids.len() <= 10, "{id}");
        let mut used: BTreeSet<String> = alarm.get("ThresholdMetricId").map(text).into_iter().collect();
        for query in &queries {
            let expression = query.get("Expression").map(text).unwrap_or_default();
            let words = expression.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
            used.extend(words.filter(|word| word.starts_with(|letter: char| letter.is_ascii_lowercase())).map(str::to_owned));
            if query["ReturnData"] == "true" {
                used.insert(text(&query["Id"]));
            }
        }
        assert_eq!(used, ids, "{id}");
        let watched = queries.iter().filter(|query| query["ReturnData"] == "true").count();
        let by_band = usize::from(alarm.get("ThresholdMetricId").is_some());
        assert!(queries.is_empty() || watched == 1 + by_band, "{id}");
    }
}

/// The runbook has a section for each alarm, with queries and actions; the alarm's description links to it.
#[test]
fn every_alarm_is_in_the_runbook() {
    let runbook = include_str!("../../docs/alarms.md");
    let sections: BTreeMap<_, _> = runbook
        .split("\n## ")
        .skip(1)
        .filter_map(|section| section.split_once('\n'))
        .filter(|(title, _)| title.ends_with("Alarm"))
        .collect();
    let alarms = alarms();
    assert_eq!(sections.keys().copied().collect::<Vec<_>>(), alarms.keys().map(String::as_str).collect::<Vec<_>>());
    for (id, alarm) in &alarms {
        assert!(text(&alarm["AlarmDescription"]).ends_with(&format!("Runbook: docs/alarms.md, {id}.")), "{id}");
        for part in ["**Means**", "**Look**", "**Do**"] {
            assert!(sections[id.as_str()].contains(part), "{id} has no {part}");
        }
    }
    let shown = dashboard()["widgets"][0]["properties"]["alarms"].as_array().unwrap().iter().map(text).collect::<BTreeSet<_>>();
    assert_eq!(shown, alarms.keys().map(|id| format!("{id}.Arn")).collect());
}

#[test]
fn whoever_is_named_is_expected_of_every_alarm() {
    let own = "arn:aws:sns:eu-central-1:123456789012:on-call";
    for (parameters, expected) in [
        (vec![], vec![]),
        (vec![("AlarmEmail", "on-call@example.com")], vec!["AlarmTopic"]),
        (vec![("AlarmTopicArn", own)], vec![own]),
        (vec![("AlarmEmail", "on-call@example.com"), ("AlarmTopicArn", own)], vec![own, "AlarmTopic"]),
    ] {
        for (id, alarm) in resources("AWS::CloudWatch::Alarm", &parameters) {
            let actions: Vec<_> = alarm["AlarmActions"].as_array().unwrap().iter().map(text).collect();
            assert_eq!(actions, expected, "{id} with {parameters:?}");
        }
        let topics = resources("AWS::SNS::Topic", &parameters).len();
        assert_eq!(topics, usize::from(expected.contains(&"AlarmTopic")));
    }
}
