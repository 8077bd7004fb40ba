//! The binary itself, before a stand-in for Lambda's runtime interface.

#![expect(clippy::unwrap_used, reason = "in a test it is a failure, as it should be")]

mod lambda;

use latchkey_cli::client::EMULATOR_KEY;
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
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for extensions in [Extensions::Served, Extensions::Missing, Extensions::Silent] {
        let mut lambda = Lambda::start(extensions, &[("AWS_ENDPOINT_URL_DYNAMODB", &format!("http://{nobody}"))]).await;
        lambda.asked().await;
        let log = lambda.killed();
        assert!(log.contains(r#""code":"warm_up_failed""#), "{log}");
    }
}

/// Metrics are lines of standard output, and a trace that Lambda keeps is in the log.
#[tokio::test]
async fn it_tells_its_metrics_and_its_trace() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut lambda = Lambda::start(Extensions::Served, &[("AWS_ENDPOINT_URL_DYNAMODB", &format!("http://{nobody}"))]).await;
    lambda.invoke(&event("lka_x")).await;
    let log = lambda.killed();
    let line = |part: &str| log.lines().find(|line| line.contains(part)).unwrap_or_else(|| panic!("no {part} in {log}"));
    assert!(line(r#""code":"access_denied""#).contains(&format!(r#""trace_id":"{TRACE}""#)), "{log}");
    let metrics = line(r#""_aws""#);
    assert!(metrics.starts_with(r#"{"_aws":{"Timestamp":"#), "{metrics}");
    let end = r#""Function":"authorizer","Reason":"malformed","Version":"1","ColdStarts":1,"AccessDenied":1,"TokensForeign":1}"#;
    assert!(metrics.ends_with(end), "{metrics}");
}

/// Requests that pass share lines where Lambda tells of the end, and none is lost by then. Elsewhere each has a line at once.
#[tokio::test]
async fn what_isnt_told_yet_is_told_at_the_end() {
    let service = Service::start(&[]).await;
    let token = service.login().await.access;
    let (url, table) = (service.database.url.as_str(), service.database.table("SessionsTable"));
    for (extensions, ends_well) in [(Extensions::Served, true), (Extensions::Missing, false)] {
        let variables = [("AWS_ENDPOINT_URL_DYNAMODB", url), ("SESSIONS_TABLE", table), ("AWS_ACCESS_KEY_ID", EMULATOR_KEY)];
        let mut lambda = Lambda::start(extensions, &variables).await;
        for _ in 0..20 {
            let answer = lambda.invoke(&event(&token)).await;
            assert_eq!(answer["policyDocument"]["Statement"][0]["Effect"], "Allow", "{answer}");
        }
        lambda.asked().await;
        let (status, log) = lambda.terminated();
        assert_eq!(status.success(), ends_well, "{status}");
        let lines = metrics(&log);
        let allowed: Vec<_> = lines.iter().map(|line| line["AccessAllowed"].as_u64().unwrap()).collect();
        assert_eq!(allowed.iter().sum::<u64>(), 20, "{log}");
        let latencies: usize = lines.iter().map(|line| line["StoreLatency"].as_array().unwrap().len()).sum();
        assert!(latencies >= 20, "{log}");
        assert_eq!(lines.len() < 20, ends_well, "{log}");
    }
}
