//! S1, S2: the contents of the logs at trace level.
//!
//! A separate program that runs one test at a time. tracing caches for each call site whether any subscriber wants its
//! events. A thread without a subscriber can make that cache wrong for all threads.

#![expect(clippy::unwrap_used, clippy::panic, clippy::string_slice, reason = "a panic fails the test, as intended")]

use std::{
    io,
    sync::{Arc, Mutex},
};

use axum::http::Request;
use latchkey::{
    http::middleware::{Authenticator as _, ByAccessToken},
    store::Store,
    telling::{
        log::{Event, Fields, RequestId},
        signals::Signals,
    },
    throttle::Subjects,
    token::{AnyToken, ImportedTokens, Refresh},
    username::Username,
};
use latchkey_cli::dev::{DEMO_PASSWORD, DEMO_USER};
use latchkey_tests::{
    back_office::principal,
    database::first_use,
    proofs::App,
    service::{Answer, Pair, Service, send},
    tap::Line,
};
use serde_json::{Value, json};
use tracing::{Level, subscriber::DefaultGuard};

/// Held by the test that captures the log.
static LISTENING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// A log that a test reads afterwards.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Captures all events of this test's thread. That is the whole service: a test's runtime has one thread.
    fn listen(&self) -> DefaultGuard {
        let log = self.clone();
        tracing::subscriber::set_default(latchkey::telling::log::subscriber(move || log.clone(), Level::TRACE))
    }

    /// The service's lines and the SDK's, without those of this test's own HTTP client.
    fn lines(&self) -> Vec<Value> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let lines =
            text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap_or_else(|_| panic!("not one JSON object a line: {line}")));
        let ours = |line: &Value| {
            let target = line["target"].as_str().unwrap_or_default();
            ["latchkey", "lambda", "aws"].iter().any(|prefix| target.starts_with(prefix))
        };
        lines.filter(ours).collect()
    }

    fn codes(&self) -> Vec<String> {
        self.lines().iter().filter_map(|line| line["code"].as_str().map(str::to_owned)).collect()
    }
}

