//! `latchkey users`.

use aws_sdk_dynamodb::types::AttributeValue;
use latchkey::{throttle::Subjects, username::Username};
use latchkey_cli::dev::{DEMO_PASSWORD, DEMO_USER};
use latchkey_tests::{
    database::Database,
    service::{Pair, Service},
};
use serde_json::json;

use crate::run::latchkey;

const PASSWORD: &str = "violin gravel postcode heron\n";

#[tokio::test]
async fn a_user_is_added_once_and_listed() {
    let database = Database::new().await;
    let added = latchkey(&database, "users add Ada --password-stdin --json", PASSWORD).await;
    added.assert_done();
    let ada = &added.json()[0];
    assert_eq!((&ada["username"], &ada["status"]), (&json!("ada"), &json!("active")));
    latchkey(&database, "users add ada --password-stdin", PASSWORD).await.assert_refused(5, "there is a user ada already");
    latchkey(&database, "users add berta --password-stdin", PASSWORD).await.assert_done();

    let listed = latchkey(&database, "users list --json", "").await;
    assert_eq!(listed.json()[0], *ada);
    let table = latchkey(&database, "users list", "").await.stdout;
    let mut lines = table.lines();
    assert_eq!(lines.next().unwrap().split_whitespace().collect::<Vec<_>>(), ["NAME", "USER", "ID", "STATUS", "CREATED"]);
    let columns: Vec<_> = lines.next().unwrap().split("  ").filter(|cell| !cell.is_empty()).collect();
    assert_eq!(columns[..3], ["ada", ada["user_id"].as_str().unwrap(), "active"]);
}

/// Length and guessability, no rules on composition: NIST SP 800-63B-4, section 3.1.1.2.
#[tokio::test]
async fn what_is_no_name_or_no_good_password_is_refused() {
    let database = Database::new().await;
    let add = |name: &'static str, password: &'static str| {
        let database = database.clone();
        async move { latchkey(&database, &format!("users add {name} --password-stdin"), password).await }
    };
    add("ada", "fourteen chars\n").await.assert_refused(2, "needs at least 15");
    add("ada", "passwordpassword\n").await.assert_refused(2, "easy to guess");
    add("p\u{430}ypal", PASSWORD).await.assert_refused(2, "one script");
    latchkey(&database, "users add ada", "").await.assert_refused(2, "--password-stdin");
    latchkey(&database, "users", "").await.assert_refused(2, "Usage");
    let none = latchkey(&database, "users list", "").await;
    assert_eq!((none.code, none.stdout.as_str(), none.stderr.as_str()), (0, "", "there are no users\n"));
}

#[tokio::test]
async fn a_user_is_shown_by_name_and_by_id() {
    let service = Service::start(&[]).await;
    let database = &service.database;
    service.login().await;
    let by_name = latchkey(database, "users show demo --json", "").await.json().remove(0);
    assert_eq!((&by_name["status"], &by_name["blocked_at"], &by_name["logins"]), (&json!("active"), &json!(null), &json!(1)));
    let id = by_name["user_id"].as_str().unwrap();
    assert_eq!(latchkey(database, &format!("users show --user-id {id} --json"), "").await.json(), std::slice::from_ref(&by_name));
    latchkey(database, "users disable demo --yes", "").await.assert_done();
    let text = latchkey(database, "users show demo", "").await.stdout;
    let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
    assert_eq!((value("user id"), value("status"), value("live logins")), (id.to_owned(), "disabled".to_owned(), "0".to_owned()));
    assert!(value("blocked").starts_with("since 2"), "{text}");

    latchkey(database, "users show nobody", "").await.assert_refused(3, "there is no user nobody");
    latchkey(database, "users show --user-id demo", "").await.assert_refused(3, "no user has the id demo");
    for wrong in ["users show", "users show demo --user-id x"] {
        latchkey(database, wrong, "").await.assert_refused(2, "Usage");
    }
    // An id whose logins the back office issued: there is no user with it.
    assert_eq!(service.issue("u-1").await.status, 200);
    let issued = latchkey(database, "users show --user-id u-1 --json", "").await.json().remove(0);
    assert_eq!((&issued["username"], &issued["user_id"], &issued["logins"]), (&json!(null), &json!("u-1"), &json!(1)));
}

