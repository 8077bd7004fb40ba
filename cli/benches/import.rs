//! Rows a second of `latchkey sessions import` above a DynamoDB that answers after 5 ms, beside the same rows imported one by one, sixteen
//! at a time. Reported without a limit: `cargo bench -p latchkey-cli --bench import --profile dev`.

#![expect(clippy::unwrap_used, reason = "a program that measures stops at the first error")]

use std::{
    fmt::Write as _,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{Router, body::Bytes, extract::State};
use http::{HeaderMap, StatusCode, header};
use latchkey::{
    clock::{Clock, rfc3339},
    entropy::Random,
    import::{ImportRow, ImportedSession},
    operations::{ImportOutcome, import_session},
    store::Store,
};
use latchkey_cli::client::emulator;
use tokio::{net::TcpListener, task::JoinSet};

const LATENCY: Duration = Duration::from_millis(5);
const ALONE: usize = 2_000;
const TOGETHER: usize = 40_000;

/// An empty DynamoDB that forgets what it is given, and counts it.
#[derive(Clone, Default)]
struct StandIn {
    requests: Arc<AtomicU64>,
    /// Two write units each.
    actions: Arc<AtomicU64>,
}

impl StandIn {
    async fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(Self::answer).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    async fn answer(
        State(counts): State<Self>,
        headers: HeaderMap,
        body: Bytes,
    ) -> (StatusCode, [(header::HeaderName, &'static str); 1], String) {
        tokio::time::sleep(LATENCY).await;
        let operation = headers["x-amz-target"].to_str().unwrap().rsplit('.').next().unwrap();
        let (status, body) = match operation {
            "GetItem" => (StatusCode::OK, "{}".to_owned()),
            "Query" => (StatusCode::OK, r#"{"Items":[],"Count":0,"ScannedCount":0}"#.to_owned()),
            "BatchGetItem" => (StatusCode::OK, r#"{"Responses":{},"UnprocessedKeys":{}}"#.to_owned()),
            "TransactWriteItems" => {
                let actions = std::str::from_utf8(&body).unwrap().matches("\"TableName\"").count();
                counts.actions.fetch_add(actions as u64, Ordering::Relaxed);
                (StatusCode::OK, "{}".to_owned())
            }
            _ => (StatusCode::BAD_REQUEST, r#"{"__type":"UnknownOperationException"}"#.to_owned()),
        };
        counts.requests.fetch_add(1, Ordering::Relaxed);
        (status, [(header::CONTENT_TYPE, "application/x-amz-json-1.0")], body)
    }

    fn report(&self, how: &str, rows: usize, took: Duration) -> f64 {
        let a_second = rows as f64 / took.as_secs_f64();
        let a_row = |count: &AtomicU64| count.swap(0, Ordering::Relaxed) as f64 / rows as f64;
        let (requests, actions) = (a_row(&self.requests), a_row(&self.actions));
        println!(
            "{how}: {rows} rows, {a_second:.0} rows/s, {requests:.2} requests and {:.1} write units of the table a row",
            2.0 * actions
        );
        a_second
    }
}

fn row(n: usize) -> [String; 5] {
    let expires_at = rfc3339(Clock::system().now() + chrono::TimeDelta::days(1));
    [format!("user-{n:06}"), format!("access-token-{n:06}"), format!("refresh-token-{n:06}"), expires_at.clone(), expires_at]
}

/// As the command did it before.
async fn one_by_one(url: &str) {
    let (store, random) = (Store::new(emulator(url), "sessions"), Random::system());
    let mut in_flight = JoinSet::new();
    for n in 0..ALONE {
        if in_flight.len() == 16 {
            assert_eq!(in_flight.join_next().await.unwrap().unwrap(), Ok(ImportOutcome::Imported));
        }
        let (store, random) = (store.clone(), random.clone());
        in_flight.spawn(async move {
            let [user_id, access_token, refresh_token, access_token_expires_at, refresh_token_expires_at] = &row(n);
            let row = ImportRow { user_id, access_token, refresh_token, access_token_expires_at, refresh_token_expires_at };
            import_session(&store, &ImportedSession::parse(row).unwrap(), Clock::system().now(), &random).await
        });
    }
    in_flight.join_all().await;
}

async fn by_the_command(url: &str) {
    let mut text = "user_id,access_token,refresh_token,access_token_expires_at,refresh_token_expires_at\n".to_owned();
    (0..TOGETHER).for_each(|n| writeln!(text, "{}", row(n).join(",")).unwrap());
    let file = std::env::temp_dir().join(format!("{}-sessions.csv", uuid::Uuid::new_v4()));
    std::fs::write(&file, text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey"));
    command.args(["sessions", "import"]).arg(&file).args(["--sessions-table", "sessions", "--endpoint-url", url]);
    let ran = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let _gone = std::fs::remove_file(file);
    assert!(ran.status.success(), "{ran:?}");
}

#[tokio::main]
async fn main() {
    let stand_in = StandIn::default();
    let url = stand_in.start().await;
    let begun = Instant::now();
    one_by_one(&url).await;
    let alone = stand_in.report("one by one", ALONE, begun.elapsed());
    let begun = Instant::now();
    by_the_command(&url).await;
    let together = stand_in.report("the command", TOGETHER, begun.elapsed());
    println!("{:.1} times as many rows a second", together / alone);
}
