//! `latchkey dev`: what it says, what it serves beside the API, and how it ends.

mod office;

use std::{
    io::{BufRead as _, BufReader},
    net::TcpListener,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
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
        command.envs(environment.iter().copied());
        Self::start_by(command)
    }

    fn start_by(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (mut lines, mut said) = (BufReader::new(child.stdout.take().unwrap()), String::new());
        while !said.contains("users add NAME") {
            assert_ne!(lines.read_line(&mut said).unwrap(), 0, "{said}");
        }
        let url = Self::found(&said, "API");
        Self { child, url, said, http: Client::builder().no_proxy().build().unwrap() }
    }

    /// The first word after a label of the banner.
    fn found(said: &str, label: &str) -> String {
        let line = said.lines().find_map(|line| line.trim().strip_prefix(label)).unwrap();
        line.split_whitespace().next().unwrap().to_owned()
    }

    /// The URL and the access key of its DynamoDB.
    fn dynamodb(&self) -> (String, String) {
        let key = self.said.split_once("AWS_ACCESS_KEY_ID=").unwrap().1;
        (Self::found(&self.said, "DynamoDB"), key.split_whitespace().next().unwrap().to_owned())
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

/// The command to paste is the one that runs here: cargo's in a clone, the program's own where it is installed.
#[tokio::test]
async fn the_banner_names_the_program_as_it_was_called() {
    let mut installed = command(&["dev", "--port", "0"]);
    installed.env_remove("CARGO");
    let installed = Dev::start_by(installed).said.clone();
    let own = format!("{} users add NAME", env!("CARGO_BIN_EXE_latchkey"));
    assert!(installed.contains(&own) && !installed.contains("cargo run"), "{installed}");
    let mut in_a_clone = command(&["dev", "--port", "0"]);
    in_a_clone.env("CARGO", "/usr/bin/cargo");
    let in_a_clone = Dev::start_by(in_a_clone).said.clone();
    assert!(in_a_clone.contains("cargo run -- users add NAME"), "{in_a_clone}");
}

/// On all addresses of the machine the API answers, and the banner says what that means.
#[tokio::test]
async fn a_host_opens_the_api_with_a_warning() {
    let dev = Dev::start_by(command(&["dev", "--port", "0", "--host", "0.0.0.0"]));
    assert!(dev.said.contains("can log in") && dev.url.starts_with("http://127.0.0.1:"), "{}", dev.said);
    dev.login().await;
    assert_eq!(dev.get("/").await.status(), StatusCode::OK, "the console, on this machine");
    assert!(!Dev::start().said.contains("can log in"), "without --host no other machine can");
    let not_ours = command(&["dev", "--port", "0", "--host", "192.0.2.1"]).output().unwrap();
    let stderr = String::from_utf8(not_ours.stderr).unwrap();
    assert!(not_ours.status.code() == Some(1) && stderr.contains("can't listen on 192.0.2.1:0"), "{stderr}");
}

/// Two processes would write the same files.
#[tokio::test]
async fn a_second_one_on_the_same_data_is_refused() {
    let dir = std::env::temp_dir().join(format!("latchkey-dev-{}", uuid::Uuid::new_v4().simple()));
    let on_dir = || command(&["dev", "--port", "0", "--data", dir.to_str().unwrap()]);
    let first = Dev::start_by(on_dir());
    let second = on_dir().output().unwrap();
    let stderr = String::from_utf8(second.stderr).unwrap();
    assert_eq!(second.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("another `latchkey dev` keeps its data in") && stderr.lines().count() == 1, "{stderr}");
    first.login().await;
    drop(first);
    // The lock goes with the process, even with a killed one.
    Dev::start_by(on_dir()).login().await;
    std::fs::remove_dir_all(dir).unwrap();
}

/// A page of any site can reach this machine's ports. It must get nothing from the database.
#[tokio::test]
async fn the_embedded_dynamodb_is_for_programs_with_its_key() {
    let dev = Dev::start();
    let (url, key) = dev.dynamodb();
    let ask = async |headers: &[(&str, &str)], key: &str| {
        let scope = format!("AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=00");
        let mut request = dev.http.post(&url).header("x-amz-target", "DynamoDB_20120810.ListTables").header("authorization", scope);
        request = request.header("content-type", "application/x-amz-json-1.0").header("x-amz-date", "20260101T000000Z").body("{}");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.unwrap();
        assert!(!answer.headers().contains_key("access-control-allow-origin"), "{headers:?}");
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let (status, tables) = ask(&[], &key).await;
    assert!(status == 200 && tables.contains("UsersTable"), "{tables}");
    for (headers, status) in [([("origin", "https://evil.example")], 403), ([("origin", "null")], 403), ([("host", "evil.example")], 421)] {
        let (answered, text) = ask(&headers, &key).await;
        assert!(answered == status && text.contains("AccessDeniedException"), "{headers:?}: {answered} {text}");
    }
    for other in ["local", "latchkey", ""] {
        let (status, text) = ask(&[], other).await;
        assert!(status == 400 && text.contains("UnrecognizedClientException"), "{other}: {text}");
    }
    let preflight = dev.http.request("OPTIONS".parse().unwrap(), &url).header("origin", "https://evil.example");
    let preflight = preflight.header("access-control-request-method", "POST").send().await.unwrap();
    assert_eq!(preflight.status(), StatusCode::FORBIDDEN);
    assert!(preflight.headers().keys().all(|name| !name.as_str().starts_with("access-control-")), "{:?}", preflight.headers());

    // The command that the banner shows, and the same without its key.
    let list = |key: Option<&str>| {
        let mut list = command(&["users", "list", "--users-table", "UsersTable", "--endpoint-url", &url]);
        list.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_PROFILE");
        list.envs(key.map(|key| ("AWS_ACCESS_KEY_ID", key))).envs(key.map(|_| ("AWS_SECRET_ACCESS_KEY", "local")));
        list.output().unwrap()
    };
    let listed = String::from_utf8(list(Some(&key)).stdout).unwrap();
    assert!(listed.contains(DEMO_USER), "{listed}");
    let refused = String::from_utf8(list(None).stderr).unwrap();
    assert!(refused.contains("check --profile or AWS_ACCESS_KEY_ID"), "{refused}");
}

/// What a stand-in lacks is told in one sentence, and the tables are made where the functions look for them.
#[tokio::test]
async fn a_dynamodb_that_cannot_run_latchkey_is_named() {
    let scopes: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = Arc::clone(&scopes);
    let answer = move |headers: http::HeaderMap| {
        kept.lock().unwrap().push(headers["authorization"].to_str().unwrap().to_owned());
        let body = r#"{"__type":"com.amazon.coral.service#UnknownOperationException"}"#;
        async move { (StatusCode::BAD_REQUEST, [("content-type", "application/x-amz-json-1.0")], body) }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(answer)).await });
    for (region, scope) in [(None, "local/"), (Some("eu-west-1"), "local/")] {
        let mut dev = command(&["dev", "--port", "0", "--dynamodb", &url]);
        dev.env_remove("AWS_REGION").env_remove("AWS_DEFAULT_REGION").envs(region.map(|region| ("AWS_REGION", region)));
        let ran = tokio::task::spawn_blocking(move || dev.output().unwrap()).await.unwrap();
        let stderr = String::from_utf8(ran.stderr).unwrap();
        assert_eq!((ran.status.code(), stderr.lines().count()), (Some(1), 1), "{stderr}");
        assert!(stderr.contains("this DynamoDB has no DescribeTable") && stderr.contains("dynalite"), "{stderr}");
        let signed = scopes.lock().unwrap().pop().unwrap();
        assert!(signed.contains(scope) && signed.contains(&format!("/{}/dynamodb/", region.unwrap_or("us-east-1"))), "{signed}");
    }
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

/// Also where the functions are elsewhere, for the gateway's own answers have it.
#[tokio::test]
async fn an_origin_that_lets_in_no_page_is_refused_at_the_start() {
    for more in [&[][..], &["--lambda", "http://127.0.0.1:9"]] {
        let mut dev = command(&[&["dev", "--port", "0"][..], more].concat());
        let output = dev.env("CORS_ALLOW_ORIGIN", "https://app.example.com/").output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("CORS_ALLOW_ORIGIN is \"https://app.example.com/\": it takes `none`, `*`, or an origin"), "{said}");
    }
}

