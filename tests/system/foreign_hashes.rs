//! Users with the password hashes of another system: the first right password replaces the hash, and no refusal shows who has one.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use latchkey::{
    entropy::Random,
    limits::Limits,
    password::{ForeignHash, Hasher, Hints, PasswordHash},
};
use latchkey_cli::dev::DEMO_USER;
use latchkey_tests::service::Service;
use serde_json::json;

const PASSWORD: &str = "Rain-on-tin-roof-41";
/// Made by bcryptjs 3.0.3, of `PASSWORD`.
const BCRYPT: &str = "$2b$10$Dv0VlmVyXS//fjkFxrrNXOmaa1OPpwzezNW7UU6wvf3TbfcTihDwC";
/// Made by bcryptjs 3.0.3, of the 72 bytes of `LONG`.
const BCRYPT_OF_72: &str = "$2b$10$JB8i/UW/k9w0E3rWT7lQu.rtBHKyRiXsP7fCScMGBS95qU8086sV2";
const LONG: &str = "handed-0123456789-handed-0123456789-handed-0123456789-handed-0123456789-";
/// Made by OpenLDAP's slappasswd 2.5.13, of `PASSWORD`.
const SSHA: &str = "{SSHA}lnx5oS8jiV4umNJQJYZHLbp+Emg9cuBr";
const OWN: &str = "$argon2id$v=19$m=8192,t=1,p=1$";

const ON: &[(&str, &str)] = &[("ACCEPT_FOREIGN_HASHES", "true")];

/// As an import stores it.
fn stored(text: &str) -> String {
    let hash: PasswordHash = match ForeignHash::read(text, &Hints::default()).unwrap() {
        ForeignHash::Slow(foreign) => foreign.into(),
        ForeignHash::Fast(fast) => fast.wrap(&Random::system(), &mut Hasher::default()).unwrap().into(),
        ForeignHash::NoPassword => PasswordHash::none(),
    };
    hash.as_str().to_owned()
}

/// Writes the demo user's hash, as an import does: the version stays.
async fn set_hash(service: &Service, hash: &str) {
    let update = service.database.client.update_item().table_name(service.database.table("UsersTable"));
    let update = update.key("username", AttributeValue::S(DEMO_USER.into())).update_expression("SET password_hash = :hash");
    update.expression_attribute_values(":hash", AttributeValue::S(hash.into())).send().await.unwrap();
}

async fn with_hash(settings: &[(&str, &str)], hash: &str) -> Service {
    let service = Service::start(settings).await;
    set_hash(&service, hash).await;
    service
}

/// The hash and the version.
async fn kept(service: &Service) -> (String, String) {
    let item = service.database.items("UsersTable").await.remove(0);
    (item["password_hash"].as_s().unwrap().clone(), item["version"].as_n().unwrap().clone())
}

async fn log_in(service: &Service, password: &str) -> u16 {
    service.login_with(&json!({"username": DEMO_USER, "password": password})).await.status
}

#[tokio::test]
async fn the_first_right_password_replaces_the_hash() {
    for hash in [BCRYPT, SSHA] {
        let foreign = stored(hash);
        let service = with_hash(ON, &foreign).await;
        let (_, version) = kept(&service).await;
        assert_eq!(log_in(&service, "another password").await, 401);
        assert_eq!(kept(&service).await.0, foreign, "a wrong password changes nothing");
        assert_eq!(log_in(&service, PASSWORD).await, 200);
        let (own, after) = kept(&service).await;
        assert!(own.starts_with(OWN), "{own}");
        assert_eq!(after, version, "logins under way were verified against the same password");
        assert_eq!(log_in(&service, PASSWORD).await, 200);
        assert_eq!(log_in(&service, "another password").await, 401);
        assert_eq!(kept(&service).await.0, own);
    }
}

/// Each 401 comes at the same time after its request, also for an unknown name. Nothing else waits.
#[tokio::test]
async fn every_401_takes_its_time() {
    let service = with_hash(ON, &stored(BCRYPT)).await;
    drop(service.clock.take_waits());
    for body in [json!({"username": DEMO_USER, "password": "wrong"}), json!({"username": "unknown", "password": "wrong"})] {
        assert_eq!(service.login_with(&body).await.status, 401);
        assert_eq!(service.clock.take_waits(), [Limits::REFUSED_LOGIN]);
    }
    assert_eq!(log_in(&service, PASSWORD).await, 200);
    assert_eq!(service.login_with(&json!({"username": DEMO_USER})).await.status, 400);
    for _ in 0..4 {
        log_in(&service, "wrong").await;
    }
    drop(service.clock.take_waits());
    assert_eq!(log_in(&service, "wrong").await, 429);
    assert_eq!(service.clock.take_waits(), Vec::<Duration>::new());
}

