//! `latchkey sessions import`.

use std::{
    fmt::Write as _,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::Router;
use http::{HeaderMap, StatusCode};
use latchkey::clock::rfc3339;
use latchkey_tests::{database::Database, service::Service};
use serde_json::json;
use tokio::{net::TcpListener, sync::Notify};

use crate::run::{Ran, command, latchkey, output_of, signal};

const HEADER: &str = "user_id,access_token,refresh_token,access_token_expires_at,refresh_token_expires_at\n";

/// A file that is gone with the test.
struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("{}-{name}", uuid::Uuid::new_v4()));
        std::fs::write(&path, text).unwrap();
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _gone = std::fs::remove_file(&self.0);
    }
}

async fn accepting() -> Service {
    Service::start_by(&[("AcceptImportedTokens", "true")], &[]).await
}

fn row(service: &Service, user: &str, n: usize, days: i64) -> String {
    let now = service.clock.now();
    let (access, refresh) = (rfc3339(now + chrono::TimeDelta::minutes(5)), rfc3339(now + chrono::TimeDelta::days(days)));
    format!("{user},access-token-{n:06},refresh-token-{n:06},{access},{refresh}\n")
}

async fn import(database: &Database, file: &File, options: &str) -> Ran {
    latchkey(database, &format!("sessions import {} {options}", file.0.display()), "").await
}

/// Nobody has to log in again, and the same file again changes nothing, not even what has ended since.
#[tokio::test]
async fn imported_tokens_work_and_a_second_import_changes_nothing() {
    let service = accepting().await;
    let database = &service.database;
    let mut text = HEADER.to_owned();
    // Several sessions of one user, and one that isn't worth anything any more.
    for n in 0..40 {
        text.push_str(&row(&service, &format!("user-{}", n % 7), n, 7));
    }
    text.push_str(&row(&service, "user-0", 40, -1));
    let file = File::new("sessions.csv", &text);

    let first = import(database, &file, "--json").await;
    first.assert_done();
    assert_eq!(first.json(), [json!({"imported": 40, "already_there": 0, "expired": 1, "blocked": 0, "bad": 0, "users": 7})]);
    for n in [0, 7, 39] {
        service.assert_allowed(&format!("access-token-{n:06}")).await;
    }
    assert_eq!(service.refresh("refresh-token-000007").await.status, 200);
    assert_eq!(service.logout("access-token-000000").await.status, 204);

    let keys = database.sort_keys().await;
    let second = import(database, &file, "").await;
    second.assert_done();
    let lines: Vec<Vec<_>> = second.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines, [vec!["IMPORTED", "ALREADY", "THERE", "EXPIRED", "BLOCKED", "BAD", "USERS"], vec!["0", "40", "1", "0", "0", "7"]]);
    assert_eq!(database.sort_keys().await, keys);
    service.assert_refused("access-token-000000").await;
    service.assert_refused("access-token-000007").await;
}

