//! The back office: what its callers can do, and what they can't.

use chrono::TimeDelta;
use latchkey::{
    clock::rfc3339,
    token::{AccessToken, RefreshToken},
};
use latchkey_cli::{
    dev::{DEMO_PASSWORD, DEMO_USER},
    linked,
};
use latchkey_tests::{
    back_office::{principal, signed},
    database::TEST_LIMITS,
    given::given,
    service::{Answer, Pair, Service, exchange},
    tap::Line,
};
use serde_json::{Value, json};

pub(crate) const ISSUE: &str = "/admin/logins";
pub(crate) const BLOCK: &str = "/admin/blocks";
pub(crate) const LIFT: &str = "/admin/blocks/lift";
pub(crate) const SEARCH: &str = "/admin/logins/search";
const END: &str = "/admin/logins/end";
pub(crate) const END_ALL: &str = "/admin/users/end-all";

/// The id of the demo user.
pub(crate) async fn user_id(service: &Service) -> String {
    service.database.items("UsersTable").await[0]["user_id"].as_s().unwrap().clone()
}

pub(crate) fn login_ids(answer: &Answer) -> Vec<&str> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.body["logins"].as_array().unwrap().iter().map(|row| row["login_id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn support_lists_and_ends_logins() {
    let service = Service::start(&[]).await;
    let body = json!({"username": DEMO_USER, "password": DEMO_PASSWORD, "device": "Ada’s phone"});
    let first = Pair::of(&service.login_with(&body).await);
    service.clock.advance(TimeDelta::seconds(1));
    let second = service.login().await;
    let user_id = user_id(&service).await;

    let answer = service.admin(SEARCH, &json!({"user_id": user_id})).await;
    assert_eq!(login_ids(&answer), [&second.login_id, &first.login_id]);
    assert_eq!(answer.headers["cache-control"], "no-store");
    let at = rfc3339(service.clock.now() - TimeDelta::seconds(1));
    assert_eq!(
        answer.body["logins"][1],
        json!({
            "login_id": first.login_id, "device": "Ada’s phone", "user_agent": null, "ip": "127.0.0.1", "logged_in_at": at,
            "last_refreshed_at": at, "expires_at": rfc3339(first.refresh_expires_at),
        })
    );
    let page = service.admin(SEARCH, &json!({"user_id": user_id, "limit": 1})).await;
    let next = service.admin(SEARCH, &json!({"user_id": user_id, "limit": 1, "after": page.body["next"]})).await;
    assert_eq!((login_ids(&page), login_ids(&next), &next.body["next"]), (vec![&*second.login_id], vec![&*first.login_id], &Value::Null));

    assert_eq!(service.admin(END, &json!({"user_id": user_id, "login_id": first.login_id})).await.status, 204);
    service.assert_refused(&first.access).await;
    service.assert_allowed(&second.access).await;
    assert_eq!(service.admin(END_ALL, &json!({"user_id": user_id})).await.body, json!({"ended": 1}));
    service.assert_refused(&second.access).await;
    assert_eq!(service.admin(END_ALL, &json!({"user_id": user_id})).await.body, json!({"ended": 0}));
}

/// A misspelt id must not look like success.
#[tokio::test]
async fn what_is_unknown_is_404_and_changes_nothing() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    let user_id = user_id(&service).await;
    let before = service.database.items("SessionsTable").await;
    for (path, body) in [
        (END, json!({"user_id": "another", "login_id": pair.login_id})),
        (END, json!({"user_id": user_id, "login_id": "0123456789012345678901"})),
        (END_ALL, json!({"user_id": "another"})),
        (LIFT, json!({"user_id": "another"})),
    ] {
        assert_eq!(service.admin(path, &body).await.outcome(), (404, "not_found"), "{path} {body}");
    }
    let hash = service.request("GET", "/admin/hashes/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    assert_eq!(service.admin_sends(hash).await.outcome(), (404, "not_found"));
    assert_eq!(login_ids(&service.admin(SEARCH, &json!({"user_id": "another"})).await), <[&str; 0]>::default());
    assert_eq!(service.database.items("SessionsTable").await.len(), before.len());
    service.assert_allowed(&pair.access).await;
}

/// An unknown member may be a misspelt restriction, and a missing `login_id` must not end every login.
#[tokio::test]
async fn bad_input_is_400_and_costs_no_call() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    let user_id = user_id(&service).await;
    let _ = service.tap.take_calls();
    let long = "u".repeat(129);
    let id = "0123456789012345678901";
    for (path, body) in [
        (SEARCH, json!({})),
        (SEARCH, json!({"user_id": ""})),
        (SEARCH, json!({"user_id": long})),
        (SEARCH, json!({"user_id": 7})),
        (SEARCH, json!({"user_id": null})),
        (SEARCH, json!([user_id])),
        (SEARCH, json!({"user_id": user_id, "limit": 0})),
        (SEARCH, json!({"user_id": user_id, "limit": 101})),
        (SEARCH, json!({"user_id": user_id, "limit": "5"})),
        (SEARCH, json!({"user_id": user_id, "after": "x"})),
        (SEARCH, json!({"user_id": user_id, "username": "demo"})),
        (END, json!({"user_id": user_id})),
        (END, json!({"user_id": user_id, "login_id": ""})),
        (END, json!({"user_id": user_id, "login_id": null})),
        (END, json!({"user_id": user_id, "login_id": "short"})),
        (END, json!({"user_id": user_id, "login_id": id, "keep": "current"})),
        (END, json!({"user_id": "", "login_id": id})),
        (END, json!({"user_id": long, "login_id": id})),
        (END_ALL, json!({"user_id": ""})),
        (END_ALL, json!({"user_id": long})),
        (END_ALL, json!({"user_id": user_id, "login_id": id})),
        (END_ALL, json!({"user_id": user_id, "keep": id})),
        (BLOCK, json!({"user_id": ""})),
        (BLOCK, json!({"user_id": long})),
        (BLOCK, json!({"user_id": user_id, "until": "2027-01-01T00:00:00Z"})),
        (LIFT, json!({"user_id": ""})),
        (LIFT, json!({"user_id": long})),
        (LIFT, json!({"user_id": user_id, "reason": "x"})),
        (ISSUE, json!({"device_id": id})),
        (ISSUE, json!({"user_id": "", "device_id": id})),
        (ISSUE, json!({"user_id": long, "device_id": id})),
        (ISSUE, json!({"user_id": user_id})),
        (ISSUE, json!({"user_id": user_id, "device_id": "x".repeat(257)})),
        (ISSUE, json!({"user_id": user_id, "device_id": id, "ip": "localhost"})),
        (ISSUE, json!({"user_id": user_id, "device_id": id, "lifetime": 59})),
        (ISSUE, json!({"user_id": user_id, "device_id": id, "lifetime": -1})),
        (ISSUE, json!({"user_id": user_id, "device_id": id, "lifetime": "8h"})),
        (ISSUE, json!({"user_id": user_id, "device_id": id, "lifetime": 315_360_001})),
        (ISSUE, json!({"user_id": user_id, "device_id": id, "life_time": 60})),
        (ISSUE, json!({"user_id": user_id, "device_id": id, "auths": {"time": 1}})),
        (ISSUE, json!({"user_id": user_id, "device_id": id, "act": "support"})),
    ] {
        let answer = service.admin(path, &body).await;
        assert_eq!(answer.outcome(), (400, "invalid_request"), "{path} {body}");
        assert!(!answer.text.contains(&user_id), "{path} {body}: quoted");
    }
    let twice = format!(r#"{{"user_id":"a","user_id":{}}}"#, json!(user_id));
    let raw = |body: &str| service.request("POST", END_ALL).header("content-type", "application/json").body(body.to_owned());
    for body in ["", "{", "\"a\"", "null", &twice] {
        assert_eq!(service.admin_sends(raw(body)).await.outcome(), (400, "invalid_request"), "{body}");
    }
    let query = service.request("POST", &format!("{END_ALL}?user_id=another")).json(&json!({"user_id": user_id}));
    assert_eq!(service.admin_sends(query).await.outcome(), (400, "invalid_request"), "ids in the query");
    let text = service.request("POST", END_ALL).body(json!({"user_id": user_id}).to_string());
    assert_eq!(service.admin_sends(text).await.outcome(), (415, "unsupported_media_type"));
    let large = raw(&format!(r#"{{"user_id":"a"{}}}"#, " ".repeat(4096)));
    assert_eq!(service.admin_sends(large).await.outcome(), (413, "payload_too_large"));
    for hash in ["short", &pair.access, "012345678901234567890123456789012345678901!"] {
        let request = service.request("GET", &format!("/admin/hashes/{hash}"));
        assert_eq!(service.admin_sends(request).await.outcome(), (400, "invalid_request"), "{hash}");
    }
    assert_eq!(service.tap.take_calls(), <[String; 0]>::default());
    service.assert_allowed(&pair.access).await;
}

/// RFC 7662, section 2.2.
#[tokio::test]
async fn an_introspection_says_what_an_api_needs_to_know() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    let answer = service.introspect(&pair.access).await;
    assert_eq!((answer.status, answer.headers["cache-control"].to_str().unwrap()), (200, "no-store"));
    let issued_at = service.clock.now().timestamp();
    assert_eq!(
        answer.body,
        json!({
            "active": true, "sub": user_id(&service).await, "exp": pair.access_expires_at.timestamp(), "iat": issued_at,
            "token_type": "Bearer", "sid": pair.login_id,
        })
    );
    service.clock.advance(TimeDelta::minutes(5));
    assert_eq!(service.introspect(&pair.access).await.body, json!({"active": false}), "expired");
    let next = Pair::of(&service.refresh(&pair.refresh).await);
    assert_eq!(service.introspect(&next.access).await.body["active"], true);
    assert_eq!(service.logout(&next.access).await.status, 204);
    assert_eq!(service.introspect(&next.access).await.body, json!({"active": false}), "ended");
}

/// Who can read the log or the table has hashes, not tokens. What isn't an access token costs no call.
#[tokio::test]
async fn rubbish_refresh_tokens_and_hashes_are_inactive() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    let hash = AccessToken::parse(&pair.access).unwrap().hash().to_text();
    let _ = service.tap.take_calls();
    for token in ["", "rubbish", &pair.refresh, &hash, &pair.access[..255], &format!("{}A", pair.access), "%20", "%00%FF"] {
        let answer = service.introspect(token).await;
        assert_eq!((answer.status, &answer.body), (200, &json!({"active": false})), "{token}");
    }
    for form in ["", "token_type_hint=access_token", "token=a&token=a"] {
        let request = service.request("POST", "/admin/introspect").header("content-type", "application/x-www-form-urlencoded");
        assert_eq!(service.admin_sends(request.body(form)).await.outcome(), (400, "invalid_request"), "{form}");
    }
    assert_eq!(service.admin("/admin/introspect", &json!({"token": pair.access})).await.outcome(), (400, "invalid_request"));
    assert_eq!(service.tap.take_calls(), <[String; 0]>::default());
}

/// A service that only introspects uses the tokens too: the token before stops being answered one window later.
#[tokio::test]
async fn an_introspection_marks_the_first_use() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    let next = Pair::of(&service.refresh(&pair.refresh).await);
    assert_eq!(service.introspect(&next.access).await.body["active"], true);
    service.clock.advance(TimeDelta::minutes(1));
    assert_eq!(service.refresh(&pair.refresh).await.outcome(), (401, "invalid_token"), "reuse");
    assert_eq!(service.introspect(&next.access).await.body, json!({"active": false}), "the login was ended");
}

