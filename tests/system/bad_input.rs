//! Bad input from clients: the answers of docs/cases.md, no panic, no lost session.

use latchkey_cli::dev::{DEMO_PASSWORD, DEMO_USER};
use latchkey_tests::service::{Answer, Service, send};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use serde_json::json;

async fn with_authorization(service: &Service, method: &str, path: &str, values: &[&[u8]]) -> Answer {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
    }
    send(service.request(method, path).headers(headers)).await
}

/// B1: the scheme in any case; a token in which one character's case is changed is a different token.
#[tokio::test]
async fn the_scheme_has_any_case_and_the_token_one() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
        let value = format!("{scheme} {}", pair.access);
        assert_eq!(with_authorization(&service, "GET", "/me", &[value.as_bytes()]).await.status, 200, "{scheme}");
    }
    let place = pair.access.char_indices().skip(60).find(|(_, character)| character.is_ascii_lowercase()).unwrap().0;
    let mut other = pair.access.clone();
    other[place..=place].make_ascii_uppercase();
    service.assert_refused(&other).await;
}

/// B2, B4, B5: a header without anything like a token gets plain `Bearer`; all others get the same `invalid_token`.
#[tokio::test]
async fn headers_that_are_no_bearer_token() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    let token = pair.refresh.as_str();
    let _ = service.tap.take_calls();
    let long = [b"Bearer ".as_slice(), &vec![b'a'; 8192]].concat();
    for (value, code) in [
        (b"".to_vec(), "missing_token"),
        (b"Bearer".to_vec(), "missing_token"),
        (b"Bearer ".to_vec(), "missing_token"),
        (format!("Basic {token}").into_bytes(), "missing_token"),
        (format!("BearerX {token}").into_bytes(), "missing_token"),
        (token.as_bytes().to_vec(), "missing_token"),
        (format!("Bearer\t{token}").into_bytes(), "invalid_token"),
        (format!("Bearer\u{a0}{token}").into_bytes(), "invalid_token"),
        (format!("Bearer {token}, Bearer {token}").into_bytes(), "invalid_token"),
        (format!("Bearer \"{token}\"").into_bytes(), "invalid_token"),
        (format!("Bearer %6ckr{}", &token[3..]).into_bytes(), "invalid_token"),
        (format!("Bearer {}", &token[..255]).into_bytes(), "invalid_token"),
        (format!("Bearer {token}A").into_bytes(), "invalid_token"),
        (b"Bearer \xff\xfe".to_vec(), "invalid_token"),
        (b"Bearer a".to_vec(), "invalid_token"),
        (long, "invalid_token"),
    ] {
        for path in ["/refresh", "/logout"] {
            let answer = with_authorization(&service, "POST", path, &[&value]).await;
            assert_eq!(answer.outcome(), (401, code), "{path} {:?}", String::from_utf8_lossy(&value));
        }
        // The gateway's validation expression refuses text that isn't in the form of a token, as if nothing was sent.
        assert_eq!(with_authorization(&service, "GET", "/me", &[&value]).await.status, 401);
    }
    assert!(service.tap.take_calls().is_empty(), "no store call");
    assert_eq!(service.refresh(token).await.status, 200, "the session is intact");
}

/// B3: neither the first nor the last header wins, even if both are equal. The login lives on: a 401 would tell the app that
/// it is over.
#[tokio::test]
async fn two_credentials_in_one_request_are_refused() {
    let service = Service::start(&[]).await;
    let (one, two) = (service.login().await, service.login().await);
    let of = |token: &str| format!("Bearer {token}").into_bytes();
    let routes = [
        ("POST", "/refresh".to_owned(), &one.refresh, &two.refresh),
        ("POST", "/logout".to_owned(), &one.refresh, &two.refresh),
        ("GET", "/me".to_owned(), &one.access, &two.access),
        ("GET", "/sessions".to_owned(), &one.access, &two.access),
        ("DELETE", "/sessions".to_owned(), &one.access, &two.access),
        ("DELETE", format!("/sessions/{}", one.login_id), &one.access, &two.access),
    ];
    for (method, path, first, second) in routes {
        for values in [[of(first), of(second)], [of(second), of(first)], [of(first), of(first)]] {
            let answer = with_authorization(&service, method, &path, &[&values[0], &values[1]]).await;
            assert_eq!(answer.outcome(), (400, "invalid_request"), "{method} {path}");
            assert_eq!(answer.body["detail"], "`Authorization` is sent once", "{method} {path}");
        }
    }
    service.assert_allowed(&one.access).await;
    service.assert_allowed(&two.access).await;
    assert_eq!(service.refresh(&one.refresh).await.status, 200);
}

/// B4: a token in the query or the body counts as absent.
#[tokio::test]
async fn a_token_belongs_in_the_header() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    let query = send(service.request("POST", &format!("/refresh?access_token={}", pair.refresh))).await;
    assert_eq!(query.outcome(), (401, "missing_token"));
    let body = send(service.request("POST", "/refresh").json(&json!({"refresh_token": pair.refresh}))).await;
    assert_eq!(body.outcome(), (401, "missing_token"));
    assert_eq!(send(service.request("GET", "/me")).await.headers["www-authenticate"], "Bearer");
}