/// A row of another software's, or a damaged one.
#[tokio::test]
async fn a_row_that_cant_be_read_is_named_and_hides_no_other() {
    let database = Database::new().await;
    for name in ["ada", "grace"] {
        latchkey(&database, &format!("users add {name} --password-stdin"), PASSWORD).await.assert_done();
    }
    let mut bad = database.items("UsersTable").await.remove(0);
    bad.insert("username".into(), AttributeValue::S("berta".into()));
    bad.insert("password_hash".into(), AttributeValue::S("no hash at all".into()));
    database.client.put_item().table_name(database.table("UsersTable")).set_item(Some(bad)).send().await.unwrap();

    let listed = latchkey(&database, "users list --json", "").await;
    let names: Vec<_> = listed.json().iter().map(|user| user["username"].as_str().unwrap().to_owned()).collect();
    assert_eq!((listed.code, names), (6, vec!["ada".to_owned(), "grace".to_owned()]));
    assert!(
        listed.stderr.starts_with("the user \"berta\" can't be read: user item: `password_hash` is of no form that a login verifies\n"),
        "{listed:?}"
    );
    assert!(!listed.stderr.contains("no hash at all"));
}

/// What a person may ask for, without a hash.
#[tokio::test]
async fn a_persons_data_is_exported() {
    let service = Service::start(&[]).await;
    let pair = Pair::of(&service.login_with(&json!({"username": DEMO_USER, "password": DEMO_PASSWORD, "device": "Ada’s phone"})).await);
    let exported = latchkey(&service.database, "users export demo", "").await;
    let data: serde_json::Value = serde_json::from_str(&exported.stdout).unwrap();
    assert_eq!((&data["user"]["username"], &data["user"]["status"]), (&json!("demo"), &json!("active")));
    let items = data["sessions_table"].as_array().unwrap();
    let login = items.iter().find(|item| item["sk"] == json!(pair.login_id)).unwrap();
    assert_eq!((&login["device_name"], &login["ip"]), (&json!("Ada’s phone"), &json!("127.0.0.1")));
    assert_eq!(items.len(), 3, "the register, the login and its session");
    for secret in ["hash", "sealed", "argon2"] {
        assert!(!exported.stdout.contains(secret), "{secret}: {}", exported.stdout);
    }
    latchkey(&service.database, "users export nobody", "").await.assert_refused(3, "there is no user nobody");
}

