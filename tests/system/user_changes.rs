//! Promise G9: after a password change or a disabling, no login made before it survives.

use latchkey::{
    entropy::system_rng,
    password::Password,
    store::{Accounts, Store, User, UserChange, UserStatus},
};
use latchkey_cli::dev::{DEMO_PASSWORD, DEMO_USER};
use latchkey_tests::service::{Pair, ParseUsername as _, Service};
use serde_json::json;

const NEW_PASSWORD: &str = "another password entirely";

/// As the command does it: over a connection of its own.
async fn change(service: &Service, change: &UserChange) -> Option<(User, usize)> {
    let database = &service.database;
    let store = Store::new(database.client.clone(), database.table("SessionsTable"));
    let accounts = Accounts::new(store, database.table("UsersTable"), "");
    accounts.change_user(&DEMO_USER.parse_username(), change).await.unwrap()
}

fn new_password() -> UserChange {
    UserChange::Password(Password::parse(NEW_PASSWORD.to_owned()).unwrap().hash(&mut system_rng()).unwrap())
}

async fn login_status(service: &Service, password: &str) -> u16 {
    service.login_with(&json!({"username": DEMO_USER, "password": password})).await.status
}

#[tokio::test]
async fn a_new_password_ends_every_login() {
    let service = Service::start(&[]).await;
    let pairs = [service.login().await, service.login().await];
    let (user, ended) = change(&service, &new_password()).await.unwrap();
    assert_eq!((user.version, ended), (2, 2));
    for pair in &pairs {
        service.assert_refused(&pair.access).await;
        assert_eq!(service.refresh(&pair.refresh).await.status, 401);
    }
    assert_eq!((login_status(&service, DEMO_PASSWORD).await, login_status(&service, NEW_PASSWORD).await), (401, 200));
}

#[tokio::test]
async fn a_disabled_user_is_out_until_enabled() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    assert_eq!(change(&service, &UserChange::Status(UserStatus::Disabled)).await.map(|(_, ended)| ended), Some(1));
    service.assert_refused(&pair.access).await;
    assert_eq!(login_status(&service, DEMO_PASSWORD).await, 401);
    assert_eq!(change(&service, &UserChange::Status(UserStatus::Active)).await.map(|(_, ended)| ended), Some(0));
    assert_eq!(login_status(&service, DEMO_PASSWORD).await, 200);
    service.assert_refused(&pair.access).await;
}

/// Nobody ever logged in: there is no register to move, and its absence is held to.
#[tokio::test]
async fn a_user_who_never_logged_in_can_be_changed() {
    let service = Service::start(&[]).await;
    assert_eq!(change(&service, &new_password()).await.map(|(_, ended)| ended), Some(0));
    assert_eq!(login_status(&service, NEW_PASSWORD).await, 200);
}

/// CASES R4: decided with the old password, written after the change: it doesn't come to be.
#[tokio::test]
async fn a_login_in_flight_does_not_survive_the_change() {
    let service = Service::start(&[]).await;
    let before = service.login().await;
    let mut transaction = service.tap.hold("TransactWriteItems");
    let login = tokio::spawn({
        let service = service.clone();
        async move { login_status(&service, DEMO_PASSWORD).await }
    });
    transaction.reached().await;
    assert_eq!(change(&service, &new_password()).await.map(|(_, ended)| ended), Some(1));
    transaction.release();
    assert_eq!(login.await.unwrap(), 401);
    service.assert_refused(&before.access).await;
    assert_eq!(service.database.sort_keys().await, ["!user"]);
}

/// The same for a refresh.
#[tokio::test]
async fn a_refresh_in_flight_does_not_survive_the_change() {
    let service = Service::start(&[]).await;
    let pair = service.login().await;
    let mut transaction = service.tap.hold("TransactWriteItems");
    let refresh = tokio::spawn({
        let (service, refresh) = (service.clone(), pair.refresh.clone());
        async move { service.refresh(&refresh).await.status }
    });
    transaction.reached().await;
    change(&service, &new_password()).await.unwrap();
    transaction.release();
    assert_eq!(refresh.await.unwrap(), 401);
}

/// Logins and changes side by side: whatever the order, no login of before is left.
#[tokio::test]
async fn logins_and_a_change_side_by_side() {
    let service = Service::start(&[("LOGIN_FREE_FAILURES", "100")]).await;
    let logins: Vec<_> = (0..4)
        .map(|_| {
            let service = service.clone();
            tokio::spawn(async move { service.login_with(&json!({"username": DEMO_USER, "password": DEMO_PASSWORD})).await })
        })
        .collect();
    change(&service, &new_password()).await.unwrap();
    for login in logins {
        let answer = login.await.unwrap();
        if answer.status == 200 {
            service.assert_refused(&Pair::of(&answer).access).await;
        }
    }
    assert!(service.database.sort_keys().await.iter().all(|key| key == "!user"));
}
