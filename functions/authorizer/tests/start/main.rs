//! The binary itself, before a stand-in for Lambda's runtime interface.

#![expect(clippy::unwrap_used, reason = "in a test it is a failure, as it should be")]

mod lambda;

use latchkey_cli::client::{EMULATOR_KEY, emulator_region};
use latchkey_tests::service::Service;
use serde_json::{Value, json};

use lambda::{Extensions, Lambda};

const TRACE: &str = "1-5759e988-bd862e3fe1be46a994272793";

fn event(token: &str) -> Value {
    let method = "arn:aws:execute-api:eu-central-1:123456789012:a/v1/GET/me";
    json!({"type": "TOKEN", "authorizationToken": format!("Bearer {token}"), "methodArn": method})
}

/// The lines of metrics in a log.
fn metrics(log: &str) -> Vec<Value> {
    log.lines().filter(|line| line.starts_with(r#"{"_aws""#)).map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A table that can't be reached must not become a crash loop: the function starts, and its requests try again.
#[tokio::test]
async fn it_starts_though_the_table_is_out_of_reach() {
    for extensions in [Extensions::Served, Extensions::Missing, Extensions::Late] {
        let mut lambda = Lambda::start(extensions, &[]).await;
        lambda.asked().await;
        let log = lambda.killed().await;
        assert!(log.contains(r#""code":"warm_up_failed""#), "{log}");
    }
}

/// Metrics are lines of standard output, and a trace that Lambda keeps is in the log.
#[tokio::test]
async fn it_tells_its_metrics_and_its_trace() {
    let mut lambda = Lambda::start(Extensions::Served, &[]).await;
    lambda.invoke(&event("lka_x")).await;
    let log = lambda.killed().await;
    let line = |part: &str| log.lines().find(|line| line.contains(part)).unwrap_or_else(|| panic!("no {part} in {log}"));
    assert!(line(r#""code":"access_denied""#).contains(&format!(r#""trace_id":"{TRACE}""#)), "{log}");
    let metrics = line(r#""_aws""#);
    assert!(metrics.starts_with(r#"{"_aws":{"Timestamp":"#), "{metrics}");
    let end = r#""Function":"authorizer","Reason":"malformed","Version":"1","ColdStarts":1,"AccessDenied":1,"TokensForeign":1}"#;
    assert!(metrics.ends_with(end), "{metrics}");
}

/// Requests that pass share lines where Lambda sends SIGTERM, and none is lost. Elsewhere each has a line at once, and a signal ends the
/// process.
#[tokio::test]
async fn a_shutdown_loses_no_count() {
    let service = Service::start(&[]).await;
    let token = service.login().await.access;
    let (url, table) = (service.database.url.as_str(), service.database.table("SessionsTable"));
    let region = emulator_region();
    let cases = [(Extensions::Served, true), (Extensions::Missing, false), (Extensions::Refused, false), (Extensions::Late, false)];
    for (extensions, shares_lines) in cases {
        let variables = [
            ("AWS_ENDPOINT_URL_DYNAMODB", url),
            ("AWS_REGION", region.as_ref()),
            ("AWS_ACCESS_KEY_ID", EMULATOR_KEY),
            ("SESSIONS_TABLE", table),
        ];
        let mut lambda = Lambda::start(extensions, &variables).await;
        for _ in 0..20 {
            let answer = lambda.invoke(&event(&token)).await;
            assert_eq!(answer["policyDocument"]["Statement"][0]["Effect"], "Allow", "{answer}");
        }
        lambda.asked().await;
        let (status, log) = lambda.terminated().await;
        assert_eq!(status.success(), shares_lines, "{status}");
        let lines = metrics(&log);
        let allowed: u64 = lines.iter().map(|line| line["AccessAllowed"].as_u64().unwrap()).sum();
        assert_eq!(allowed, 20, "{log}");
        let latencies: usize = lines.iter().map(|line| line["StoreLatency"].as_array().unwrap().len()).sum();
        assert!(latencies >= 20, "{log}");
        assert_eq!(lines.len() < 20, shares_lines, "{log}");
        // A 404 comes from an emulator without that API: there is nothing to mend.
        let logged = matches!(extensions, Extensions::Late | Extensions::Refused);
        assert_eq!(log.contains(r#""code":"shutdown_unregistered""#), logged, "{log}");
    }
}

/// Lambda's init phase ends when the extension has asked for an event, even if its registration was answered late.
#[tokio::test]
async fn the_extension_asks_for_events() {
    for extensions in [Extensions::Served, Extensions::Late] {
        let mut lambda = Lambda::start(extensions, &[]).await;
        assert_eq!(lambda.extension_asked().await, r#"{"events":[]}"#);
    }
}
