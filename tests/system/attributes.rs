//! Attributes: what changes them, and what every request sees of them from the answer on.

use chrono::TimeDelta;
use latchkey::{
    entropy::Random,
    ids::UserKey,
    import::{ImportRow, ImportedSession},
    model::{Attributes, Register},
    operations::{ImportOutcome, finish_attributes, import_session},
    store::Store,
};
use latchkey_tests::{
    back_office::{principal, signed},
    service::{Answer, Pair, Service, send},
    tap::{Fault, Reach, Rule},
};
use serde_json::{Value, json};

const SET: &str = "/admin/attributes";
const CHANGE: &str = "/admin/logins/attributes";
const IMPERSONATE: &str = "/admin/impersonations";
const ISSUE: &str = "/admin/logins";

async fn sends(service: &Service, method: &str, path: &str, body: &Value) -> Answer {
    send(signed(service.request(method, path).json(body), &principal().credentials, service.clock.now())).await
}

async fn set(service: &Service, user_id: &str, attributes: Value) {
    set_all(service, &json!({"user_id": user_id, "attributes": attributes})).await;
}

pub(crate) async fn set_all(service: &Service, body: &Value) {
    let answer = sends(service, "PUT", SET, body).await;
    assert_eq!(answer.status, 204, "{}", answer.text);
}

async fn user_id(service: &Service) -> String {
    service.database.items("UsersTable").await[0]["user_id"].as_s().unwrap().clone()
}

/// What `GET /me` says of the caller's attributes.
async fn attributes(service: &Service, access: &str) -> Value {
    let answer = service.me(access).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.body["attributes"].clone()
}

fn store(service: &Service) -> Store {
    Store::new(service.database.client.clone(), service.database.table("SessionsTable"))
}

async fn register(service: &Service, user_id: &str) -> Register {
    store(service).read_register(&UserKey::of(user_id)).await.unwrap().unwrap()
}

async fn issued(service: &Service, body: Value) -> Pair {
    let mut body = body;
    body["device_id"] = json!(uuid::Uuid::new_v4().simple().to_string());
    Pair::of(&service.admin(ISSUE, &body).await)
}

#[tokio::test]
async fn a_changed_role_holds_from_the_next_request_on() {
    let service = Service::start(&[]).await;
    let (before, user_id) = (service.login().await, user_id(&service).await);
    assert_eq!(attributes(&service, &before.access).await, Value::Null);
    set(&service, &user_id, json!({"role": "reader"})).await;
    assert_eq!(attributes(&service, &before.access).await, json!({"role": "reader"}));
    let after = service.login().await;
    for role in ["admin", "none"] {
        set(&service, &user_id, json!({"role": role})).await;
        for pair in [&before, &after] {
            assert_eq!(attributes(&service, &pair.access).await, json!({"role": role}));
        }
    }
    let refreshed = Pair::of(&service.refresh(&before.refresh).await);
    assert_eq!(attributes(&service, &refreshed.access).await, json!({"role": "none"}));
    set(&service, &user_id, json!({})).await;
    assert_eq!(attributes(&service, &refreshed.access).await, Value::Null);
    assert_eq!(register(&service, &user_id).await.attributes_pending, None);
}

/// A role may be given before the first login: then there is no register yet.
#[tokio::test]
async fn a_user_who_never_logged_in_can_have_attributes() {
    let service = Service::start(&[]).await;
    let user_id = user_id(&service).await;
    set(&service, &user_id, json!({"role": "reader"})).await;
    let pair = service.login().await;
    assert_eq!(attributes(&service, &pair.access).await, json!({"role": "reader"}));

    let row = ImportRow {
        user_id: &user_id,
        access_token: "access-0123456789",
        refresh_token: "refresh-0123456789",
        access_token_expires_at: "2126-11-30T16:25:09Z",
        refresh_token_expires_at: "2126-11-30T16:25:09Z",
    };
    let (session, random) = (ImportedSession::parse(row).unwrap(), Random::system());
    let imported = import_session(&store(&service), &session, service.clock.now(), &random).await;
    assert_eq!(imported, Ok(ImportOutcome::Imported));
    let copies = service.database.sort_keys().await.into_iter().filter(|sk| sk.ends_with("#attributes")).count();
    assert_eq!(copies, 2, "the login's, and the imported one's");
}

