//! The permissions of the functions against their use. Every test runs the functions with their permissions in
//! template.yaml, so a missing one fails some test. The test here takes every path that needs a permission, so it finds
//! unused ones.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::{error::ProvideErrorMetadata as _, types::AttributeValue};
use chrono::TimeDelta;
use latchkey::{
    clock::rfc3339,
    entropy::Random,
    import::{ImportRow, ImportedSession},
    operations::import_session,
    store::Store,
};
use latchkey_cli::{
    dev::{BACK_OFFICE, DEMO_PASSWORD, DEMO_USER, TEMPLATE},
    template::{Permission, permissions},
};
use latchkey_tests::service::{Pair, Service, send};
use serde_json::json;

use crate::password_change::{OLD_HASH, OLD_PASSWORD, update_user};

const FUNCTIONS: [&str; 5] = ["admin", "authorizer", "login", "refresh", "sessions"];

/// With a back office and these parameters.
fn given(parameters: &[(&str, &str)]) -> BTreeSet<Permission> {
    let parameters = BACK_OFFICE.iter().chain(parameters).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    permissions(TEMPLATE, &parameters.collect()).unwrap()
}

#[tokio::test]
async fn the_functions_may_do_what_they_do_and_nothing_else() {
    for imported in ["false", "true"] {
        let service = Service::start_by(&[("AcceptImportedTokens", imported)], &[]).await;
        start(&service).await;
        log_in_in_every_way(&service).await;
        end_in_every_way(&service).await;
        reuse(&service).await;
        use_the_back_office(&service).await;
        if imported == "true" {
            use_imported_tokens(&service).await;
        }
        let (given, used) = (of_tables(service.guard.given()), service.guard.used());
        assert_eq!(used.difference(&given).collect::<Vec<_>>(), <[&Permission; 0]>::default(), "missing");
        assert_eq!(given.difference(&used).collect::<Vec<_>>(), <[&Permission; 0]>::default(), "unused, imported: {imported}");
    }
}

fn of_tables(permissions: &BTreeSet<Permission>) -> BTreeSet<Permission> {
    permissions.iter().filter(|one| one.action.starts_with("dynamodb:")).cloned().collect()
}

/// A stolen role of the authorizer may read sessions, and mark them as used. It may not write anything else.
#[test]
fn the_authorizer_writes_one_attribute_only() {
    let given = given(&[]);
    let writes: Vec<_> = given
        .iter()
        .filter(|one| one.function == "authorizer" && one.action.starts_with("dynamodb:") && one.action != "dynamodb:Query")
        .map(|one| (&*one.action, &*one.resource, &one.attributes[..]))
        .collect();
    let attributes = ["user_key", "sk", "used_replay_until"].map(str::to_owned);
    assert_eq!(writes, [("dynamodb:UpdateItem", "SessionsTable.Arn", &attributes[..])]);
}

/// Lambda writes the log with the function's role.
#[test]
fn each_function_writes_to_its_own_log_group_only() {
    let given = given(&[]);
    let logs: BTreeSet<_> = given.difference(&of_tables(&given)).cloned().collect();
    let own = |(function, group): (&str, &str)| {
        ["logs:CreateLogStream", "logs:PutLogEvents"].map(|action| Permission {
            function: function.to_owned(),
            action: action.to_owned(),
            resource: format!("{group}.Arn"),
            attributes: Vec::new(),
            conditional: false,
        })
    };
    let groups = [
        ("admin", "AdminLogs"),
        ("authorizer", "AuthorizerLogs"),
        ("login", "LoginLogs"),
        ("refresh", "RefreshLogs"),
        ("sessions", "SessionsLogs"),
    ];
    assert_eq!(logs, groups.into_iter().flat_map(own).collect());
}

/// X-Ray has no resources, so these two are the only permissions on everything, and only where the stack is traced.
#[test]
fn traces_are_written_where_they_are_made() {
    let traced = given(&[("Tracing", "Active")]);
    let more: Vec<_> = traced.difference(&given(&[])).cloned().collect();
    let to_all: Vec<_> = traced.iter().filter(|one| one.resource.contains('*')).cloned().collect();
    assert_eq!(more, to_all);
    let actions: BTreeSet<_> = more.iter().map(|one| &*one.action).collect();
    assert_eq!((more.len(), actions), (10, ["xray:PutTelemetryRecords", "xray:PutTraceSegments"].into()));
}

/// The calls of each `main` before its first event.
async fn start(service: &Service) {
    for function in FUNCTIONS {
        let client = service.database.tapped(&service.tap.of_function(function, &service.guard));
        Store::new(client, service.database.table("SessionsTable")).warm_up().await.unwrap();
    }
}

/// With a wrong password, with an outdated hash, after another login, and in place of one.
async fn log_in_in_every_way(service: &Service) {
    let log_in = async |password: &str, device_id: Option<&str>| {
        service.login_with(&json!({"username": DEMO_USER, "password": password, "device_id": device_id})).await.status
    };
    let current = service.database.items("UsersTable").await[0]["password_hash"].as_s().unwrap().clone();
    update_user(service, "password_hash", OLD_HASH).await;
    assert_eq!(log_in("wrong", None).await, 401);
    assert_eq!(log_in(OLD_PASSWORD, None).await, 200);
    update_user(service, "password_hash", &current).await;
    for _ in 0..2 {
        assert_eq!(log_in(DEMO_PASSWORD, Some("0123456789abcdef")).await, 200);
    }
}

