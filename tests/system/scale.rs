//! docs/scale.md: this test computes its tables from measured DynamoDB units. To rewrite them:
//!
//! ```sh
//! LATCHKEY_WRITE_SCALE=1 cargo test --workspace --test system scale
//! ```

mod limits;
mod load;
mod prices;

use std::fs;

use aws_sdk_dynamodb::types::AttributeValue;
use latchkey_cli::dev::{DEMO_USER, TEMPLATE};
use latchkey_tests::{
    database::Item,
    service::{Pair, Service},
};
use serde_json::json;

use load::{LOGINS_A_DAY, LOGOUTS_A_DAY, Load, OWN_LOG_BYTES, Operation, REFRESHES_A_DAY, REQUESTS_A_DAY, TRANSACTION_MS, TRIP_MS};
use prices::{Price, http_api};

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/scale.md");
const PERFORMANCE: &str = include_str!("../../docs/performance.md");

/// A variable for this test only.
fn is_set(variable: &str) -> bool {
    #[expect(clippy::disallowed_methods, reason = "an environment variable asks for the rewrite")]
    std::env::var(variable).is_ok_and(|value| !value.is_empty())
}

/// The processor time of a warm call in milliseconds, from docs/performance.md.
fn cpu_ms(function: &str) -> f64 {
    let cells = |line: &'static str| line.split('|').map(str::trim).collect::<Vec<_>>();
    let header = PERFORMANCE.lines().find(|line| line.starts_with("| program |")).map(cells).unwrap();
    let column = header.iter().position(|cell| *cell == "warm CPU µs").unwrap();
    let row = PERFORMANCE.lines().find(|line| line.starts_with(&format!("| {function} |"))).map(cells).unwrap();
    row[column].parse::<f64>().unwrap() / 1_000.0
}

/// The default of a parameter of template.yaml.
fn default_of(parameter: &str) -> f64 {
    let (_, declared) = TEMPLATE.split_once(&format!("\n  {parameter}:\n")).unwrap();
    let (_, value) = declared.split_once("Default: ").unwrap();
    value.lines().next().unwrap().parse().unwrap()
}

/// The read and write units since the last call.
fn consumed(service: &Service) -> (f64, f64) {
    let calls = service.tap.disarm();
    service.tap.arm(Vec::new());
    let sum = |reads: bool| {
        let of_kind = |operation: &str| matches!(operation, "Query" | "GetItem") == reads;
        // Starts at 0, because an empty sum is -0.
        calls.iter().filter(|call| of_kind(&call.operation)).fold(0.0, |sum, call| sum + call.capacity.unwrap())
    };
    (sum(true), sum(false))
}

/// The size of an item in the table and in the indexes, in bytes: names and values, and 100 for each index entry.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>
fn stored_bytes(item: &Item) -> usize {
    let attribute = |name: &str| item.get(name).map_or(0, |value| name.len() + bytes_of(value));
    let keys = attribute("user_key") + attribute("sk");
    let hashes = ["access_token_hash", "refresh_token_hash"].map(attribute).into_iter().filter(|bytes| *bytes > 0);
    item.keys().map(|name| attribute(name)).sum::<usize>() + hashes.map(|hash| hash + keys + 100).sum::<usize>()
}

fn bytes_of(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(digits) => digits.len() / 2 + 2,
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        AttributeValue::L(list) => 3 + list.iter().map(|each| 1 + bytes_of(each)).sum::<usize>(),
        other => unreachable!("no item of ours holds {other:?}"),
    }
}

/// The measured operations, and the bytes of a login with its session.
async fn measure() -> (Vec<Operation>, f64) {
    let service = Service::start(&[]).await;
    service.tap.count_capacity();
    service.login().await;
    service.tap.arm(Vec::new());
    let (small, login_memory) = (default_of("FunctionMemory"), default_of("LoginMemory"));
    let (access_cpu, refresh_cpu, login_cpu, sessions_cpu) = (cpu_ms("authorizer"), cpu_ms("refresh"), cpu_ms("login"), cpu_ms("sessions"));
    let operation = |name, a_day, function: (f64, f64), waits_ms, own_log_bytes, (reads, writes)| Operation {
        name,
        a_day,
        reads,
        writes,
        memory_mb: function.0,
        cpu_ms: function.1,
        waits_ms,
        own_log_bytes,
    };

    let pair = service.login().await;
    let login = consumed(&service);
    service.login_with(&json!({"username": DEMO_USER, "password": "a wrong one"})).await;
    let refused = consumed(&service);
    service.me(&pair.access).await;
    let request = consumed(&service);
    let next = Pair::of(&service.refresh(&pair.refresh).await);
    let refresh = consumed(&service);
    let items = service.database.items("SessionsTable").await;
    let of_login = items.iter().filter(|item| item["sk"].as_s().is_ok_and(|sk| sk.starts_with(&next.login_id)));
    let bytes = of_login.map(stored_bytes).sum::<usize>();
    service.logout(&next.access).await;
    let logout = consumed(&service);

    let (login_function, both_trips) = ((login_memory, login_cpu), TRIP_MS + TRANSACTION_MS);
    let operations = vec![
        operation("a login", LOGINS_A_DAY, login_function, both_trips, OWN_LOG_BYTES, login),
        operation("a login refused", 0.0, login_function, TRIP_MS, OWN_LOG_BYTES, refused),
        operation("a refresh", REFRESHES_A_DAY, (small, refresh_cpu), both_trips, OWN_LOG_BYTES, refresh),
        operation("a request", REQUESTS_A_DAY, (small, access_cpu), TRIP_MS, 0.0, request),
        operation("a logout", LOGOUTS_A_DAY, (small, sessions_cpu), 2.0 * TRIP_MS, OWN_LOG_BYTES, logout),
    ];
    (operations, f64::from(u32::try_from(bytes).unwrap()))
}

