//! The users, by the back office.

use aws_sdk_dynamodb::types::AttributeValue;
use latchkey_cli::dev::{DEMO_PASSWORD, DEMO_USER};
use latchkey_tests::service::{Answer, Pair, Service};
use serde_json::{Value, json};

const PASSWORD: &str = "violin gravel postcode heron";
const OTHER: &str = "candle orbit mustard fjord";

async fn login(service: &Service, username: &str, password: &str) -> Answer {
    service.login_with(&json!({"username": username, "password": password})).await
}

async fn create(service: &Service, body: Value) -> Answer {
    service.admin("/admin/users", &body).await
}

#[tokio::test]
async fn a_user_signs_up_and_logs_in() {
    let service = Service::start(&[]).await;
    let created = create(&service, json!({"username": "Ada", "password": PASSWORD})).await;
    assert_eq!((created.status, &created.body["username"], &created.body["status"]), (200, &json!("ada"), &json!("active")));
    let answer = login(&service, "ada", PASSWORD).await;
    assert_eq!(answer.body["user_id"], created.body["user_id"]);
    assert_eq!(create(&service, json!({"username": "ada", "password": PASSWORD})).await.outcome(), (409, "username_taken"));
    for (password, detail) in [("too short", "needs at least 15"), ("passwordpassword", "easy to guess")] {
        let weak = create(&service, json!({"username": "grace", "password": password})).await;
        assert_eq!(weak.outcome(), (400, "weak_password"));
        assert!(weak.body["detail"].as_str().unwrap().contains(detail));
    }
    for wrong in [json!({"username": "p\u{430}ypal", "password": PASSWORD}), json!({"username": "grace"}), json!({"x": 1})] {
        assert_eq!(create(&service, wrong).await.outcome(), (400, "invalid_request"));
    }
}

/// 14.5: a role that may sign users up must not log in as anyone who is there.
#[tokio::test]
async fn an_id_is_given_once() {
    let service = Service::start(&[]).await;
    let taken = login(&service, DEMO_USER, DEMO_PASSWORD).await.body["user_id"].clone();
    let mallory = json!({"username": "mallory", "password": PASSWORD, "user_id": taken});
    assert_eq!(create(&service, mallory).await.outcome(), (409, "user_id_taken"));
    // An id that has logins and no user: it is free.
    let issued = Pair::of(&service.issue("u-1").await);
    let ada = json!({"username": "ada", "password": PASSWORD, "user_id": "u-1"});
    assert_eq!(create(&service, ada).await.body["user_id"], "u-1");
    service.assert_allowed(&issued.access).await;
    let mallory = json!({"username": "mallory", "password": PASSWORD, "user_id": "u-1"});
    assert_eq!(create(&service, mallory.clone()).await.outcome(), (409, "user_id_taken"));
    assert_eq!(service.admin("/admin/users/remove", &json!({"username": "ada"})).await.status, 204);
    assert_eq!(create(&service, mallory).await.outcome(), (409, "user_id_taken"), "a removed user's id is blocked");
    assert_eq!(service.issue("u-1").await.outcome(), (403, "user_blocked"));
}

/// One read and one query, by name; by id the query comes first.
#[tokio::test]
async fn a_user_is_shown_by_name_and_by_id() {
    let service = Service::start(&[]).await;
    login(&service, DEMO_USER, DEMO_PASSWORD).await;
    let _ = service.tap.take_calls();
    let by_name = service.admin("/admin/users/show", &json!({"username": DEMO_USER})).await;
    assert_eq!(service.tap.take_calls(), ["GetItem", "Query"]);
    assert_eq!((&by_name.body["logins"], &by_name.body["blocked_at"]), (&json!(1), &json!(null)));
    let by_id = service.admin("/admin/users/show", &json!({"user_id": by_name.body["user_id"]})).await;
    assert_eq!(service.tap.take_calls(), ["Query", "GetItem"]);
    assert_eq!(by_id.body, by_name.body);
    service.issue("u-1").await;
    let issued = service.admin("/admin/users/show", &json!({"user_id": "u-1"})).await;
    assert_eq!((&issued.body["username"], &issued.body["logins"]), (&json!(null), &json!(1)));
    for unknown in [json!({"username": "nobody"}), json!({"user_id": "nobody"})] {
        assert_eq!(service.admin("/admin/users/show", &unknown).await.outcome(), (404, "not_found"));
    }
    for wrong in [json!({}), json!({"username": "demo", "user_id": "u-1"})] {
        assert_eq!(service.admin("/admin/users/show", &wrong).await.outcome(), (400, "invalid_request"));
    }
}