/// Without it a browser sends nothing at all from a page with tracing.
#[tokio::test]
async fn a_preflight_lets_tracing_headers_through() {
    let dev = Dev::start_with(&[("CORS_ALLOW_ORIGIN", "https://app.example.com")]);
    let request = dev.http.request("OPTIONS".parse().unwrap(), format!("{}/login", dev.url)).header("Origin", "https://app.example.com");
    let request = request.header("Access-Control-Request-Method", "POST");
    let answer = request.header("Access-Control-Request-Headers", "content-type,sentry-trace,baggage,traceparent").send().await.unwrap();
    let allowed = answer.headers()["access-control-allow-headers"].to_str().unwrap().to_lowercase();
    let allowed: Vec<_> = allowed.split(',').collect();
    for header in
        ["authorization", "content-type", "idempotency-key", "sentry-trace", "baggage", "traceparent", "tracestate", "x-amzn-trace-id"]
    {
        assert!(allowed.contains(&header), "{header}: {allowed:?}");
    }
}

/// A proof is looked at here without a setting, and a client that sends none logs in as ever.
#[tokio::test]
async fn a_login_may_be_bound_to_a_key_unless_the_environment_says_otherwise() {
    for (environment, dpop, without_a_proof, with_a_wrong_one) in
        [(&[][..], "optional", true, false), (&[("DPOP", "off")], "off", true, true), (&[("DPOP", "required")], "required", false, false)]
    {
        let dev = Dev::start_with(environment);
        let about: Value = dev.get("/_console/about.json").await.json().await.unwrap();
        assert_eq!(about["dpop"], dpop);
        assert_eq!(dev.login().await["access_token"].is_string(), without_a_proof, "{dpop}");
        let body = json!({"username": DEMO_USER, "password": DEMO_PASSWORD});
        let answer = dev.http.post(format!("{}/login", dev.url)).header("DPoP", "none").json(&body).send().await.unwrap();
        assert_eq!(answer.status().is_success(), with_a_wrong_one, "{dpop}");
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