#[tokio::test]
async fn a_maximum_lifetime_binds_what_is_imported() {
    let service = accepting().await;
    let file = File::new("lifetime.csv", &format!("{HEADER}{}", row(&service, "user-1", 1, 7)));
    import(&service.database, &file, "--session-max-lifetime 2d").await.assert_done();
    let me = service.me("access-token-000001").await;
    let expires_at = me.body["refresh_token_expires_at"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    assert!(expires_at < service.clock.now() + chrono::TimeDelta::days(3), "{}", me.text);
    for refused in ["0", "3651d", "2w", "-1d"] {
        let ran = import(&service.database, &file, &format!("--session-max-lifetime={refused}")).await;
        assert_eq!(ran.code, 2, "{refused}: {}", ran.stderr);
    }
}

#[tokio::test]
async fn a_bad_row_is_told_and_the_rest_goes_on() {
    let service = accepting().await;
    let database = &service.database;
    let mut text = HEADER.to_owned();
    text.push_str(&row(&service, "user-1", 1, 7));
    text.push_str(&row(&service, "user-1", 2, 7).replace("access-token-000002", "canary"));
    text.push_str(&row(&service, "user-1", 3, 7));
    let file = File::new("sessions.csv", &text);

    let checked = import(database, &file, "--dry-run --json").await;
    assert_eq!(checked.code, 4);
    let bad = json!({"line": 3, "column": "access_token", "problem": "has 6 characters; a token has 16 to 256"});
    assert_eq!(checked.json(), [bad, json!({"good": 2, "expired": 0, "bad": 1, "users": 1})]);
    assert_eq!(database.sort_keys().await, ["!user"], "a dry run writes nothing");

    let imported = import(database, &file, "").await;
    assert_eq!(imported.code, 4);
    let lines: Vec<_> = imported.stderr.lines().collect();
    assert_eq!(lines[0], "rows: 3, write units: 30 (10 a row), 1 s at 4000 units a second, the warm throughput of a new on-demand table");
    assert_eq!(lines[1], "line 3: access_token has 6 characters; a token has 16 to 256");
    assert!(lines[2].starts_with("error: bad rows: 1"), "{imported:?}");
    assert!(!format!("{imported:?}").contains("canary"), "{imported:?}");
    service.assert_allowed("access-token-000001").await;
    service.assert_allowed("access-token-000003").await;
}

/// Two people with NULL for a user id would be one user, and each could log the other out.
#[tokio::test]
async fn what_an_export_made_of_no_value_is_no_user() {
    let service = accepting().await;
    let database = &service.database;
    let ids = ["42", "NULL", "\\N", "   ", "None", "undefined", "nan", "1.23457E+17", "42.0", "43"];
    let rows: String = ids.iter().enumerate().map(|(n, id)| row(&service, id, n, 7)).collect();
    let file = File::new("ids.csv", &format!("{HEADER}{rows}"));
    let bad: Vec<u64> = (3..=10).collect();
    let lines = |ran: &Ran| -> Vec<u64> {
        let rows = ran.json();
        rows.iter().filter(|row| row["column"] == "user_id").map(|row| row["line"].as_u64().unwrap()).collect()
    };
    let checked = import(database, &file, "--dry-run --json").await;
    assert_eq!((checked.code, lines(&checked)), (4, bad.clone()));
    let imported = import(database, &file, "--json").await;
    assert_eq!((imported.code, lines(&imported)), (4, bad));
    assert_eq!(
        imported.json().last().unwrap(),
        &json!({"imported": 2, "already_there": 0, "expired": 0, "blocked": 0, "bad": 8, "users": 2})
    );
    service.assert_allowed("access-token-000000").await;
    service.assert_refused("access-token-000001").await;

    let meant = import(database, &file, "--json --user-ids-as-they-are").await;
    meant.assert_done();
    assert_eq!(meant.json(), [json!({"imported": 8, "already_there": 2, "expired": 0, "blocked": 0, "bad": 0, "users": 10})]);
    service.assert_allowed("access-token-000001").await;

    let lines = |id: &str| {
        let now = rfc3339(service.clock.now() + chrono::TimeDelta::days(1));
        format!(
            "{{\"user_id\":{id},\"access_token\":\"access-token-json-1\",\"refresh_token\":\"refresh-token-json-1\",\"access_token_expires_at\":\"{now}\",\"refresh_token_expires_at\":\"{now}\"}}\n"
        )
    };
    for id in ["null", "\"null\"", "\"\"", "\"  \"", "42.0", "1.5e17", "true", "\"42.0\"", "[]"] {
        let refused = latchkey(database, "sessions import - --format jsonl --json", &lines(id)).await;
        assert_eq!((refused.code, &refused.json()[0]["column"]), (4, &json!("user_id")), "{id}");
    }
    latchkey(database, "sessions import - --format jsonl --json", &lines("42")).await.assert_done();
}

/// Once its access token has expired, a session is still worth its refresh token.
#[tokio::test]
async fn a_dry_run_judges_expiry_by_the_refresh_token_as_the_import_does() {
    let service = accepting().await;
    let now = service.clock.now();
    let row = |n: usize, access: i64, refresh: i64| {
        let at = |days| rfc3339(now + chrono::TimeDelta::days(days));
        format!("user-1,access-token-{n:06},refresh-token-{n:06},{},{}\n", at(access), at(refresh))
    };
    let file = File::new("expired.csv", &format!("{HEADER}{}{}{}", row(1, -1, 7), row(2, 1, 7), row(3, -2, -1)));
    let checked = import(&service.database, &file, "--dry-run --json").await;
    assert_eq!(checked.json(), [json!({"good": 2, "expired": 1, "bad": 0, "users": 1})]);
    let imported = import(&service.database, &file, "--json").await;
    assert_eq!(imported.json(), [json!({"imported": 2, "already_there": 0, "expired": 1, "blocked": 0, "bad": 0, "users": 1})]);
}

#[tokio::test]
async fn standard_input_is_a_file_too() {
    let service = accepting().await;
    let mut line = String::new();
    for n in 1..=2 {
        let row = row(&service, "user-1", n, 7);
        let [user_id, access_token, refresh_token, access_token_expires_at, refresh_token_expires_at] =
            row.trim_end().split(',').collect::<Vec<_>>().try_into().unwrap();
        let row = json!({
            "user_id": user_id, "access_token": access_token, "refresh_token": refresh_token,
            "access_token_expires_at": access_token_expires_at, "refresh_token_expires_at": refresh_token_expires_at, "id": n,
        });
        writeln!(line, "{row}").unwrap();
    }
    latchkey(&service.database, "sessions import -", &line).await.assert_refused(2, "say with --format");
    let imported = latchkey(&service.database, "sessions import - --format jsonl --json", &line).await;
    assert_eq!(imported.json(), [json!({"imported": 2, "already_there": 0, "expired": 0, "blocked": 0, "bad": 0, "users": 1})]);
    service.assert_allowed("access-token-000002").await;
}

#[tokio::test]
async fn what_is_no_such_file_is_refused_before_anything_is_written() {
    let database = Database::new().await;
    let empty = File::new("sessions.csv", "");
    let refused = import(&database, &empty, "").await;
    refused.assert_refused(2, "the file is empty");
    let other = File::new("sessions.csv", "user_id,token\n1,2\n");
    import(&database, &other, "").await.assert_refused(2, "no column access_token, refresh_token");
    latchkey(&database, "sessions import nowhere.csv", "").await.assert_refused(1, "the file can't be read");
}

/// What is before the row is imported to the last, also of a batch that isn't full.
#[tokio::test]
async fn a_file_that_breaks_off_is_imported_up_to_there() {
    let service = accepting().await;
    for (first, broken, says) in [(0, "x".repeat(70 * 1024), "Nothing after it was read"), (30, "u,\"".to_owned(), "a quote is left open")]
    {
        let rows: String = (first..first + 30).map(|n| row(&service, &format!("user-{n}"), n, 7)).collect();
        let file = File::new("sessions.csv", &format!("{HEADER}{rows}{broken}\n{}", row(&service, "user-99", 99, 7)));
        let ran = import(&service.database, &file, "--json").await;
        assert!(ran.code == 1 && ran.stderr.contains("line 32") && ran.stderr.contains(says), "{ran:?}");
        assert_eq!(ran.json()[0]["imported"], 30);
        for n in [first, first + 29] {
            service.assert_allowed(&format!("access-token-{n:06}")).await;
        }
        service.assert_refused("access-token-000099").await;
    }
}

/// DynamoDB gone for good: it says where it stopped, and how to go on.
#[tokio::test]
async fn an_outage_stops_it() {
    let service = Service::start(&[]).await;
    let file = File::new("sessions.csv", &format!("{HEADER}{}", row(&service, "user-1", 1, 7)));
    let mut gone = service.database.clone();
    gone.url = "http://127.0.0.1:9".to_owned();
    let stopped = import(&gone, &file, "").await;
    assert_eq!(stopped.code, 1);
    assert!(stopped.stderr.contains("stopped at line 2") && stopped.stderr.contains("the same command again"), "{stopped:?}");
}

/// Ctrl-C, while it waits for more rows: what came is done, and it says how to go on.
#[tokio::test]
async fn ctrl_c_stops_it_after_the_rows_in_flight() {
    let service = accepting().await;
    let mut child = command(&service.database, "sessions import - --format csv --json").spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(format!("{HEADER}{}", row(&service, "user-1", 1, 7)).as_bytes()).unwrap();
    while service.database.sort_keys().await == ["!user"] {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    signal("-INT", child.id());
    let stopped = output_of(child).await;
    drop(input);
    assert_eq!(
        (stopped.code, stopped.json()),
        (130, vec![json!({"imported": 1, "already_there": 0, "expired": 0, "blocked": 0, "bad": 0, "users": 1})])
    );
    assert!(stopped.stderr.contains("run the same command again to go on"), "{stopped:?}");
    service.assert_allowed("access-token-000001").await;
}

/// In an outage the rows in flight may take three minutes. A second Ctrl-C doesn't wait for them.
#[tokio::test]
async fn a_second_ctrl_c_stops_it_at_once() {
    let service = Service::start(&[]).await;
    let (called, calls) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
    let hanging = Router::new().fallback({
        let (called, calls) = (called.clone(), calls.clone());
        async move |headers: HeaderMap| {
            if !headers["x-amz-target"].to_str().unwrap().ends_with(".DescribeTable") {
                calls.fetch_add(1, Ordering::Relaxed);
                called.notify_one();
                std::future::pending::<()>().await;
            }
            StatusCode::BAD_REQUEST
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut hung = service.database.clone();
    hung.url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, hanging).await });

    let file = File::new("sessions.csv", &format!("{HEADER}{}", row(&service, "user-1", 1, 7)));
    let mut child = command(&hung, &format!("sessions import {}", file.0.display())).spawn().unwrap();
    called.notified().await;
    signal("-INT", child.id());
    let stderr = child.stderr.take().unwrap();
    let (mut stderr, heard) = tokio::task::spawn_blocking(move || {
        let mut stderr = BufReader::new(stderr);
        let mut heard = String::new();
        while !heard.contains("Ctrl-C again stops at once") {
            assert_ne!(stderr.read_line(&mut heard).unwrap(), 0, "{heard}");
        }
        (stderr, heard)
    })
    .await
    .unwrap();
    signal("-INT", child.id());
    let stopped = output_of(child).await;
    let mut rest = heard;
    stderr.read_to_string(&mut rest).unwrap();
    assert_eq!(stopped.code, 130, "{rest}");
    // Six tries of the command, three of the SDK in each.
    assert!(calls.load(Ordering::Relaxed) < 18, "it waited for all tries: {rest}");
    assert!(rest.contains("run the same command again to go on"), "{rest}");
}

/// Support can tell whose an imported token is, and what became of it.
#[tokio::test]
async fn an_imported_tokens_hash_is_found() {
    use latchkey::token::{ImportedToken, Refresh};

    let service = accepting().await;
    let file = File::new("sessions.csv", &format!("{HEADER}{}", row(&service, "user-1", 1, 7)));
    import(&service.database, &file, "").await.assert_done();
    let hash = ImportedToken::parse("refresh-token-000001").unwrap().hash::<Refresh>().to_text();
    let find = async || latchkey(&service.database, &format!("sessions find --json --token-hash={hash}"), "").await.json();
    assert_eq!((&find().await[0]["user_id"], &find().await[0]["standing"]), (&json!("user-1"), &json!("live")));
    assert_eq!(service.refresh("refresh-token-000001").await.status, 200);
    assert_eq!((&find().await[0]["user_id"], &find().await[0]["standing"]), (&json!("user-1"), &json!("replaced")));
}

/// A table of one's own on AWS is most often DynamoDB: its export is compressed, typed, and counts seconds.
#[tokio::test]
async fn an_export_of_dynamodb_is_read() {
    let service = accepting().await;
    let now = service.clock.now().timestamp();
    let item = |n: u32, user: &str| {
        format!(
            "{{\"Item\":{{\"user_id\":{user},\"access_token\":{{\"S\":\"access-token-{n:06}\"}},\"refresh_token\":{{\"S\":\"refresh-token-{n:06}\"}},\
             \"access_token_expires_at\":{{\"N\":\"{}\"}},\"refresh_token_expires_at\":{{\"N\":\"{}\"}},\"tags\":{{\"SS\":[\"a\"]}}}}}}\n",
            now + 300,
            now + 86_400
        )
    };
    let lines = item(1, "{\"S\":\"user-1\"}")
        + &item(2, "{\"N\":\"12345678901234567890\"}")
        + &item(3, "{\"NULL\":true}")
        + &item(4, "{\"SS\":[\"user-4\"]}");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(lines.as_bytes()).unwrap();
    let file = File::new("export.json.gz", "");
    std::fs::write(&file.0, gzip.finish().unwrap()).unwrap();

    let refused = import(&service.database, &file, "--json --dry-run").await;
    assert!(refused.stderr.contains("nothing was written"), "{refused:?}");
    assert_eq!((refused.code, &refused.json()[0]["column"]), (4, &json!("access_token_expires_at")), "no number is an RFC 3339 date");
    let imported = import(&service.database, &file, "--json --time-format epoch-s").await;
    assert_eq!(imported.code, 4);
    assert_eq!(
        imported.json(),
        [
            json!({"line": 3, "column": "user_id", "problem": "is missing"}),
            json!({"line": 4, "column": "user_id", "problem": "takes a string or a whole number"}),
            json!({"imported": 2, "already_there": 0, "expired": 0, "blocked": 0, "bad": 2, "users": 2}),
        ]
    );
    service.assert_allowed("access-token-000002").await;
}

/// One person, one id: the user who logs in again is the one whose sessions were imported, and what is done to the user reaches them.
#[tokio::test]
async fn a_user_is_the_person_whose_sessions_were_imported() {
    const PASSWORD: &str = "violin gravel postcode heron\n";
    let service = accepting().await;
    let database = &service.database;
    let rows: String = (0..3).map(|n| row(&service, &format!("user-{n}"), n, 7)).collect();
    import(database, &File::new("people.csv", &format!("{HEADER}{rows}")), "").await.assert_done();
    for (n, change) in ["disable", "set-password --password-stdin", "remove"].into_iter().enumerate() {
        let token = format!("access-token-{n:06}");
        let added = latchkey(database, &format!("users add person{n} --user-id user-{n} --password-stdin --json"), PASSWORD).await;
        assert_eq!(added.json()[0]["user_id"], json!(format!("user-{n}")));
        latchkey(database, &format!("users add mallory --user-id user-{n} --password-stdin"), PASSWORD)
            .await
            .assert_refused(5, "is another user's");
        service.assert_allowed(&token).await;
        let answer = service.login_with(&json!({"username": format!("person{n}"), "password": PASSWORD.trim_end()})).await;
        assert_eq!(answer.body["user_id"], json!(format!("user-{n}")));

        latchkey(database, &format!("users {change} person{n} --yes"), PASSWORD).await.assert_done();
        service.assert_refused(&token).await;
        assert_eq!(service.refresh(&format!("refresh-token-{n:06}")).await.status, 401);
    }
}