/// K1: a refresh token as access token, and the reverse.
#[tokio::test]
async fn one_kind_is_not_the_other() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    service.assert_refused(&pair.refresh).await;
    assert_eq!(service.refresh(&pair.access).await.outcome(), (401, "invalid_token"));
    let items = service.database.items("SessionsTable").await;
    let hash = items.iter().find_map(|item| item.get("refresh_token_hash")).unwrap().as_s().unwrap();
    for thing in [hash, &pair.login_id] {
        assert_eq!(service.refresh(thing).await.status, 401);
        assert_eq!(service.me(thing).await.status, 401);
    }
    service.assert_allowed(&pair.access).await;
}

/// K6: a login takes a name and a password from its client, and no ids.
#[tokio::test]
async fn ids_and_expiries_in_a_body_are_ignored() {
    let service = Service::start(&[]).await;
    let wish = "AAAAAAAAAAAAAAAAAAAAAA";
    let body = json!({
        "username": DEMO_USER, "password": DEMO_PASSWORD, "user_id": wish, "login_id": wish,
        "access_token_expires_at": "2999-01-01T00:00:00.000Z", "generation": 7,
    });
    let answer = service.login_with(&body).await;
    assert_eq!(answer.status, 200);
    assert!(answer.body["user_id"] != wish && answer.body["login_id"] != wish);
    assert!(!answer.text.contains("2999"));
}

/// A4: identity comes only from the authorizer.
#[tokio::test]
async fn identity_headers_are_not_identity() {
    let service = Service::start(&[]).await;
    let answer = send(service.request("GET", "/me").header("x-user-id", "root").header("x-amzn-authorizer", "root")).await;
    assert_eq!(answer.status, 401);
    let pair = service.login().await;
    let me = send(service.request("GET", "/me").bearer_auth(&pair.access).header("user_id", "root").header("login_id", "root")).await;
    assert_eq!(me.body["login_id"], pair.login_id.as_str());
}

/// J1, J3, A5: through the gateway.
#[tokio::test]
async fn bodies_that_are_no_login() {
    let service = Service::start(&[]).await;
    let _ = service.tap.take_calls();
    let post =
        |content_type: &'static str, body: Vec<u8>| send(service.request("POST", "/login").header("content-type", content_type).body(body));
    for (body, expected) in [
        (b"".to_vec(), 400),
        (b"[]".to_vec(), 400),
        (br#"["demo","x"]"#.to_vec(), 400),
        (br#"{"username":"demo"}"#.to_vec(), 400),
        (br#"{"username":"demo","username":"demo","password":"x"}"#.to_vec(), 400),
        (br#"{"username":"demo","password":"\ud800"}"#.to_vec(), 400),
        (b"{\"username\":\"demo\",\"password\":\"\xff\xfe\"}".to_vec(), 400),
        (vec![b'['; 4096], 400),
        (vec![b' '; 4097], 413),
        (vec![b'x'; 1 << 20], 413),
    ] {
        assert_eq!(post("application/json", body).await.status, expected);
    }
    let right = json!({"username": DEMO_USER, "password": DEMO_PASSWORD}).to_string().into_bytes();
    assert_eq!(post("text/plain", right.clone()).await.outcome(), (415, "unsupported_media_type"));
    assert!(service.tap.take_calls().is_empty(), "no store call");
    assert_eq!(post("application/json; charset=utf-8", right).await.status, 200);
}

/// L1: a refused login doesn't say why.
#[tokio::test]
async fn unknown_users_wrong_passwords_and_disabled_users_get_one_answer() {
    let service = Service::start(&[]).await;
    let answer = |username: &'static str, password: &'static str| {
        let service = service.clone();
        async move {
            let mut answer = service.login_with(&json!({"username": username, "password": password})).await;
            for varying in ["date", "x-amzn-requestid", "x-amz-apigw-id"] {
                answer.headers.remove(varying);
            }
            (answer.status, answer.headers, answer.text)
        }
    };
    let wrong = answer("demo", "wrong").await;
    assert_eq!(wrong.0, 401);
    assert_eq!(answer("nobody", "wrong").await, wrong);
    super::password_change::set_status(&service, "disabled").await;
    assert_eq!(answer("demo", DEMO_PASSWORD).await, wrong);
}

/// A function that panics on these inputs would answer 503, and clients would retry.
#[tokio::test]
async fn a_host_or_a_query_of_which_there_is_no_url() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    for host in ["[", "a:99999", "%zz"] {
        assert_eq!(send(service.request("GET", "/me").bearer_auth(&pair.access).header("host", host)).await.status, 200, "{host}");
    }
    let long = format!("/sessions?after={}", "(".repeat(30_000));
    assert_eq!(send(service.request("GET", &long).bearer_auth(&pair.access)).await.outcome(), (400, "invalid_request"));
}

#[tokio::test]
async fn there_is_nothing_elsewhere() {
    let service = Service::start(&[]).await;
    for (method, path) in [("GET", "/"), ("GET", "/login"), ("DELETE", "/me"), ("GET", "/me/x"), ("PUT", "/refresh")] {
        assert_eq!(send(service.request(method, path)).await.outcome(), (404, "not_found"), "{method} {path}");
    }
}

/// Path and query together, as API Gateway counts them; the local gateway takes more.
#[tokio::test]
async fn a_request_line_longer_than_any_of_api_gateways_is_refused() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    for (bytes, status) in [(10_240, 200), (10_241, 400)] {
        let value = "v".repeat(bytes - "/sessions".len() - "q".len());
        let answer = send(service.request("GET", &format!("/sessions?q={value}")).bearer_auth(&pair.access)).await;
        assert_eq!(answer.status, status, "{bytes} bytes");
    }
}