/// G5: an outage is never "inactive".
#[tokio::test]
async fn an_outage_is_503() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    let user_id = user_id(&service).await;
    service.tap.set_line(Line::Refused);
    assert_eq!(service.introspect(&pair.access).await.outcome(), (503, "unavailable"));
    for (path, body) in [
        (SEARCH, json!({"user_id": user_id})),
        (END, json!({"user_id": user_id, "login_id": pair.login_id})),
        (END_ALL, json!({"user_id": user_id})),
        (BLOCK, json!({"user_id": user_id})),
        (LIFT, json!({"user_id": user_id})),
        (ISSUE, json!({"user_id": user_id, "device_id": "0123456789abcdef"})),
    ] {
        assert_eq!(service.admin(path, &body).await.outcome(), (503, "unavailable"), "{path}");
    }
    let hash = service.request("GET", "/admin/hashes/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    assert_eq!(service.admin_sends(hash).await.outcome(), (503, "unavailable"));
    service.tap.set_line(Line::Open);
    service.assert_allowed(&pair.access).await;
}

#[tokio::test]
async fn a_hash_leads_to_its_login() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    let user_id = user_id(&service).await;
    let find = async |hash: String| service.admin_sends(service.request("GET", &format!("/admin/hashes/{hash}"))).await;
    let row = |token: &str, expires_at| {
        json!({"holders": [{
            "user_id": user_id, "login_id": pair.login_id, "generation": 0, "token": token, "standing": "live", "expires_at": expires_at,
        }]})
    };
    let access = find(AccessToken::parse(&pair.access).unwrap().hash().to_text()).await;
    assert_eq!(access.body, row("access_token", rfc3339(pair.access_expires_at)));
    let refresh = find(RefreshToken::parse(&pair.refresh).unwrap().hash().to_text()).await;
    assert_eq!(refresh.body, row("refresh_token", rfc3339(pair.refresh_expires_at)));
}