async fn end_in_every_way(service: &Service) {
    let delete = |path: &str, access: &str| send(service.request("DELETE", path).bearer_auth(access));
    let (pair, other) = (service.login().await, service.login().await);
    let pair = Pair::of(&service.refresh(&pair.refresh).await);
    service.assert_allowed(&pair.access).await;
    assert_eq!(send(service.request("GET", "/sessions").bearer_auth(&pair.access)).await.status, 200);
    assert_eq!(delete(&format!("/sessions/{}", other.login_id), &pair.access).await.status, 204);
    assert_eq!(delete("/sessions?keep=current", &pair.access).await.status, 204);
    assert_eq!(service.logout(&pair.refresh).await.status, 204);
    assert_eq!(delete("/sessions", &service.login().await.access).await.status, 204);
}

async fn reuse(service: &Service) {
    let pair = service.login().await;
    let next = Pair::of(&service.refresh(&pair.refresh).await);
    service.assert_allowed(&next.access).await;
    service.clock.advance(TimeDelta::minutes(1));
    assert_eq!(service.refresh(&pair.refresh).await.status, 401);
    service.assert_refused(&next.access).await;
}

/// Each of its routes, and a first use that an introspection marks.
async fn use_the_back_office(service: &Service) {
    let (pair, other) = (service.login().await, service.login().await);
    let next = Pair::of(&service.refresh(&pair.refresh).await);
    assert_eq!(service.introspect(&next.access).await.body["active"], true);
    let user_id = service.database.items("UsersTable").await[0]["user_id"].as_s().unwrap().clone();
    for _ in 0..2 {
        // The second replaces the first, and is checked against it.
        let body = json!({"user_id": user_id, "device_id": "0123456789abcdef"});
        assert_eq!(service.admin("/admin/logins", &body).await.status, 200);
    }
    let hash = service.request("GET", "/admin/hashes/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    assert_eq!(service.admin_sends(hash).await.status, 404);
    assert_eq!(service.admin("/admin/logins/search", &json!({"user_id": user_id})).await.status, 200);
    assert_eq!(service.admin("/admin/logins/end", &json!({"user_id": user_id, "login_id": other.login_id})).await.status, 204);
    assert_eq!(service.admin("/admin/users/end-all", &json!({"user_id": user_id})).await.body, json!({"ended": 2}));
    assert_eq!(service.admin("/admin/blocks", &json!({"user_id": user_id})).await.body, json!({"ended": 0}));
    assert_eq!(service.admin("/admin/blocks/lift", &json!({"user_id": user_id})).await.status, 204);
    let ada = json!({"username": "ada", "password": "violin gravel postcode heron"});
    assert_eq!(service.admin("/admin/users", &ada).await.status, 200);
    assert_eq!(service.admin("/admin/users/search", &json!({})).await.status, 200);
    assert_eq!(service.admin("/admin/users/show", &json!({"username": "ada"})).await.status, 200);
    let disabled = json!({"username": "ada", "status": "disabled"});
    assert_eq!(service.admin_puts("/admin/users/status", &disabled).await.body, json!({"ended": 0}));
    assert_eq!(service.admin("/admin/users/remove", &json!({"username": "ada"})).await.status, 204);
}

async fn use_imported_tokens(service: &Service) {
    let (access_token, refresh_token, now) = ("theirs-access-0123456789", "theirs-refresh-0123456789", service.clock.now());
    let (access_token_expires_at, refresh_token_expires_at) = (&*rfc3339(now + TimeDelta::minutes(4)), &*rfc3339(now + TimeDelta::days(6)));
    let row = ImportRow { user_id: "ada", access_token, refresh_token, access_token_expires_at, refresh_token_expires_at };
    let store = Store::new(service.database.client.clone(), service.database.table("SessionsTable"));
    import_session(&store, &ImportedSession::parse(row).unwrap(), now, &Random::system()).await.unwrap();
    service.assert_allowed(access_token).await;
    let pair = Pair::of(&service.refresh(refresh_token).await);
    assert_eq!(service.logout(access_token).await.status, 204);
    service.assert_refused(&pair.access).await;
}

/// The control: in these tests a call without permission is denied.
#[tokio::test]
async fn what_is_not_given_is_refused() {
    let service = Service::start(&[]).await;
    let client = service.database.tapped(&service.tap.of_function("authorizer", &service.guard));
    let table = service.database.table("LoginAttemptsTable");
    let key = |key: &str| AttributeValue::S(key.to_owned());
    let refused = client.put_item().table_name(table).item("subject", key("a")).send().await.unwrap_err();
    assert_eq!(refused.code(), Some("AccessDeniedException"));
    let query = client.query().table_name(service.database.table("SessionsTable")).index_name("access_token");
    let query = query.key_condition_expression("access_token_hash = :a").expression_attribute_values(":a", key("a"));
    assert_eq!(query.send().await.unwrap_err().code(), Some("AccessDeniedException"), "no imported tokens, no index");
    assert!(service.database.items("LoginAttemptsTable").await.is_empty());
}

/// Tables encrypted with the team's own key: each function may use the key through DynamoDB only.
#[test]
fn a_key_of_ones_own_is_for_dynamodb_to_use() {
    const KEY: &str = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    let (without, with) = (given(&[]), given(&[("TableKeyArn", KEY)]));
    let more: BTreeSet<_> = with.difference(&without).cloned().collect();
    let unwrap = |function: &str| Permission {
        function: function.to_owned(),
        action: "kms:Decrypt".to_owned(),
        resource: KEY.to_owned(),
        attributes: Vec::new(),
        conditional: true,
    };
    assert_eq!(more, FUNCTIONS.map(unwrap).into());
    assert!(without.is_subset(&with) && without.iter().all(|one| !one.action.starts_with("kms:") && !one.conditional));
    assert!(with.iter().all(|one| !format!("{one:?}").contains('*')), "no wildcard");
}
