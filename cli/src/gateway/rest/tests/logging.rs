use std::io;

use super::*;

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// S1: at this edge, one line for each request, and nothing in it that the client or a function wrote into a request.
#[tokio::test]
async fn one_line_for_each_request_and_no_secret() {
    let written = Written::default();
    let writer = written.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .without_time()
        .with_writer(move || writer.clone())
        .finish();
    // With only one listener, tracing lets whichever thread comes by a place first decide for all whether it is heard there,
    // and the other tests' threads hear nothing. With two it asks both.
    let _second = tracing::Dispatch::new(tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(io::sink).finish());
    // The test's runtime has this one thread, so that the server's tasks log here too.
    let _guard = tracing::subscriber::set_default(subscriber);
    let stand = Stand::up().await;
    let secret = json!({"statusCode": 200, "headers": {"x-secret": "canary"}, "body": "canary"}).to_string();
    stand.request(Method::POST, "/login?canary=canary").header("X-Secret", "canary").body(secret).send().await.unwrap();
    stand.request(Method::POST, "/login").body(r#"{"canary": "canary"}"#).send().await.unwrap();
    stand.request(Method::POST, "/login").body("fail").send().await.unwrap();
    stand.bearer(Method::DELETE, "/sessions/canary", "allow").await;
    stand.bearer(Method::GET, "/me", "canary!").await;
    stand.bearer(Method::GET, "/canary", "canary").await;

    let log = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("latchkey_cli::gateway")).collect();
    let expected = [
        ("INFO", "method=POST route=\"/login\" status=200 ms="),
        ("ERROR", "method=POST route=\"/login\" status=502 ms="),
        ("ERROR", "reason=\"StoreDown: the table is gone\""),
        ("INFO", "method=DELETE route=\"/sessions/{login_id}\" status=200 ms="),
        ("INFO", "method=GET route=\"/me\" status=401 ms="),
        ("INFO", "method=GET route=\"-\" status=404 ms="),
    ];
    assert_eq!(lines.len(), expected.len(), "{log}");
    for (line, (level, part)) in lines.iter().zip(expected) {
        assert!(line.contains(level) && line.contains(part), "{line}");
    }
    assert!(!lines.join("\n").contains("canary"), "{log}");
}