/// With the setting off nothing waits, a right password is refused like a wrong one, and operators hear of it.
#[tokio::test]
async fn without_the_setting_a_foreign_hash_is_refused() {
    let foreign = stored(BCRYPT);
    let service = with_hash(&[], &foreign).await;
    drop(service.clock.take_waits());
    drop(service.emitted.take());
    assert_eq!(log_in(&service, PASSWORD).await, 401);
    assert!(service.emitted.take().iter().any(|line| line.contains("\"InternalErrors\":1")));
    assert_eq!(service.clock.take_waits(), Vec::<Duration>::new());
    assert_eq!(kept(&service).await.0, foreign);
}

/// A hash that takes more memory than the function can spare is refused before it is computed.
#[tokio::test]
async fn a_hash_beyond_the_functions_memory_is_refused() {
    let foreign = stored("$argon2id$v=19$m=102400,t=2,p=8$c29tZXNhbHQ$aGFzaGhhc2hoYXNoaGFzaA");
    let service = with_hash(&[ON, &[("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")]].concat(), &foreign).await;
    drop(service.emitted.take());
    assert_eq!(log_in(&service, PASSWORD).await, 401);
    assert!(service.emitted.take().iter().any(|line| line.contains("\"InternalErrors\":1")));
    assert_eq!(kept(&service).await.0, foreign);
}

/// A hash of no form is a 401, an alarm, and no 500. A user without a password is a 401.
#[tokio::test]
async fn what_is_no_hash_is_refused() {
    for (hash, told) in [("$2b$10$not-in-our-grammar", true), ("", true), ("$foreign$none", false)] {
        let service = with_hash(ON, hash).await;
        drop(service.emitted.take());
        for password in [PASSWORD, "$2b$10$not-in-our-grammar"] {
            assert_eq!(log_in(&service, password).await, 401, "{hash}");
        }
        assert_eq!(service.emitted.take().iter().any(|line| line.contains("\"InternalErrors\":1")), told, "{hash}");
        assert_eq!(kept(&service).await.0, hash);
    }
}

/// Two logins with the right password, both before the hash is replaced: both succeed, one replaces it, and the other leaves it.
#[tokio::test]
async fn of_two_first_logins_one_replaces_the_hash() {
    let service = with_hash(ON, &stored(BCRYPT)).await;
    let mut replacement = service.tap.hold("UpdateItem");
    let first = tokio::spawn({
        let service = service.clone();
        async move { log_in(&service, PASSWORD).await }
    });
    replacement.reached().await;
    let other = service.clone();
    assert_eq!(log_in(&other, PASSWORD).await, 200);
    let winner = kept(&service).await;
    assert!(winner.0.starts_with(OWN));
    replacement.release();
    assert_eq!(first.await.unwrap(), 200);
    assert_eq!(kept(&service).await, winner);
}

/// Logs in with the right password, and changes the hash after the reads and before the write; the version moves or stays.
async fn login_while(meanwhile: &str, version_moves: bool) -> (u16, Service) {
    let service = with_hash(ON, &stored(BCRYPT)).await;
    let mut transaction = service.tap.hold("TransactWriteItems");
    let login = tokio::spawn({
        let service = service.clone();
        async move { log_in(&service, PASSWORD).await }
    });
    transaction.reached().await;
    if version_moves {
        crate::password_change::update_user(&service, "password_hash", meanwhile).await;
    } else {
        set_hash(&service, meanwhile).await;
    }
    transaction.release();
    (login.await.unwrap(), service)
}

/// Another login replaced the hash of the same password: this one goes on with its verdict.
#[tokio::test]
async fn a_hash_that_was_replaced_meanwhile_is_not_verified_again() {
    // Not even the hash of another password is looked at, where the version says that the password is the same.
    let (status, service) = login_while(crate::password_change::OLD_HASH, false).await;
    assert_eq!(status, 200);
    assert_eq!(kept(&service).await.0, crate::password_change::OLD_HASH, "and it replaces nothing");
}

/// The password was changed: the verdict is worth nothing. A second foreign hash isn't verified in the same request.
#[tokio::test]
async fn a_password_that_was_changed_meanwhile_is_judged_anew() {
    assert_eq!(login_while(crate::password_change::OLD_HASH, true).await.0, 401);
    assert_eq!(login_while(&stored(BCRYPT_OF_72), true).await.0, 503);
    assert_eq!(login_while(&stored(BCRYPT), true).await.0, 200, "something else was changed, and the hash is the one it was");
}

/// bcrypt saw 72 bytes of this password. Replacing the hash would take an end for right that was never checked.
#[tokio::test]
async fn a_password_beyond_72_bytes_keeps_its_bcrypt() {
    let foreign = stored(BCRYPT_OF_72);
    let service = with_hash(ON, &foreign).await;
    assert_eq!(log_in(&service, &format!("{LONG}and a typing error")).await, 200);
    assert_eq!(kept(&service).await.0, foreign);
    assert_eq!(log_in(&service, LONG).await, 200);
    assert!(kept(&service).await.0.starts_with(OWN));
    assert_eq!(log_in(&service, &format!("{LONG}and a typing error")).await, 401);
}
