//! Commands whose write was carried out, and whose first answer was lost on the way.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{Router, body::Bytes, extract::State};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use latchkey_tests::{database::Database, service::Service};
use tokio::net::TcpListener;

use crate::run::latchkey;

/// Stands before a DynamoDB. It loses the first answer to one operation: the caller gets a bare 500.
#[derive(Clone)]
struct Lossy {
    behind: String,
    operation: &'static str,
    lost: Arc<AtomicBool>,
    http: reqwest::Client,
}

impl Lossy {
    /// The same database, reached over a line that loses that answer.
    async fn before(database: &Database, operation: &'static str) -> Database {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let lossy = Self { behind: database.url.clone(), operation, lost: Arc::default(), http };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut reached = database.clone();
        reached.url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(Self::pass).with_state(lossy);
        tokio::spawn(async move { axum::serve(listener, router).await });
        reached
    }

    async fn pass(
        State(lossy): State<Self>,
        mut headers: HeaderMap,
        body: Bytes,
    ) -> (StatusCode, [(header::HeaderName, HeaderValue); 1], Bytes) {
        let operation = headers["x-amz-target"].to_str().unwrap().rsplit('.').next().unwrap().to_owned();
        headers.remove(header::HOST);
        let answer = lossy.http.post(&lossy.behind).headers(headers).body(body).send().await.unwrap();
        let (status, json) = (answer.status(), HeaderValue::from_static("application/x-amz-json-1.0"));
        let body = answer.bytes().await.unwrap();
        if operation == lossy.operation && !lossy.lost.swap(true, Ordering::Relaxed) {
            return (StatusCode::INTERNAL_SERVER_ERROR, [(header::CONTENT_TYPE, HeaderValue::from_static("text/html"))], Bytes::new());
        }
        (status, [(header::CONTENT_TYPE, json)], body)
    }
}

/// It ended the login, and says so; no row of it stays behind.
#[tokio::test]
async fn an_end_whose_answer_was_lost() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    let user_id = service.database.items("UsersTable").await[0]["user_id"].as_s().unwrap().clone();
    let lossy = Lossy::before(&service.database, "DeleteItem").await;
    let ended = latchkey(&lossy, &format!("sessions end {user_id} {}", pair.login_id), "").await;
    assert_eq!((ended.code, ended.stdout), (0, format!("ended {}\n", pair.login_id)), "{}", ended.stderr);
    assert_eq!(service.database.sort_keys().await, ["!user"]);
    let again = latchkey(&lossy, &format!("sessions end {user_id} {}", pair.login_id), "").await;
    again.assert_refused(3, "nothing was changed");
}

/// What one of the command's own writes ended is counted, though its answer was lost.
#[tokio::test]
async fn ends_whose_answers_were_lost_are_counted() {
    let service = Service::start(&[]).await;
    let user_id = async || service.database.items("UsersTable").await[0]["user_id"].as_s().unwrap().clone();
    for command in [format!("sessions end-all {} --yes", user_id().await), "sessions end-everyone --yes".to_owned()] {
        service.login().await;
        service.login().await;
        let ended = latchkey(&Lossy::before(&service.database, "DeleteItem").await, &command, "").await;
        assert!(ended.code == 0 && ended.stdout.ends_with("ended 2\n"), "{ended:?}");
        assert_eq!(service.database.sort_keys().await, ["!user"]);
    }
}

#[tokio::test]
async fn a_user_added_and_removed_whose_answers_were_lost() {
    let database = Database::new().await;
    let added = latchkey(&Lossy::before(&database, "PutItem").await, "users add ada --password-stdin", "a long enough passphrase\n").await;
    assert!(added.code == 0 && added.stdout.starts_with("added ada"), "{added:?}");
    let removed = latchkey(&Lossy::before(&database, "DeleteItem").await, "users remove ada --yes", "").await;
    assert_eq!((removed.code, removed.stdout.as_str()), (0, "removed ada\n"), "{}", removed.stderr);
    assert!(database.items("UsersTable").await.is_empty());
}

/// What isn't DynamoDB's answer is told by its status.
#[tokio::test]
async fn an_answer_without_a_code_is_told_by_its_status() {
    let broken = Router::new().fallback(async || (StatusCode::INTERNAL_SERVER_ERROR, "<html>"));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut database = Database::new().await;
    database.url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, broken).await });
    for command in ["sessions list someone", "users list"] {
        let ran = latchkey(&database, command, "").await;
        assert!(ran.stderr.contains("HTTP 500; try again"), "{ran:?}");
        ran.assert_refused(1, "--endpoint-url");
    }
}