#[tokio::test]
async fn no_token_and_no_password_is_ever_logged() {
    let _alone = LISTENING.lock().await;
    let log = Log::default();
    let service = Service::start(&[]).await;
    let listening = log.listen();
    let login = |password: &'static str| {
        let service = service.clone();
        async move { service.login_with(&json!({"username": DEMO_USER, "password": password, "device": "phone"})).await }
    };

    let first = Pair::of(&login(DEMO_PASSWORD).await);
    let second = Pair::of(&service.refresh(&first.refresh).await);
    service.refresh(&first.refresh).await;
    service.me(&second.access).await;
    service.me(&first.access).await;
    let third = Pair::of(&service.refresh(&second.refresh).await);
    service.refresh(&first.refresh).await;
    send(service.request("POST", "/refresh").bearer_auth(&second.refresh).header("Idempotency-Key", "CANARY-key")).await;
    service.refresh(&third.access).await;
    service.refresh("lkr_CANARY-malformed").await;
    send(service.request("POST", "/login").header("content-type", "application/json").body(r#"{"password":CANARY-json}"#)).await;
    for _ in 0..7 {
        login("CANARY-wrong").await;
    }
    service.tap.set_line(Line::Refused);
    tokio::join!(service.me(&third.access), service.refresh(&third.refresh), service.logout(&third.access), login(DEMO_PASSWORD));
    service.tap.set_line(Line::Open);
    service.clock.advance(chrono::TimeDelta::seconds(60));
    service.refresh(&first.refresh).await;
    service.logout(&third.access).await;
    drop(listening);

    let codes = log.codes();
    for code in [
        "login_succeeded",
        "login_failed",
        "login_throttled",
        "refresh_rotated",
        "refresh_replayed",
        "refresh_superseded",
        "refresh_keys_differ",
        "refresh_refused",
        "refresh_reused",
        "access_allowed",
        "access_denied",
        "logout_of_nothing",
        "request_malformed",
        "store_unavailable",
    ] {
        assert!(codes.iter().any(|each| each == code), "the walk didn't come by {code}: {codes:?}");
    }
    let metrics = service.emitted.take();
    assert!(metrics.len() > 20, "the metrics of the walk: {metrics:?}");
    for user in [&third.login_id, "127.0.0.1", DEMO_USER] {
        assert!(metrics.iter().all(|line| !line.contains(user)), "{user} in a metric");
    }
    let text = log.lines().iter().map(Value::to_string).chain(metrics).collect::<String>();
    assert!(!text.contains("CANARY") && !text.contains(DEMO_PASSWORD));
    for token in [&first.access, &first.refresh, &second.access, &second.refresh, &third.access, &third.refresh] {
        // The parts after the login id: generation, proof, secret, check. The login id itself may be logged.
        for part in [&token[53..75], &token[96..120], &token[230..]] {
            assert!(!text.contains(part), "part of a token in the log");
        }
    }
}

/// A proof is good for minutes, and a thumbprint follows a device from login to login.
#[tokio::test]
async fn no_proof_and_no_key_is_ever_logged() {
    let _alone = LISTENING.lock().await;
    let log = Log::default();
    let service = Service::start(&[("DPOP", "optional")]).await;
    let listening = log.listen();
    let (app, other) = (App::with_key(&service, 1), App::with_key(&service, 2));
    let mut pair = app.log_in().await;
    let used = app.proof("/refresh");
    pair = Pair::of(&app.refresh_with(&pair.refresh, &used).await);
    let (early, unsigned) = (app.proof("/login"), format!("{used}CANARY"));
    for proof in [&used, &early, &unsigned, &other.proof("/refresh")] {
        app.refresh_with(&pair.refresh, proof).await;
        app.log_in_with(Some(proof)).await;
    }
    for _ in 0..8 {
        app.refresh(&pair.refresh).await;
    }
    service.tap.set_line(Line::Refused);
    app.refresh(&pair.refresh).await;
    service.tap.set_line(Line::Open);
    drop(listening);
    let codes = log.codes();
    for code in ["request_malformed", "refresh_key_mismatch", "refresh_proof_repeated", "refresh_proof_limit", "store_unavailable"] {
        assert!(codes.iter().any(|each| each == code), "the walk didn't come by {code}: {codes:?}");
    }
    let text = log.lines().iter().map(Value::to_string).chain(service.emitted.take()).collect::<String>();
    for secret in ["CANARY", "proof-", &app.key.thumbprint(), &other.key.thumbprint(), &used[used.len() - 40..], &used[..40]] {
        assert!(!text.contains(secret), "{secret} in the log");
    }
}

/// The lines identify a login, and a request by the gateway's own id.
#[tokio::test]
async fn a_line_says_what_it_is_about() {
    let _alone = LISTENING.lock().await;
    let log = Log::default();
    let service = Service::start(&[]).await;
    let listening = log.listen();
    let login = service.login_with(&json!({"username": DEMO_USER, "password": DEMO_PASSWORD})).await;
    let first = Pair::of(&login);
    let rotated = service.refresh(&first.refresh).await;
    let second = Pair::of(&rotated);
    service.me(&second.access).await;
    service.me(&first.access).await;
    let malformed = service.refresh("lkr_malformed").await;

    // The middleware of a service without a gateway.
    let store = Store::new(service.database.client.clone(), service.database.table("SessionsTable"));
    let layer = ByAccessToken { store, clock: service.clock.clock(), imported: ImportedTokens::Refused, first_use: first_use() };
    let request = Request::get("/").header("authorization", format!("Bearer {}", first.access)).extension(RequestId("own".into()));
    assert!(layer.authenticate(&request.body(()).unwrap().into_parts().0).await.is_err());
    drop(listening);

    let id = |answer: &Answer| answer.headers["x-amzn-requestid"].to_str().unwrap().to_owned();
    let hash = |token: &str| {
        AnyToken::parse(token, ImportedTokens::Refused).map(|token| match token {
            AnyToken::Access(token) => token.hash().log_prefix(),
            AnyToken::Refresh(token) => token.hash().log_prefix(),
            AnyToken::Imported(token) => token.hash::<Refresh>().log_prefix(),
        })
    };
    let said: Vec<_> = log.lines().into_iter().filter(|line| line["code"].is_string()).collect();
    // The gateway gives a TOKEN authorizer no request id, so the line names the invocation.
    let invocation = |line: &Value| line["request_id"].as_str().filter(|id| id.len() == 36).map(str::to_owned);
    let expected = [
        ("login_succeeded", Some(id(&login)), Some(&first), None, None),
        ("refresh_rotated", Some(id(&rotated)), Some(&first), hash(&first.refresh).ok(), None),
        ("access_allowed", None, Some(&first), hash(&second.access).ok(), None),
        ("access_denied", None, Some(&first), hash(&first.access).ok(), Some("rotated")),
        ("refresh_refused", Some(id(&malformed)), None, None, Some("not 256 characters")),
        ("access_denied", Some("own".to_owned()), Some(&first), hash(&first.access).ok(), Some("rotated")),
    ];
    assert_eq!(said.len(), expected.len(), "{said:?}");
    for (line, (code, request_id, login, token_hash, reason)) in said.iter().zip(expected) {
        let login_id = login.map(|pair| &pair.login_id);
        let names_the_user = line["user_key"].as_str().is_some_and(|key| first.refresh[4..].starts_with(key) && key.len() == 22);
        assert_eq!(names_the_user, code == "refresh_rotated", "whose login it was is asked of a refresh alone: {line}");
        for (field, value) in [
            ("code", json!(code)),
            ("request_id", json!(request_id.clone().or_else(|| invocation(line)).unwrap_or_else(|| "an id".to_owned()))),
            ("login_id", json!(login_id)),
            ("token_hash", json!(token_hash)),
            ("reason", json!(reason)),
        ] {
            assert_eq!(line.get(field).unwrap_or(&Value::Null), &value, "{field} of {line}");
        }
    }
}

/// Without the table, a reader of the log sees why a token was refused.
#[tokio::test]
async fn a_refusal_says_what_the_decision_knew() {
    let _alone = LISTENING.lock().await;
    let log = Log::default();
    let service = Service::start(&[("LOGIN_FREE_FAILURES", "1")]).await;
    let first = service.login().await;
    let second = Pair::of(&service.refresh(&first.refresh).await);
    let replay_until = service.clock.now() + chrono::TimeDelta::seconds(30);
    let third = Pair::of(&service.refresh(&second.refresh).await);
    let listening = log.listen();
    service.refresh(&first.refresh).await;
    service.me(&first.access).await;
    service.clock.advance(chrono::TimeDelta::seconds(300));
    service.me(&third.access).await;
    service.refresh(&first.refresh).await;
    service.refresh(&third.refresh).await;
    for _ in 0..2 {
        service.login_with(&json!({"username": DEMO_USER, "password": "a wrong one"})).await;
    }
    drop(listening);

    let fields = ["code", "reason", "generation", "login_generation", "replay_until", "expires_at"];
    let of = |line: &Value| fields.map(|field| line.get(field).cloned().unwrap_or_default());
    let said: Vec<_> = log.lines().iter().filter(|line| line["code"].is_string()).map(of).collect();
    let (none, time) = (Value::Null, |time| json!(latchkey::clock::rfc3339(time)));
    let (window, refresh_end) = (time(replay_until), time(third.refresh_expires_at));
    let access_end = time(third.access_expires_at);
    assert_eq!(
        said,
        [
            [json!("refresh_superseded"), none.clone(), json!(0), json!(2), window.clone(), refresh_end.clone()],
            [json!("access_denied"), json!("rotated"), json!(0), json!(2), none.clone(), none.clone()],
            [json!("access_denied"), json!("expired"), json!(2), json!(2), none.clone(), access_end],
            [json!("refresh_reused"), none.clone(), json!(0), json!(2), window, refresh_end],
            [json!("refresh_refused"), json!("ended"), json!(2), none.clone(), none.clone(), none.clone()],
            [json!("login_failed"), none.clone(), none.clone(), none.clone(), none.clone(), none.clone()],
            [json!("login_throttled"), json!("account_and_network"), none.clone(), none.clone(), none.clone(), none],
        ]
    );
}

/// Who guesses, and at whom: pseudonyms of both, and neither a name nor an address.
#[tokio::test]
async fn a_refused_login_says_who_and_whom() {
    let _alone = LISTENING.lock().await;
    let log = Log::default();
    let service = Service::start(&[("LOGIN_FREE_FAILURES", "1")]).await;
    let listening = log.listen();
    for username in [DEMO_USER, DEMO_USER, "unknown"] {
        service.login_with(&json!({"username": username, "password": "a wrong one"})).await;
    }
    drop(listening);
    let lines: Vec<_> = log.lines().into_iter().filter(|line| line["code"].is_string()).collect();
    let account = |name| json!(Subjects::account_pseudonym(&Username::parse(name).unwrap()));
    let said: Vec<_> = lines.iter().map(|line| (line["code"].clone(), line["account"].clone())).collect();
    let (failed, throttled) = (json!("login_failed"), json!("login_throttled"));
    assert_eq!(said, [(failed.clone(), account(DEMO_USER)), (throttled, account(DEMO_USER)), (failed, account("unknown"))]);
    let network = &lines[0]["network"];
    assert_eq!(network.as_str().map(str::len), Some(8));
    for line in &lines {
        assert_eq!(line["network"], *network);
        assert!(!line.to_string().contains(DEMO_USER) && !line.to_string().contains("127.0.0.1"), "{line}");
    }
}

/// A sampled trace is logged. An unsampled one, or a header that a client made up, isn't.
#[tokio::test]
async fn a_line_names_the_trace_that_is_kept() {
    let _alone = LISTENING.lock().await;
    let log = Log::default();
    let listening = log.listen();
    let id = "1-5759e988-bd862e3fe1be46a994272793";
    for header in [
        Some(format!("Root={id};Parent=53995c3f42cd8ad8;Sampled=1")),
        Some(format!("Root={id};Parent=53995c3f42cd8ad8;Sampled=0")),
        Some("Root=x\n{\"code\":\"login_succeeded\"};Sampled=1".to_owned()),
        None,
    ] {
        let logged = async { latchkey::telling::log::log(Event::LoggedOut, Fields::default(), None) };
        Signals::default().of_request(header.as_deref(), logged).await;
    }
    drop(listening);
    let traces: Vec<_> = log.lines().iter().map(|line| line["trace_id"].clone()).collect();
    assert_eq!(traces, [json!(id), Value::Null, Value::Null, Value::Null]);
}

/// One line for each outcome, whatever a client sends.
#[tokio::test]
async fn a_client_can_not_write_lines_of_its_own() {
    let _alone = LISTENING.lock().await;
    let log = Log::default();
    let service = Service::start(&[]).await;
    let listening = log.listen();
    let hostile = "x\n{\"code\":\"login_succeeded\"}\r\n\u{1b}[31mred\u{2028}";
    for (username, password) in [(DEMO_USER, DEMO_PASSWORD), (hostile, "wrong"), ("nobody", "wrong")] {
        let body = json!({"username": username, "password": password, "device": hostile});
        send(service.request("POST", "/login").header("user-agent", "agent \\n {\"code\":\"x\"}").json(&body)).await;
    }
    drop(listening);
    assert_eq!(log.codes(), ["login_succeeded", "request_malformed", "login_failed"]);
    let metrics = service.emitted.take();
    assert!(metrics.len() == 3 && metrics.iter().all(|line| line.lines().count() == 1 && !line.contains('\u{1b}')), "{metrics:?}");
    let items = format!("{:?}", service.database.items("SessionsTable").await);
    assert!(!items.contains("\\u{1b}") && !items.contains("x\\n{"), "control characters are left out of what people read: {items}");
}

/// Who did what to whom, without a user id, a query, a body or an access key.
#[tokio::test]
async fn each_action_is_logged_with_its_caller() {
    let _alone = LISTENING.lock().await;
    let log = Log::default();
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    let user_id = service.database.items("UsersTable").await[0]["user_id"].as_s().unwrap().clone();
    let listening = log.listen();
    service.introspect(&pair.access).await;
    service.admin("/admin/logins/search", &json!({"user_id": user_id})).await;
    service.admin("/admin/logins/end", &json!({"user_id": user_id, "login_id": pair.login_id})).await;
    service.admin("/admin/users/end-all", &json!({"user_id": user_id})).await;
    service.admin("/admin/users/end-all", &json!({"user_id": "CANARY-unknown"})).await;
    service.admin("/admin/users/end-all", &json!({"user_id": user_id, "CANARY-member": 1})).await;
    drop(listening);

    let principal = principal();
    let fields = ["code", "action", "login_id", "user_arn", "caller"];
    let of = |line: &Value| fields.map(|field| line.get(field).cloned().unwrap_or_default());
    let said: Vec<_> = log.lines().into_iter().filter(|line| line["code"].is_string()).collect();
    let caller = [json!(principal.arn), json!(principal.id)];
    let line = |code: &str, action: Option<&str>, login: Option<&String>| {
        let [arn, id] = caller.clone();
        [json!(code), json!(action), json!(login), arn, id]
    };
    let login = Some(&pair.login_id);
    assert_eq!(
        said.iter().map(of).collect::<Vec<_>>(),
        [
            line("access_allowed", None, login),
            line("admin_action", Some("search"), None),
            line("admin_action", Some("end"), login),
            line("admin_action", Some("end_all"), None),
            line("request_malformed", None, None),
        ]
    );
    let user_key = latchkey::ids::UserKey::of(&user_id);
    assert!(said[1..4].iter().all(|line| line["user_key"] == user_key.as_str()), "{said:?}");
    let text = said.iter().map(Value::to_string).collect::<String>();
    for secret in [&user_id, "CANARY", principal.credentials.access_key_id(), principal.credentials.secret_access_key()] {
        assert!(!text.contains(secret), "{secret}");
    }
}