/// Each place that tells the API who is asking tells the same, in its own types.
#[tokio::test]
async fn attributes_reach_the_api_in_every_form() {
    let service = Service::start(&[]).await;
    let time = service.clock.now().timestamp();
    set(&service, "ada", json!({"role": "reader"})).await;
    let auth = json!({"time": time, "amr": ["pwd", "otp"], "acr": "urn:example:mfa"});
    let own = json!({"user_id": "ada", "scope": "a b", "auth": auth, "attributes": {"tenant": "t1", "role": "admin"}});
    let pair = issued(&service, own).await;
    let together = json!({"role": "reader", "tenant": "t1"});

    let me = service.me(&pair.access).await.body;
    let told = ["scope", "auth_time", "amr", "acr", "act", "attributes"].map(|name| me[name].clone());
    assert_eq!(told, [json!("a b"), json!(time), json!(["pwd", "otp"]), json!("urn:example:mfa"), Value::Null, together.clone()]);

    let introspected = service.introspect(&pair.access).await.body;
    let told = ["scope", "auth_time", "amr", "acr", "act", "attributes"].map(|name| introspected[name].clone());
    assert_eq!(told, [json!("a b"), json!(time), json!(["pwd", "otp"]), json!("urn:example:mfa"), Value::Null, together]);
}

#[tokio::test]
async fn a_step_up_changes_one_login_alone() {
    let service = Service::start(&[]).await;
    let (first, second) = (issued(&service, json!({"user_id": "ada"})).await, issued(&service, json!({"user_id": "ada"})).await);
    let time = service.clock.now().timestamp();
    let change = async |body: Value| {
        let mut body = body;
        (body["user_id"], body["login_id"]) = (json!("ada"), json!(first.login_id));
        sends(&service, "PATCH", CHANGE, &body).await.outcome().0
    };
    assert_eq!(change(json!({"auth": {"time": time, "amr": ["otp"]}, "scope": "a", "attributes": {"x": "1", "y": "2"}})).await, 204);
    let me = service.me(&first.access).await.body;
    assert_eq!((&me["auth_time"], &me["scope"], &me["attributes"]), (&json!(time), &json!("a"), &json!({"x": "1", "y": "2"})));
    assert_eq!(service.me(&second.access).await.body["auth_time"], Value::Null);

    // What isn't sent stays, and what is null is removed.
    assert_eq!(change(json!({"attributes": {"x": null}})).await, 204);
    let me = service.me(&first.access).await.body;
    assert_eq!((&me["auth_time"], &me["scope"], &me["attributes"]), (&json!(time), &json!("a"), &json!({"y": "2"})));
    assert_eq!(change(json!({"scope": null})).await, 204);
    assert_eq!(service.me(&first.access).await.body["scope"], Value::Null);

    // The user's win over the login's own, and leave the others.
    set(&service, "ada", json!({"y": "user's"})).await;
    let me = service.me(&first.access).await.body;
    assert_eq!((&me["auth_time"], &me["attributes"]), (&json!(time), &json!({"y": "user's"})));
    let unknown = json!({"user_id": "ada", "login_id": "0123456789-_abcdefghiw"});
    assert_eq!(sends(&service, "PATCH", CHANGE, &unknown).await.outcome(), (404, "not_found"));
}