/// A copy of the table from before: the missing users come back, those who are there stay as they are, and a removed one stays away.
#[tokio::test]
async fn missing_users_are_restored() {
    let service = Service::start(&[]).await;
    let database = &service.database;
    for name in ["ada", "grace", "removed"] {
        latchkey(database, &format!("users add {name} --password-stdin"), PASSWORD).await.assert_done();
    }
    let copy = async |item| {
        let put = database.client.put_item().table_name(format!("{}-copy", database.table("UsersTable"))).set_item(Some(item));
        put.send().await.unwrap();
    };
    let mut table = database.template.tables.iter().find(|table| table.logical_id == "UsersTable").unwrap().clone();
    table.name.push_str("-copy");
    latchkey_cli::tables::create_missing(&database.client, &[table]).await.unwrap();
    for mut item in database.items("UsersTable").await {
        copy(item.clone()).await;
        if item["username"].as_s().unwrap() == "ada" {
            let disabled = [("username", "disabled"), ("user_id", "u-disabled"), ("status", "disabled")];
            let disabled = disabled.map(|(name, value)| (name.to_owned(), AttributeValue::S(value.to_owned())));
            copy(item.clone().into_iter().chain(disabled).collect()).await;
        }
        item.insert("username".into(), AttributeValue::S(format!("damaged-{}", item["username"].as_s().unwrap())));
        item.insert("password_hash".into(), AttributeValue::S("none".into()));
        if item["username"].as_s().unwrap() == "damaged-ada" {
            copy(item).await;
        }
    }
    latchkey(database, "users remove removed --yes", "").await.assert_done();
    latchkey(database, "users set-password demo --password-stdin --yes", PASSWORD).await.assert_done();
    let lost = database.client.delete_item().table_name(database.table("UsersTable"));
    lost.key("username", AttributeValue::S("ada".into())).send().await.unwrap();

    let restore = format!("users restore --from {}-copy --json", database.table("UsersTable"));
    let restored = latchkey(database, &restore, "").await;
    assert_eq!((restored.code, restored.json()), (4, vec![json!({"restored": 2, "already_there": 2, "refused": 1, "unreadable": 1})]));
    assert!(restored.stderr.contains("removed is not restored") && restored.stderr.contains("the user \"damaged-ada\" can't be read"));
    assert!(!restored.stderr.contains("none"));
    for (name, password) in [("ada", PASSWORD), ("demo", PASSWORD)] {
        let answer = service.login_with(&json!({"username": name, "password": password.trim_end()})).await;
        assert_eq!(answer.status, 200, "{name}");
    }
    assert_eq!(service.issue("u-disabled").await.outcome(), (403, "user_blocked"), "by every door");
    let again = latchkey(database, &restore, "").await;
    assert_eq!(again.json(), [json!({"restored": 0, "already_there": 4, "refused": 1, "unreadable": 1})]);
}

/// From the `account` of a log line back to the name.
#[tokio::test]
async fn a_user_is_found_by_the_subject_of_a_log_line() {
    let service = Service::start(&[]).await;
    let database = &service.database;
    let subject = Subjects::account_pseudonym(&Username::parse(DEMO_USER).unwrap());
    let found = latchkey(database, &format!("users find --subject {subject} --json"), "").await;
    assert_eq!(found.json()[0]["username"], DEMO_USER);
    let nobody = Subjects::account_pseudonym(&Username::parse("nobody").unwrap());
    latchkey(database, &format!("users find --subject {nobody}"), "").await.assert_refused(3, "no user has this subject");
    for malformed in ["abc", "demo@example.com"] {
        latchkey(database, &format!("users find --subject {malformed}"), "").await.assert_refused(2, "--subject takes");
    }
}

#[tokio::test]
async fn disabling_ends_logins_and_asks_first() {
    let service = Service::start(&[]).await;
    let database = &service.database;
    let pair = service.login().await;
    latchkey(database, "users disable demo", "y\n").await.assert_refused(2, "pass --yes");
    service.assert_allowed(&pair.access).await;
    latchkey(database, "users disable nobody --yes", "").await.assert_refused(3, "there is no user nobody");

    let disabled = latchkey(database, "users disable demo --yes --json", "").await;
    assert_eq!((&disabled.json()[0]["status"], &disabled.json()[0]["ended_logins"]), (&json!("disabled"), &json!(1)));
    service.assert_refused(&pair.access).await;
    let login = json!({"username": DEMO_USER, "password": DEMO_PASSWORD});
    assert_eq!(service.login_with(&login).await.status, 401);
    let enabled = latchkey(database, "users enable demo", "").await;
    assert_eq!(enabled.stdout, "demo may log in; 0 of their logins ended\n");
    assert_eq!(service.login_with(&login).await.status, 200);
}

/// With all that is kept about them but a register without their id; and no token of theirs works.
#[tokio::test]
async fn a_removed_user_is_gone() {
    let service = Service::start(&[]).await;
    let database = &service.database;
    let pair = service.login().await;
    service.refresh(&pair.refresh).await;
    let other = service.login().await;
    latchkey(database, "users remove demo", "y\n").await.assert_refused(2, "pass --yes");
    service.assert_allowed(&other.access).await;
    assert_eq!(latchkey(database, "users remove demo --yes", "").await.stdout, "removed demo\n");
    service.assert_refused(&other.access).await;
    // The register keeps logins of this id out, and has neither id nor name.
    assert_eq!((database.items("UsersTable").await.len(), database.sort_keys().await), (0, vec!["!user".to_owned()]));
    assert!(!database.items("SessionsTable").await[0].contains_key("user_id"));
    latchkey(database, "users remove demo --yes", "").await.assert_refused(3, "there is no user demo");
    latchkey(database, "users add demo --password-stdin", PASSWORD).await.assert_done();
    let answer = service.login_with(&json!({"username": "demo", "password": PASSWORD.trim_end()})).await;
    service.assert_allowed(&Pair::of(&answer).access).await;
}