fn per_million(operations: &[Operation]) -> String {
    let mut table = String::from(
        "| a million times | read units | write units | ms billed | DynamoDB | Lambda | API Gateway | logs | in all |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for each in operations {
        let price = Price::of(&each.usage().times(1e6));
        table += &format!(
            "| {} | {} | {} | {} | ${:.2} | ${:.2} | ${:.2} | ${:.2} | ${:.2} |\n",
            each.name,
            each.reads,
            each.writes,
            each.milliseconds(),
            price.dynamodb,
            price.lambda,
            price.gateway,
            price.logs,
            price.total()
        );
    }
    table
}

/// `1234567` as `1,234,567`.
fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of users in words, cut to two digits.
fn roughly(number: f64) -> String {
    let digits = number.log10().floor();
    let cut = (number / 10_f64.powf(digits - 1.0)).floor() * 10_f64.powf(digits - 1.0);
    if cut >= 1e6 { format!("{} million", cut / 1e6) } else { grouped(cut) }
}

fn users(operations: &[Operation], bytes: f64) -> String {
    let mut busiest = String::from(
        "| daily users | requests /s | logins /s | refreshes /s | read units /s | write units /s | functions at once |\n\
         |--:|--:|--:|--:|--:|--:|--:|\n",
    );
    let mut bills = String::from(
        "| daily users | DynamoDB | Lambda | API Gateway | logs | a month in all | for each user | as an HTTP API |\n\
         |--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for users in [1e4, 1e5, 1e6, 1e7, 1e8] {
        let load = Load::of(users, operations, bytes);
        let name = if users < 1e6 { grouped(users) } else { roughly(users) };
        let each = [load.requests, load.logins, load.refreshes, load.reads, load.writes, load.concurrency].map(f64::ceil).map(grouped);
        busiest += &format!("| {name} | {} |\n", each.join(" | "));
        let price = Price::of(&load.month);
        let as_http = price.total() - price.gateway + http_api(load.month.requests);
        let dollars =
            [price.dynamodb, price.lambda, price.gateway, price.logs, price.total()].map(|dollars| format!("${}", grouped(dollars)));
        bills += &format!("| {name} | {} | ${:.4} | ${} |\n", dollars.join(" | "), price.total() / users, grouped(as_http));
    }
    format!("In the busiest second:\n\n{busiest}\nIn a month:\n\n{bills}")
}

fn limits(operations: &[Operation], bytes: f64) -> String {
    let one = Load::of(1.0, operations, bytes);
    let mut rows: Vec<_> = limits::all().into_iter().map(|limit| (limit.most / (limit.of)(&one), limit)).collect();
    rows.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let mut table = String::from("| daily users | what is met | default | raise it by |\n|--:|---|--:|---|\n");
    for (users, limit) in rows {
        table += &format!("| {} | {} | {} | {} |\n", roughly(users), limit.name, grouped(limit.most), limit.raise);
    }
    table
}

/// Replaces the text between a section's marks.
fn with(document: &str, section: &str, text: &str) -> String {
    let (begin, end) = (format!("<!-- {section}: computed -->\n"), format!("<!-- {section}: end -->"));
    let (before, rest) = document.split_once(&begin).unwrap();
    let (_, after) = rest.split_once(&end).unwrap();
    format!("{before}{begin}\n{text}\n{end}{after}")
}

#[tokio::test]
async fn the_document_says_what_is_computed() {
    if is_set("LATCHKEY_TEST_DYNAMODB") {
        // DynamoDB Local counts a transaction's index writes differently (units.rs); the document uses the embedded
        // DynamoDB.
        return;
    }
    let (operations, bytes) = measure().await;
    let document = fs::read_to_string(DOCUMENT).unwrap();
    let sections = [
        ("operations", per_million(&operations)),
        ("users", users(&operations, bytes)),
        ("limits", limits(&operations, bytes)),
        ("storage", format!("A login with its session takes {} bytes, index entries included.\n", grouped(bytes))),
    ];
    let computed = sections.iter().fold(document.clone(), |document, (section, text)| with(&document, section, text));
    if is_set("LATCHKEY_WRITE_SCALE") {
        fs::write(DOCUMENT, &computed).unwrap();
    } else {
        assert!(
            document == computed,
            "docs/scale.md isn't what is computed:\n{computed}\nThe first lines of tests/system/scale.rs say how to write it"
        );
    }
}

#[test]
fn numbers_are_written_for_people() {
    assert_eq!([0.0, 999.0, 1_000.0, 1_234_567.4].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    assert_eq!([1_999.0, 87_654.0, 1e6, 12_345_678.0].map(roughly), ["1,900", "87,000", "1 million", "12 million"]);
}
