//! A line of metrics in CloudWatch's embedded metric format
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>).
//!
//! One JSON object with nothing before or after it. Every text in it is a constant of ours, the namespace, or the name of
//! a table, none of which JSON has to escape.

use std::fmt::Write as _;

use super::{Function, Metric, tally::Tally};

/// The line of what a request has come to, or several, without its end. `version` is the function's, `now` is in milliseconds since 1970.
pub(super) fn line(namespace: &str, function: Function, version: Option<&str>, now: i64, tally: &Tally) -> String {
    let version = version.filter(|_| tally.counts().iter().any(|(metric, _)| metric.is_by_version()));
    let mut line = String::with_capacity(512);
    push(&mut line, format_args!(r#"{{"_aws":{{"Timestamp":{now},"CloudWatchMetrics":["#));
    let named = tally.counts().iter().map(|(metric, _)| *metric).chain((!tally.store_calls().is_empty()).then_some(Metric::StoreLatency));
    directive(&mut line, namespace, r#"["Function"]"#, named);
    if let Some((metric, _)) = tally.refused() {
        line.push(',');
        directive(&mut line, namespace, r#"["Function","Reason"]"#, std::iter::once(metric));
    }
    if version.is_some() {
        line.push(',');
        let metrics = tally.counts().iter().map(|(metric, _)| *metric).filter(|metric| metric.is_by_version());
        directive(&mut line, namespace, r#"["Function","Version"]"#, metrics);
    }
    if tally.throttled().is_some() {
        line.push(',');
        directive(&mut line, namespace, r#"["Resource"]"#, std::iter::once(Metric::StoreThrottles));
    }
    push(&mut line, format_args!(r#"]}},"Function":"{}""#, function.name()));
    if let Some((_, refused)) = tally.refused() {
        push(&mut line, format_args!(r#","Reason":"{}""#, refused.word()));
    }
    if let Some(version) = version {
        push(&mut line, format_args!(r#","Version":"{version}""#));
    }
    if let Some(resource) = tally.throttled() {
        push(&mut line, format_args!(r#","Resource":"{resource}""#));
    }
    for (metric, number) in tally.counts() {
        push(&mut line, format_args!(r#","{}":{number}"#, metric.name()));
    }
    if !tally.store_calls().is_empty() {
        push(&mut line, format_args!(r#","{}":["#, Metric::StoreLatency.name()));
        for (place, took) in tally.store_calls().iter().enumerate() {
            let (comma, microseconds) = (if place > 0 { "," } else { "" }, took.as_micros());
            push(&mut line, format_args!("{comma}{}.{:03}", microseconds / 1000, microseconds % 1000));
        }
        line.push(']');
    }
    line.push('}');
    line
}

/// Declares metrics whose values are members of the line's root, and their sets of dimensions.
fn directive(line: &mut String, namespace: &str, dimensions: &str, metrics: impl Iterator<Item = Metric>) {
    push(line, format_args!(r#"{{"Namespace":"{namespace}","Dimensions":[{dimensions}],"Metrics":["#));
    for (place, metric) in metrics.enumerate() {
        let comma = if place > 0 { "," } else { "" };
        push(line, format_args!(r#"{comma}{{"Name":"{}","Unit":"{}"}}"#, metric.name(), metric.unit()));
    }
    line.push_str("]}");
}

fn push(line: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String never fails.
    let _never_fails = line.write_fmt(text);
}