/// As API Gateway answers a request that isn't signed, or not as it should be.
#[tokio::test]
async fn without_a_valid_signature_there_is_no_answer() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    let _ = service.tap.take_calls();
    let credentials = principal().credentials;
    let request = || service.request("POST", SEARCH).json(&json!({"user_id": "a"}));
    let (now, minutes) = (service.clock.now(), TimeDelta::minutes);
    let other_secret = aws_credential_types::Credentials::new(credentials.access_key_id(), "another", None, None, "test");
    let other_key = aws_credential_types::Credentials::new("AKIDOTHER", credentials.secret_access_key(), None, None, "test");
    let with_token = aws_credential_types::Credentials::new(
        credentials.access_key_id(),
        credentials.secret_access_key(),
        Some("a session's".to_owned()),
        None,
        "test",
    );
    for (what, request, error, message) in [
        ("unsigned", request(), "MissingAuthenticationTokenException", "Missing Authentication Token"),
        ("a token of an app", request().bearer_auth(&pair.access), "IncompleteSignatureException", "Authorization header requires"),
        ("wrong secret", signed(request(), &other_secret, now), "InvalidSignatureException", "The request signature we calculated"),
        ("wrong key", signed(request(), &other_key, now), "UnrecognizedClientException", "The security token included"),
        ("a session token", signed(request(), &with_token, now), "UnrecognizedClientException", "The security token included"),
        ("late", signed(request(), &credentials, now - minutes(6)), "InvalidSignatureException", "Signature expired"),
        ("early", signed(request(), &credentials, now + minutes(6)), "InvalidSignatureException", "Signature not yet current"),
        (
            "another body",
            signed(request(), &credentials, now).body(r#"{"user_id":"b"}"#),
            "InvalidSignatureException",
            "The request signature we calculated",
        ),
    ] {
        let answer = exchange(request).await;
        assert_eq!((answer.status, answer.headers["x-amzn-errortype"].to_str().unwrap()), (403, error), "{what}");
        assert_eq!(answer.headers["content-type"], "application/json", "{what}");
        assert!(answer.body["message"].as_str().unwrap().starts_with(message), "{what}: {}", answer.text);
        assert!(!answer.text.contains(&pair.access[..20]), "{what}: quoted");
    }
    let unknown = service.admin("/admin/nothing", &json!({})).await;
    assert_eq!((unknown.status, &unknown.body), (403, &json!({"message": "Missing Authentication Token"})), "an unknown path");
    assert_eq!(service.tap.take_calls(), <[String; 0]>::default());
    assert_eq!(exchange(signed(request(), &credentials, now - minutes(4))).await.status, 200);
}