#[tokio::test]
async fn what_breaks_a_rule_is_answered_with_what_to_do_and_writes_nothing() {
    let service = Service::start(&[]).await;
    let pair = issued(&service, json!({"user_id": "ada", "attributes": {"role": "reader"}})).await;
    let many: serde_json::Map<String, Value> = (0..17).map(|number| (format!("name_{number}"), json!("x"))).collect();
    let large = json!({"a": "x".repeat(256), "b": "x".repeat(256), "c": "x".repeat(256)});
    let future = service.clock.now().timestamp() + 61;
    let before = service.database.items("SessionsTable").await;
    let wrong = [
        (json!({"attributes": many}), "16"),
        (json!({"attributes": {"Role": "x"}}), "a-z"),
        (json!({"attributes": {"scope": "x"}}), "reserved"),
        (json!({"attributes": {"role": ""}}), "1 to 256 bytes"),
        (json!({"attributes": {"role": "a\nb"}}), "control characters"),
        (json!({"attributes": large}), "700 bytes"),
        (json!({"scope": "a  b"}), "scope"),
        (json!({"scopes": "a"}), "nothing else"),
        (json!({"attributes": {"role": 1}}), "nothing else"),
    ];
    let of_login = [
        (json!({"auth": {"time": future}}), "clock"),
        (json!({"auth": {"time": 1, "amr": ["a b"]}}), "amr"),
        (json!({"auth": {"time": 1, "acr": ""}}), "acr"),
        (json!({"auth": {"time": 1, "method": "x"}}), "nothing else"),
    ];
    let refused = async |method: &str, path: &str, body: &Value, hint: &str, more: Value| {
        let mut body = body.clone();
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = sends(&service, method, path, &body).await;
        assert_eq!(answer.outcome(), (400, "invalid_request"), "{path} {body}");
        assert!(answer.body["detail"].as_str().unwrap().contains(hint), "{path} {body}: {}", answer.text);
    };
    for (body, hint) in &wrong {
        refused("PUT", SET, body, hint, json!({"user_id": "ada"})).await;
    }
    for (body, hint) in wrong.iter().chain(&of_login) {
        refused("PATCH", CHANGE, body, hint, json!({"user_id": "ada", "login_id": pair.login_id})).await;
        refused("POST", ISSUE, body, hint, json!({"user_id": "ada", "device_id": "phone"})).await;
        refused("POST", IMPERSONATE, body, hint, json!({"user_id": "ada", "act": "support"})).await;
    }
    for act in ["", &"a".repeat(129)] {
        refused("POST", IMPERSONATE, &json!({}), "actor", json!({"user_id": "ada", "act": act})).await;
    }
    // Of two values one would be taken, and the other might be the restriction.
    let twice = r#""attributes":{"role":"reader","role":"admin"}"#;
    let login_id = format!(r#""login_id":"{}","#, pair.login_id);
    for (method, path, more) in [
        ("PUT", SET, ""),
        ("PATCH", CHANGE, login_id.as_str()),
        ("POST", ISSUE, r#""device_id":"phone","#),
        ("POST", IMPERSONATE, r#""act":"a","#),
    ] {
        let body = format!(r#"{{"user_id":"ada",{more}{twice}}}"#);
        let request = service.request(method, path).header("content-type", "application/json").body(body);
        let answer = service.admin_sends(request).await;
        assert_eq!(answer.outcome(), (400, "invalid_request"), "{path}");
        assert!(answer.body["detail"].as_str().unwrap().contains("each name once"), "{path}: {}", answer.text);
    }
    assert_eq!(service.database.items("SessionsTable").await, before);

    // A user's and a login's have to fit together.
    let large = json!({"a": "x".repeat(200), "b": "x".repeat(200)});
    set(&service, "ada", large).await;
    let more = json!({"attributes": {"c": "x".repeat(256), "d": "x".repeat(50)}});
    refused("PATCH", CHANGE, &more, "together", json!({"user_id": "ada", "login_id": pair.login_id})).await;
    refused("POST", ISSUE, &more, "together", json!({"user_id": "ada", "device_id": "phone"})).await;
}

/// A caller that stops half way leaves the register pending. The next login finishes it, and so does a call of its own.
#[tokio::test]
async fn an_unfinished_change_is_503_and_the_next_login_finishes_it() {
    let service = Service::start(&[]).await;
    let user_id = user_id(&service).await;
    let (first, second) = (service.login().await, service.login().await);
    set(&service, &user_id, json!({"role": "admin"})).await;
    for finisher in ["a login", "doctor", "the same call"] {
        // The register is written, and the first copy isn't.
        let fault = Fault::Error(400, "AccessDeniedException");
        service.tap.arm(vec![Rule { operation: "UpdateItem", nth: 2, reach: Reach::OneCall, fault }]);
        let body = json!({"user_id": user_id, "attributes": {"role": finisher}});
        let answer = sends(&service, "PUT", SET, &body).await;
        drop(service.tap.disarm());
        assert_eq!((answer.outcome(), &answer.body["retryable"]), ((503, "unavailable"), &json!(true)), "{finisher}");
        assert!(register(&service, &user_id).await.attributes_pending.is_some());
        match finisher {
            "a login" => drop(service.login().await),
            "doctor" => assert_eq!(finish_attributes(&store(&service), &UserKey::of(&user_id), &Random::system()).await, Ok(true)),
            _ => assert_eq!(sends(&service, "PUT", SET, &body).await.status, 204),
        }
        for pair in [&first, &second] {
            assert_eq!(attributes(&service, &pair.access).await, json!({"role": finisher}), "{finisher}");
        }
        assert_eq!(register(&service, &user_id).await.attributes_pending, None, "{finisher}");
    }
    assert_eq!(finish_attributes(&store(&service), &UserKey::of(&user_id), &Random::system()).await, Ok(false));
}

/// A read in mid-commit of a login sees the login and not its attributes. Once more; and then it is an outage, never "none".
#[tokio::test]
async fn announced_attributes_that_are_not_seen_are_an_outage() {
    let service = Service::start(&[]).await;
    let pair = issued(&service, json!({"user_id": "ada", "scope": "a"})).await;
    let key = service.database.items("SessionsTable").await.into_iter().find(|item| item["sk"].as_s().unwrap().ends_with("#attributes"));
    let key = key.unwrap().into_iter().filter(|(name, _)| ["user_key", "sk"].contains(&name.as_str())).collect();
    let client = &service.database.client;
    let delete = client.delete_item().table_name(service.database.table("SessionsTable")).set_key(Some(key));
    delete.send().await.unwrap();
    service.tap.arm(Vec::new());
    assert_eq!(service.me(&pair.access).await.outcome(), (503, "unavailable"));
    assert_eq!(service.tap.disarm().len(), 2, "read once more");
    assert_eq!(service.introspect(&pair.access).await.outcome(), (503, "unavailable"));
    // A token that is refused anyhow is refused.
    let next = Pair::of(&service.refresh(&pair.refresh).await);
    assert_eq!(service.me(&pair.access).await.status, 401);
    assert_eq!(service.me(&next.access).await.status, 503);
}

/// DynamoDB collects an item at any time after its `ttl`.
#[tokio::test]
async fn a_login_that_lives_on_by_refreshing_keeps_its_attributes() {
    let service = Service::start(&[]).await;
    let mut pair = issued(&service, json!({"user_id": "ada", "scope": "a"})).await;
    let (client, table) = (&service.database.client, service.database.table("SessionsTable"));
    for day in 0..100 {
        service.clock.advance(TimeDelta::days(1));
        pair = Pair::of(&service.refresh(&pair.refresh).await);
        let now = service.clock.now().timestamp();
        for item in service.database.items("SessionsTable").await {
            let is_old = item.get("ttl").is_some_and(|ttl| ttl.as_n().unwrap().parse::<i64>().unwrap() < now);
            if is_old {
                let key = item.into_iter().filter(|(name, _)| ["user_key", "sk"].contains(&name.as_str())).collect();
                client.delete_item().table_name(table).set_key(Some(key)).send().await.unwrap();
            }
        }
        assert_eq!(service.me(&pair.access).await.body["scope"], "a", "day {day}");
    }
}

/// The items of a login that is gone are gone with it: by a logout, a replacement, an eviction and an end of all.
#[tokio::test]
async fn an_end_sweeps_the_attributes() {
    let service = Service::start(&[("MAX_SESSIONS_PER_USER", "1")]).await;
    let copies = async || service.database.sort_keys().await.into_iter().filter(|sk| sk.ends_with("#attributes")).count();
    let evicted = issued(&service, json!({"user_id": "ada", "scope": "a"})).await;
    let pair = issued(&service, json!({"user_id": "ada", "scope": "b"})).await;
    service.assert_refused(&evicted.access).await;
    assert_eq!(copies().await, 1);
    assert_eq!(service.logout(&pair.access).await.status, 204);
    assert_eq!(copies().await, 0);

    let service = Service::start(&[]).await;
    let copies = async || service.database.sort_keys().await.into_iter().filter(|sk| sk.ends_with("#attributes")).count();
    let body = json!({"user_id": "ada", "scope": "a", "device_id": "one and the same"});
    for _ in 0..2 {
        assert_eq!(service.admin(ISSUE, &body).await.status, 200);
    }
    assert_eq!(copies().await, 1, "replaced");
    issued(&service, json!({"user_id": "ada", "scope": "a"})).await;
    assert_eq!(service.admin("/admin/users/end-all", &json!({"user_id": "ada"})).await.body, json!({"ended": 2}));
    assert_eq!(copies().await, 0);
    let stored = register(&service, "ada").await;
    assert_eq!(stored.attributes, Attributes::default(), "a login's own are no user's");
}

#[tokio::test]
async fn an_impersonation_is_short_visible_and_ends_nothing() {
    let service = Service::start(&[("MAX_SESSIONS_PER_USER", "1")]).await;
    let theirs = service.login().await;
    let user_id = user_id(&service).await;
    let answer = service.admin(IMPERSONATE, &json!({"user_id": user_id, "act": "support-7", "device": "Support"})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.body.get("refresh_token"), None);
    let access = answer.body["access_token"].as_str().unwrap().to_owned();

    let me = service.me(&access).await.body;
    assert_eq!((&me["user_id"], &me["act"]), (&json!(user_id), &json!("support-7")));
    assert_eq!(service.introspect(&access).await.body["act"], json!({"sub": "support-7"}));
    // It counts against no limit, also for the user's next login.
    service.assert_allowed(&theirs.access).await;
    let again = service.login().await;
    service.assert_allowed(&access).await;
    service.assert_refused(&theirs.access).await;

    let list = send(service.request("GET", "/sessions").bearer_auth(&again.access)).await.body;
    let shown: Vec<_> = list["sessions"].as_array().unwrap().iter().map(|row| row["impersonation"].clone()).collect();
    assert!(shown.contains(&json!(true)) && shown.contains(&Value::Null), "{list}");
    for path in ["/sessions".to_owned(), "/sessions?keep=current".to_owned(), format!("/sessions/{}", again.login_id)] {
        let refused = send(service.request("DELETE", &path).bearer_auth(&access)).await;
        assert_eq!(refused.outcome(), (403, "impersonation"), "{path}");
    }
    service.assert_allowed(&again.access).await;

    service.clock.advance(TimeDelta::minutes(30) - TimeDelta::seconds(1));
    assert_eq!(service.me(&access).await.status, 200);
    service.clock.advance(TimeDelta::seconds(1));
    service.assert_refused(&access).await;

    for (body, outcome) in [
        (json!({"user_id": user_id}), (400, "invalid_request")),
        (json!({"user_id": user_id, "act": "a", "lifetime": 1801}), (400, "invalid_request")),
        (json!({"user_id": user_id, "act": "a", "device_id": "phone"}), (400, "invalid_request")),
    ] {
        assert_eq!(service.admin(IMPERSONATE, &body).await.outcome(), outcome, "{body}");
    }
    let answer = service.admin(IMPERSONATE, &json!({"user_id": user_id, "act": "a"})).await;
    let access = answer.body["access_token"].as_str().unwrap().to_owned();
    assert_eq!(service.logout(&access).await.status, 204, "it may end itself");
    service.assert_refused(&access).await;
    let answer = service.admin(IMPERSONATE, &json!({"user_id": user_id, "act": "a"})).await;
    let access = answer.body["access_token"].as_str().unwrap().to_owned();
    assert_eq!(service.admin("/admin/blocks", &json!({"user_id": user_id})).await.status, 200);
    service.assert_refused(&access).await;
    assert_eq!(service.admin(IMPERSONATE, &json!({"user_id": user_id, "act": "a"})).await.outcome(), (403, "user_blocked"));
}