/// Enabling is no way to log somebody out.
#[tokio::test]
async fn enabling_an_active_user_changes_nothing() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    let enabled = latchkey(&service.database, "users enable demo", "").await;
    assert_eq!(enabled.stdout, "demo may log in already; 0 of their logins ended\n");
    service.assert_allowed(&pair.access).await;
}

#[tokio::test]
async fn attributes_are_in_every_login_from_then_on() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    let set = latchkey(&service.database, "users set-attributes demo --scope orders:read --set role=admin --set team=blue", "").await;
    assert_eq!(set.stdout, "from the next request on demo has the scope \"orders:read\", and role=admin, team=blue\n");
    let me = service.me(&pair.access).await.body;
    assert_eq!((&me["scope"], &me["attributes"]), (&json!("orders:read"), &json!({"role": "admin", "team": "blue"})));
    let set = latchkey(&service.database, "users set-attributes demo --set role=reader --json", "").await;
    let row: serde_json::Value = serde_json::from_str(&set.stdout).unwrap();
    assert_eq!((&row["scope"], &row["attributes"]), (&json!(null), &json!({"role": "reader"})));
    let me = service.me(&pair.access).await.body;
    assert_eq!((&me["scope"], &me["attributes"]), (&json!(null), &json!({"role": "reader"})));
    for (wrong, says) in [("role", "NAME=VALUE"), ("Role=x", "a-z"), ("scope=x", "reserved"), ("role=", "1 to 256 bytes")] {
        let refused = latchkey(&service.database, &format!("users set-attributes demo --set {wrong}"), "").await;
        refused.assert_refused(2, says);
    }
    latchkey(&service.database, "users set-attributes demo --set a=1 --set a=2", "").await.assert_refused(2, "given twice");
    for unclear in ["", " --none --set a=1", " --none --scope a"] {
        assert_eq!(latchkey(&service.database, &format!("users set-attributes demo{unclear}"), "").await.code, 2, "{unclear}");
    }
    assert_eq!(service.me(&pair.access).await.body["attributes"], json!({"role": "reader"}));
    let shown = latchkey(&service.database, "users show demo --json", "").await.json().remove(0);
    assert_eq!((&shown["scope"], &shown["attributes"]), (&json!(null), &json!({"role": "reader"})));
    let text = latchkey(&service.database, "users show demo", "").await.stdout;
    assert!(text.contains("scope        none\nattributes   role=reader\n"), "{text}");
    let taken = latchkey(&service.database, "users set-attributes demo --none", "").await;
    assert_eq!(taken.stdout, "from the next request on demo has no scope, and no attributes\n");
    assert_eq!(service.me(&pair.access).await.body.get("attributes"), None);
    latchkey(&service.database, "users set-attributes stranger --set a=1", "").await.assert_refused(3, "no user stranger");
}

#[tokio::test]
async fn a_new_password_ends_logins_and_asks_first() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    latchkey(&service.database, "users set-password demo --password-stdin", PASSWORD).await.assert_refused(2, "pass --yes");
    service.assert_allowed(&pair.access).await;
    let set = latchkey(&service.database, "users set-password demo --password-stdin --yes", PASSWORD).await;
    assert_eq!(set.stdout, "demo has a new password; 1 of their logins ended\n");
    service.assert_refused(&pair.access).await;
    let answer = service.login_with(&json!({"username": DEMO_USER, "password": PASSWORD.trim_end()})).await;
    service.assert_allowed(&Pair::of(&answer).access).await;
}