/// Their tokens open nothing in the back office, and its signatures nothing in the API.
#[tokio::test]
async fn the_two_apis_admit_by_their_own_credentials_only() {
    let service = Service::start(&[]).await;
    let me = exchange(signed(service.request("GET", "/me"), &principal().credentials, service.clock.now())).await;
    assert_eq!(me.outcome(), (401, "missing_token"));
}

/// Then the API has lost its authorization, and every caller would be let in.
#[tokio::test]
async fn an_event_without_a_caller_is_500() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    let user_id = user_id(&service).await;
    let client = |_| service.database.client.clone();
    let clock = service.clock.clock();
    let functions = linked::functions(client, &service.database.template, &|_| None, &given(clock, TEST_LIMITS)).unwrap();
    let answer = async |identity: Value| {
        let event = json!({
            "resource": END_ALL, "path": END_ALL, "httpMethod": "POST", "isBase64Encoded": false,
            "headers": {"content-type": "application/json"}, "multiValueHeaders": {"content-type": ["application/json"]},
            "requestContext": {"resourcePath": END_ALL, "httpMethod": "POST", "requestId": "r", "identity": identity},
            "body": json!({"user_id": user_id}).to_string(),
        });
        functions.invoke("admin", event, TEST_LIMITS.request).await.unwrap()["statusCode"].clone()
    };
    for identity in [json!({}), json!({"userArn": null}), json!({"userArn": ""}), json!({"caller": "AROAEXAMPLE:a"})] {
        assert_eq!(answer(identity.clone()).await, 500, "{identity}");
    }
    service.assert_allowed(&pair.access).await;
    assert_eq!(answer(json!({"userArn": principal().arn})).await, 200);
    service.assert_refused(&pair.access).await;
}