#[tokio::test]
async fn users_are_listed_page_by_page() {
    let service = Service::start(&[]).await;
    for n in 0..4 {
        assert_eq!(create(&service, json!({"username": format!("user{n}"), "password": PASSWORD})).await.status, 200);
    }
    let mut bad = service.database.items("UsersTable").await.remove(0);
    bad.insert("username".into(), AttributeValue::S("damaged".into()));
    bad.insert("password_hash".into(), AttributeValue::S("no hash".into()));
    service.database.client.put_item().table_name(service.database.table("UsersTable")).set_item(Some(bad)).send().await.unwrap();

    let (mut names, mut unreadable, mut after) = (Vec::new(), Vec::new(), Value::Null);
    loop {
        let body = if after.is_null() { json!({"limit": 2}) } else { json!({"limit": 2, "after": after}) };
        let page = service.admin("/admin/users/search", &body).await;
        let users = page.body["users"].as_array().unwrap();
        unreadable.extend(page.body["unreadable"].as_array().unwrap().clone());
        assert!(users.len() <= 2);
        names.extend(users.iter().map(|user| user["username"].as_str().unwrap().to_owned()));
        after = page.body["next"].clone();
        if after.is_null() {
            break;
        }
    }
    names.sort_unstable();
    assert_eq!((names, unreadable), (["demo", "user0", "user1", "user2", "user3"].map(str::to_owned).into(), vec![json!("damaged")]));
    for wrong in [json!({"limit": 0}), json!({"limit": 101}), json!({"after": ""}), json!({"user_id": "u"})] {
        assert_eq!(service.admin("/admin/users/search", &wrong).await.outcome(), (400, "invalid_request"), "{wrong}");
    }
}

/// G9 and G11: what ends logins ends them all.
#[tokio::test]
async fn a_password_a_status_and_a_removal_end_every_login() {
    let service = Service::start(&[]).await;
    create(&service, json!({"username": "ada", "password": PASSWORD})).await;
    let first = Pair::of(&login(&service, "ada", PASSWORD).await);
    let set = service.admin_puts("/admin/users/password", &json!({"username": "ada", "new_password": OTHER})).await;
    assert_eq!(set.body, json!({"ended": 1}));
    service.assert_refused(&first.access).await;
    assert_eq!(login(&service, "ada", PASSWORD).await.status, 401);

    let second = Pair::of(&login(&service, "ada", OTHER).await);
    let status = |status: &str| json!({"username": "ada", "status": status});
    assert_eq!(service.admin_puts("/admin/users/status", &status("active")).await.body, json!({"ended": 0}));
    service.assert_allowed(&second.access).await;
    assert_eq!(service.admin_puts("/admin/users/status", &status("disabled")).await.body, json!({"ended": 1}));
    service.assert_refused(&second.access).await;
    assert_eq!(login(&service, "ada", OTHER).await.status, 401);
    assert_eq!(service.admin_puts("/admin/users/status", &status("active")).await.status, 200);

    let third = Pair::of(&login(&service, "ada", OTHER).await);
    assert_eq!(service.admin("/admin/users/remove", &json!({"username": "ada"})).await.status, 204);
    service.assert_refused(&third.access).await;
    assert_eq!(service.admin("/admin/users/remove", &json!({"username": "ada"})).await.outcome(), (404, "not_found"));
    for (path, body) in
        [("/admin/users/password", json!({"username": "ada", "new_password": OTHER})), ("/admin/users/status", status("disabled"))]
    {
        assert_eq!(service.admin_puts(path, &body).await.outcome(), (404, "not_found"), "{path}");
    }
    assert_eq!(service.admin_puts("/admin/users/status", &status("gone")).await.outcome(), (400, "invalid_request"));
    let weak = service.admin_puts("/admin/users/password", &json!({"username": DEMO_USER, "new_password": "short"})).await;
    assert_eq!(weak.outcome(), (400, "weak_password"));
}
