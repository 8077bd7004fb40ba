//! L6: a login is written only if its user is still in the state that the request read.

use aws_sdk_dynamodb::types::AttributeValue;
use latchkey_cli::dev::{DEMO_PASSWORD, DEMO_USER, accounts};
use latchkey_tests::given::hash_of;
use latchkey_tests::service::{ParseUsername as _, Service};
use serde_json::json;

pub(crate) const OLD_PASSWORD: &str = "old password of the demo user";
/// The password's hash by Argon2id with other costs than a new hash has, within bounds.
pub(crate) const OLD_HASH: &str = "$argon2id$v=19$m=9216,t=1,p=1$MTIzNDU2Nzg5MDEyMzQ1Ng$jTnIvODA9U49lN6dBSJvFdazC8NLvPd1yvLGScRomMc";

pub(crate) async fn update_user(service: &Service, name: &str, value: &str) {
    let update = service.database.client.update_item().table_name(service.database.table("UsersTable"));
    update
        .key("username", AttributeValue::S(DEMO_USER.into()))
        .update_expression("SET #name = :value ADD version :one")
        .expression_attribute_names("#name", name)
        .expression_attribute_values(":value", AttributeValue::S(value.into()))
        .expression_attribute_values(":one", AttributeValue::N("1".into()))
        .send()
        .await
        .unwrap();
}

pub(crate) async fn set_status(service: &Service, status: &str) {
    update_user(service, "status", status).await;
}

pub(crate) async fn add_user(service: &Service, name: &str, password: &str) {
    let accounts = accounts(&service.database.client, &service.database.template);
    latchkey_cli::users::add_user(&accounts, name.parse_username(), hash_of(password), None).await.unwrap();
}

async fn set_password(service: &Service, password: &str) {
    update_user(service, "password_hash", hash_of(password).as_str()).await;
}

/// Logs in, and runs `meanwhile` after the reads and before the write.
async fn login_while(service: &Service, meanwhile: impl AsyncFnOnce()) -> (u16, String) {
    let mut transaction = service.tap.hold("TransactWriteItems");
    let login = tokio::spawn({
        let service = service.clone();
        async move { service.login_with(&json!({"username": DEMO_USER, "password": DEMO_PASSWORD})).await }
    });
    transaction.reached().await;
    meanwhile().await;
    transaction.release();
    let answer = login.await.unwrap();
    (answer.status, answer.code().to_owned())
}

#[tokio::test]
async fn a_login_whose_password_changed_underneath_does_not_come_to_be() {
    let service = Service::start(&[]).await;
    let outcome = login_while(&service, async || set_password(&service, "another password entirely").await).await;
    assert_eq!(outcome, (401, "invalid_credentials".to_owned()));
    assert_eq!(service.database.sort_keys().await, ["!user"]);
}

#[tokio::test]
async fn a_login_of_a_user_disabled_underneath_does_not_come_to_be() {
    let service = Service::start(&[]).await;
    let outcome = login_while(&service, async || set_status(&service, "disabled").await).await;
    assert_eq!(outcome, (401, "invalid_credentials".to_owned()));
    assert_eq!(service.database.sort_keys().await, ["!user"]);
}

/// The same password is set again: the function verifies it again and creates one login.
#[tokio::test]
async fn a_login_whose_password_was_set_again_is_verified_again() {
    let service = Service::start(&[]).await;
    let outcome = login_while(&service, async || set_password(&service, DEMO_PASSWORD).await).await;
    assert_eq!(outcome.0, 200);
    assert_eq!(service.database.sort_keys().await.len(), 3);
}

/// Two logins read the same register: the second to write reads again, and both are created.
#[tokio::test]
async fn a_login_overtaken_by_another_comes_to_be_as_well() {
    let service = Service::start(&[]).await;
    let other = service.clone();
    let outcome = login_while(&service, async || drop(other.login().await)).await;
    assert_eq!(outcome.0, 200);
    assert_eq!(service.database.sort_keys().await.len(), 5);
}

/// A hash with older parameters is replaced at the next login, and the password stays the same.
#[tokio::test]
async fn an_old_hash_is_brought_up_to_date_at_login() {
    let service = Service::start(&[]).await;
    update_user(&service, "password_hash", OLD_HASH).await;
    let login = json!({"username": DEMO_USER, "password": OLD_PASSWORD});
    assert_eq!(service.login_with(&login).await.status, 200);
    let stored = service.database.items("UsersTable").await[0]["password_hash"].as_s().unwrap().clone();
    assert!(stored.starts_with("$argon2id$v=19$m=8192,t=1,p=1$"), "{stored}");
    assert_eq!(service.login_with(&login).await.status, 200);
}
