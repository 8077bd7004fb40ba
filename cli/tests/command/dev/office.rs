//! The back office, as the console's page reaches it: signed by the server, for that page alone.

use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use super::Dev;

impl Dev {
    /// A request to the back office as a program sends it, which names no origin.
    fn office(&self, method: Method, path: &str, body: &Value) -> RequestBuilder {
        self.http.request(method, format!("{}/_console/signed{path}", self.url)).json(body)
    }

    /// The same as the console's page sends it.
    async fn page_sends(&self, method: Method, path: &str, body: Value) -> Response {
        let request = self.office(method, path, &body).header("idempotency-key", uuid::Uuid::new_v4().to_string());
        request.header("origin", &self.url).header("sec-fetch-site", "same-origin").send().await.unwrap()
    }

    async fn me(&self, token: &str) -> Response {
        self.http.get(format!("{}/me", self.url)).bearer_auth(token).send().await.unwrap()
    }
}

#[tokio::test]
async fn the_page_issues_changes_a_role_and_blocks() {
    let dev = Dev::start();
    let issue = json!({"user_id": "ada", "device": "Phone", "lifetime": 3600, "scope": "orders:read"});
    let pair: Value = dev.page_sends(Method::POST, "/admin/logins", issue.clone()).await.json().await.unwrap();
    let access = pair["access_token"].as_str().unwrap();
    let me: Value = dev.me(access).await.json().await.unwrap();
    assert_eq!((&me["user_id"], &me["scope"], &me["attributes"]), (&json!("ada"), &json!("orders:read"), &Value::Null));

    let role = json!({"user_id": "ada", "attributes": {"role": "admin"}});
    assert_eq!(dev.page_sends(Method::PUT, "/admin/attributes", role).await.status(), StatusCode::NO_CONTENT);
    let me: Value = dev.me(access).await.json().await.unwrap();
    assert_eq!(me["attributes"]["role"], "admin", "the same token, the next request");

    let user = json!({"user_id": "ada"});
    let blocked: Value = dev.page_sends(Method::POST, "/admin/blocks", user.clone()).await.json().await.unwrap();
    assert_eq!(blocked["ended"], 1);
    assert_eq!(dev.me(access).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(dev.page_sends(Method::POST, "/admin/logins", issue.clone()).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(dev.page_sends(Method::POST, "/admin/blocks/lift", user).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(dev.page_sends(Method::POST, "/admin/logins", issue).await.status(), StatusCode::OK);

    // The journal has the requests as the back office got them, and no token, name or body.
    let events = dev.events(9).await;
    let routes: Vec<_> = events.iter().map(|event| event["route"].as_str().unwrap()).collect();
    assert_eq!(routes[..4], ["/admin/logins", "/me", "/admin/attributes", "/me"]);
    assert_eq!((&events[0]["issued"]["login_id"], &events[0]["log"][0]["code"]), (&pair["login_id"], &json!("admin_action")));
    let all = json!(events).to_string();
    for name in ["access_token", "refresh_token"] {
        assert!(!all.contains(pair[name].as_str().unwrap().get(53..80).unwrap()));
    }
    assert!(!all.contains("\"ada\"") && !all.contains("orders:read") && !all.contains("AWS4-HMAC"));
}

/// Whatever another page can send is refused, and nothing is written.
#[tokio::test]
async fn no_other_page_reaches_the_back_office_through_it() {
    let dev = Dev::start_with(&[("CORS_ALLOW_ORIGIN", "*")]);
    let port = dev.url.rsplit(':').next().unwrap();
    let (own, block) = (dev.url.clone(), json!({"user_id": dev.login().await["user_id"]}));
    let localhost = format!("http://localhost:{port}");
    let rebound = (format!("evil.example:{port}"), format!("http://evil.example:{port}"));
    let refused: [&[(&str, &str)]; 8] = [
        &[],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("origin", "http://127.0.0.1:5173")],
        &[("origin", &localhost)],
        &[("origin", &own), ("sec-fetch-site", "cross-site")],
        &[("origin", &own), ("sec-fetch-site", "same-site")],
        &[("origin", &own), ("origin", "https://evil.example")],
    ];
    for headers in refused {
        let request =
            headers.iter().fold(dev.office(Method::POST, "/admin/blocks", &block), |request, (name, value)| request.header(*name, *value));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{headers:?}");
        assert!(!answer.headers().contains_key("access-control-allow-origin"), "{headers:?}");
    }
    let rebinding = dev.office(Method::POST, "/admin/blocks", &block).header("host", &rebound.0).header("origin", &rebound.1);
    assert_eq!(rebinding.send().await.unwrap().status(), StatusCode::MISDIRECTED_REQUEST);

    // A page asks first whether it may send JSON. Only the API's routes say yes.
    let preflight =
        dev.http.request(Method::OPTIONS, format!("{own}/_console/signed/admin/blocks")).header("origin", "https://evil.example");
    let preflight = preflight.header("access-control-request-method", "POST").send().await.unwrap();
    assert_eq!(preflight.status(), StatusCode::NOT_FOUND);

    // A form needs no preflight, and the back office takes none, not even the own page's.
    let form = dev.http.post(format!("{own}/_console/signed/admin/blocks")).header("origin", &own).header("content-type", "text/plain");
    assert_eq!(form.body(block.to_string()).send().await.unwrap().status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(dev.login().await["user_id"], block["user_id"], "the user isn't blocked");
}

/// Only what the back office has is signed, and only for the methods whose origin a browser names.
#[tokio::test]
async fn nothing_but_the_back_office_is_signed() {
    let dev = Dev::start();
    for (method, path) in [
        (Method::GET, "/admin/hashes/tBHClmdOpk1ZbOb3Unuv47cy6W6Dx79qYryZT5IJOOY"),
        (Method::DELETE, "/admin/logins"),
        (Method::POST, "/login"),
        (Method::POST, "/"),
    ] {
        let answer = dev.page_sends(method.clone(), path, json!({})).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{method} {path}");
    }
    // The gateway routes the path as it was signed, and has no such routes.
    for path in ["/admin/..%2flogin", "/admin/none"] {
        assert_eq!(dev.page_sends(Method::POST, path, json!({})).await.status(), StatusCode::FORBIDDEN, "{path}");
    }
    let large = dev.page_sends(Method::POST, "/admin/logins", json!({"user_id": "x".repeat(5000)})).await;
    let problem: Value = large.json().await.unwrap();
    assert_eq!(problem["code"], "payload_too_large", "the back office's own answer");
    let larger = dev.page_sends(Method::POST, "/admin/logins", json!({"user_id": "x".repeat(70_000)})).await;
    assert_eq!(larger.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

/// The page has nothing to sign with, and its requests to the back office need a signature like any other's.
#[tokio::test]
async fn the_page_holds_no_credentials() {
    let dev = Dev::start();
    let (_, key) = dev.dynamodb();
    for path in ["/", "/_console/about.json", "/_console/main.js", "/_console/office.js", "/_console/actions.js"] {
        assert!(!dev.get(path).await.text().await.unwrap().contains(&key), "{path}");
    }
    let unsigned = dev.http.post(format!("{}/admin/blocks", dev.url)).header("origin", &dev.url).json(&json!({"user_id": "ada"}));
    assert_eq!(unsigned.send().await.unwrap().status(), StatusCode::FORBIDDEN);
}
