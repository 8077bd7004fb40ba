//! `latchkey dev`: what it says, what it serves beside the API, and how it ends.

use std::{
    io::{BufRead as _, BufReader},
    net::TcpListener,
    process::{Child, Command, Stdio},
};

use latchkey_cli::dev::{DEMO_PASSWORD, DEMO_USER};
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};

/// A `latchkey dev` of one test.
struct Dev {
    child: Child,
    url: String,
    said: String,
    http: Client,
}

impl Dev {
    fn start() -> Self {
        Self::start_with(&[])
    }

    fn start_with(environment: &[(&str, &str)]) -> Self {
        let mut command = command(&["dev", "--port", "0"]);
        command.envs(environment.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let (mut lines, mut said) = (BufReader::new(child.stdout.take().unwrap()), String::new());
        while !said.contains("demo user") {
            assert_ne!(lines.read_line(&mut said).unwrap(), 0, "{said}");
        }
        let url = said.lines().find_map(|line| line.trim().strip_prefix("API")).unwrap().trim().to_owned();
        Self { child, url, said, http: Client::builder().no_proxy().build().unwrap() }
    }

    async fn get(&self, path: &str) -> Response {
        self.http.get(format!("{}{path}", self.url)).send().await.unwrap()
    }

    async fn login(&self) -> Value {
        let body = json!({"username": DEMO_USER, "password": DEMO_PASSWORD});
        self.http.post(format!("{}/login", self.url)).json(&body).send().await.unwrap().json().await.unwrap()
    }

    /// The first `count` events that the console's page hears.
    async fn events(&self, count: usize) -> Vec<Value> {
        let mut stream = self.get("/_console/events").await;
        assert_eq!(stream.headers()["content-type"], "text/event-stream");
        let (mut text, mut events) = (String::new(), Vec::new());
        while events.len() < count {
            text.push_str(std::str::from_utf8(&stream.chunk().await.unwrap().unwrap()).unwrap());
            let whole = text.split_inclusive("\n\n").filter(|event| event.ends_with("\n\n") && event.contains("event: exchange\n"));
            events = whole.map(|event| event.lines().find_map(|line| line.strip_prefix("data: ")).unwrap().to_owned()).collect();
        }
        events.iter().map(|data| serde_json::from_str(data).unwrap()).collect()
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey"));
    command.args(arguments).stdin(Stdio::null());
    command
}

#[tokio::test]
async fn it_says_where_everything_is_and_how_long_it_took() {
    let dev = Dev::start();
    for part in [
        "Latchkey is running, started in ",
        " s. Ctrl-C stops it.",
        &format!("console    {}/", dev.url),
        &format!("reference  {}/docs", dev.url),
        DEMO_USER,
    ] {
        assert!(dev.said.contains(part), "{part} isn't in {}", dev.said);
    }
    assert!(!dev.said.contains('\u{1b}'), "colours are for terminals: {}", dev.said);
}

/// Its pages run nothing inline and load nothing from elsewhere.
#[tokio::test]
async fn the_console_is_served_under_a_strict_policy() {
    let dev = Dev::start();
    for (path, content_type) in [
        ("/", "text/html; charset=utf-8"),
        ("/docs", "text/html; charset=utf-8"),
        ("/docs/openapi.yaml", "application/yaml"),
        ("/_console/main.js", "text/javascript; charset=utf-8"),
        ("/_console/console.css", "text/css; charset=utf-8"),
        ("/_console/icon.svg", "image/svg+xml"),
        ("/_console/about.json", "application/json"),
    ] {
        let answer = dev.get(path).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        let headers = answer.headers().clone();
        assert_eq!(headers["content-type"], content_type, "{path}");
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        let policy = headers["content-security-policy"].to_str().unwrap();
        for part in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        let script = policy.split(';').find(|part| part.trim_start().starts_with("script-src"));
        assert_eq!(script.map(str::trim), Some("script-src 'self'"), "{path}");
        let text = answer.text().await.unwrap();
        assert!(!text.contains("<script>") && !text.contains("style=\""), "{path} has something inline");
    }
    for asset in ["/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css"] {
        assert_eq!(dev.get(asset).await.status(), StatusCode::OK, "{asset}");
    }
}

/// An answer that lacks it is a network error in the page, whose app can't tell a refusal from an outage.
#[tokio::test]
async fn all_answers_or_none_are_for_pages() {
    for (environment, expected) in [(&[][..], None), (&[("CORS_ALLOW_ORIGIN", "capacitor://localhost")], Some("capacitor://localhost"))] {
        let dev = Dev::start_with(environment);
        let asked = [("OPTIONS", "/login", 200), ("POST", "/login", 415), ("GET", "/me", 401), ("GET", "/other", 404)];
        for (method, path, status) in asked {
            let request = dev.http.request(method.parse().unwrap(), format!("{}{path}", dev.url)).header("Origin", "capacitor://localhost");
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), status, "{method} {path}");
            let allowed = answer.headers().get("access-control-allow-origin").map(|value| value.to_str().unwrap());
            assert_eq!(allowed, expected, "{method} {path}");
        }
    }
}

/// Every other path, and every other method of the console's own, is the API's.
#[tokio::test]
async fn the_api_answers_as_it_does_without_the_console() {
    let dev = Dev::start();
    for (method, path) in
        [("POST", "/"), ("DELETE", "/docs"), ("PUT", "/_console/events"), ("GET", "/_console"), ("GET", "/docs/"), ("GET", "/other")]
    {
        let answer = dev.http.request(method.parse().unwrap(), format!("{}{path}", dev.url)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{method} {path}");
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(problem["code"], "not_found", "{method} {path}");
    }
    let me = dev.get("/me").await;
    assert_eq!(me.status(), StatusCode::UNAUTHORIZED);
    assert!(!me.headers().contains_key("content-security-policy"));
}

/// DNS rebinding: another site's name that leads here.
#[tokio::test]
async fn the_console_answers_under_this_machines_names_only() {
    let dev = Dev::start();
    let port = dev.url.rsplit(':').next().unwrap().to_owned();
    for (host, status) in [
        (format!("evil.example:{port}"), StatusCode::MISDIRECTED_REQUEST),
        ("localhost.evil.example".into(), StatusCode::MISDIRECTED_REQUEST),
        (format!("localhost:{port}"), StatusCode::OK),
        (format!("[::1]:{port}"), StatusCode::OK),
    ] {
        for path in ["/", "/_console/about.json", "/docs"] {
            let answer = dev.http.get(format!("{}{path}", dev.url)).header("host", &host).send().await.unwrap();
            assert_eq!(answer.status(), status, "{host} {path}");
        }
    }
}

#[tokio::test]
async fn an_event_tells_a_request_with_what_the_store_was_asked() {
    let dev = Dev::start();
    let pair = dev.login().await;
    let text = |name: &str| pair[name].as_str().unwrap().to_owned();
    let refreshed = dev.http.post(format!("{}/refresh", dev.url)).bearer_auth(text("refresh_token")).send().await.unwrap();
    let request_id = refreshed.headers()["x-amzn-requestid"].to_str().unwrap().to_owned();
    let successor: Value = refreshed.json().await.unwrap();
    let everywhere = dev.http.delete(format!("{}/sessions", dev.url)).bearer_auth(successor["access_token"].as_str().unwrap());
    assert_eq!(everywhere.send().await.unwrap().status(), StatusCode::NO_CONTENT);
    let [login, refresh, everywhere] = <[Value; 3]>::try_from(dev.events(3).await).unwrap();

    assert_eq!((&login["route"], &login["status"], &login["log"][0]["code"]), (&json!("/login"), &json!(200), &json!("login_succeeded")));
    assert_eq!(login["issued"]["login_id"], text("login_id"));

    assert_eq!((&refresh["request_id"], &refresh["log"][0]["code"]), (&json!(request_id), &json!("refresh_rotated")));
    let generations = (&refresh["presented"]["generation"], &refresh["issued"]["generation"]);
    assert_eq!(generations, (&json!(0), &json!(1)));
    let asked: Vec<_> =
        refresh["store"].as_array().unwrap().iter().map(|call| (&call["function"], &call["operation"], &call["units"])).collect();
    assert_eq!(
        asked,
        [
            (&json!("refresh"), &json!("Query"), &json!(1.0)),
            // Six write units, and four in the indexes.
            (&json!("refresh"), &json!("TransactWriteItems"), &json!(10.0)),
        ]
    );
    let actions: Vec<_> = refresh["store"][1]["touched"].as_array().unwrap().iter().map(|item| item["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["Update", "Delete", "Put"]);

    // Its deletions run in tasks of their own.
    let ended = everywhere["store"].as_array().unwrap().iter().flat_map(|call| call["touched"].as_array().unwrap());
    assert!(ended.map(|item| &item["ends"]).any(|ends| *ends == text("login_id")), "{everywhere}");
    assert_eq!(everywhere["functions"].as_array().unwrap().iter().map(|run| &run["name"]).collect::<Vec<_>>(), ["authorizer", "sessions"]);

    // Nothing of it is secret: what follows the login id in a token, and the password.
    let all = format!("{login}{refresh}{everywhere}");
    for token in [text("access_token"), text("refresh_token")] {
        assert!(!all.contains(token.get(53..80).unwrap()));
    }
    assert!(!all.contains(DEMO_PASSWORD));
}

/// An open console doesn't hold it up.
#[cfg(unix)]
#[tokio::test]
async fn ctrl_c_ends_it_in_good_order() {
    for signal in ["-INT", "-TERM"] {
        let mut dev = Dev::start();
        dev.login().await;
        let mut events = dev.get("/_console/events").await;
        events.chunk().await.unwrap();
        crate::run::signal(signal, dev.child.id());
        while let Some(_rest) = events.chunk().await.unwrap() {}
        assert!(dev.child.wait().unwrap().success(), "{signal}");
    }
}

#[test]
fn a_taken_port_is_named_and_the_next_free_one_offered() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let output = command(&["dev", "--port", &port.to_string()]).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains(&format!("port {port} is taken")) && stderr.contains("latchkey dev --port "), "{stderr}");
    assert!(!stderr.contains('\u{1b}'), "colours are for terminals: {stderr}");
}

#[test]
fn completions_are_scripts_that_their_shells_read() {
    for (shell, check) in [("bash", Some("bash")), ("zsh", None), ("fish", None)] {
        let output = command(&["completions", shell]).output().unwrap();
        assert!(output.status.success(), "{shell}");
        let script = String::from_utf8(output.stdout).unwrap();
        assert!(script.contains("latchkey") && script.contains("set-password"), "{shell}");
        if let Some(program) = check {
            assert!(Command::new(program).args(["-n", "-c", &script]).status().unwrap().success(), "{shell}");
        }
    }
    let unknown = command(&["completions", "tcsh"]).output().unwrap();
    assert_eq!(unknown.status.code(), Some(2));
    assert!(String::from_utf8(unknown.stderr).unwrap().contains("possible values: bash"));
}
