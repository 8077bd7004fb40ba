//! Promise G9: no login survives a later password change or disabling of its user.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use latchkey::{
    entropy::Random,
    ids::UserKey,
    model::{Device, Lifetimes, LoginCreation, User},
    operations::{Everywhere, change_user, end_all, issue::issue_login},
    store::{Accounts, Commit, Store, UserChange, Users},
};
use latchkey_cli::dev::{DEMO_PASSWORD, DEMO_USER};
use latchkey_tests::{
    given::hash_of,
    service::{Pair, ParseUsername as _, Service, send},
    tap::{Fault, Reach, Rule},
};
use serde_json::json;

const NEW_PASSWORD: &str = "another password entirely";

/// Changes the user as the command does: over its own connection.
async fn change(service: &Service, change: &UserChange) -> Option<(User, usize)> {
    change_user(&accounts(service, &service.database.client), &DEMO_USER.parse_username(), change, &Random::system()).await.unwrap()
}

fn accounts(service: &Service, client: &Client) -> Accounts {
    let database = &service.database;
    let store = Store::new(client.clone(), database.table("SessionsTable"));
    Accounts::new(store, Users::new(client.clone(), database.table("UsersTable")))
}

/// As if the sessions table had been thrown away.
async fn lose_the_register(accounts: &Accounts) -> User {
    let user = accounts.users().read_user(&DEMO_USER.parse_username()).await.unwrap().unwrap();
    accounts.store().delete_register(&UserKey::of(&user.user_id)).await.unwrap();
    user
}

/// Decides a change, runs `meanwhile`, then writes the change. Returns the user's and the register's versions afterwards.
async fn change_while(service: &Service, change: UserChange, meanwhile: impl AsyncFnOnce()) -> (u64, Option<u64>) {
    let accounts = accounts(service, &service.database.tapped(&service.tap));
    let mut transaction = service.tap.hold("TransactWriteItems");
    let changing = tokio::spawn({
        let accounts = accounts.clone();
        async move { change_user(&accounts, &DEMO_USER.parse_username(), &change, &Random::system()).await }
    });
    transaction.reached().await;
    meanwhile().await;
    transaction.release();
    let (user, _) = changing.await.unwrap().unwrap().unwrap();
    let seen = accounts.store().read_user_logins(&UserKey::of(&user.user_id)).await.unwrap();
    assert!(seen.logins.is_empty(), "{:?}", seen.logins);
    (user.version, seen.register.map(|register| register.version))
}

fn new_password() -> UserChange {
    UserChange::Password(hash_of(NEW_PASSWORD))
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
    assert_eq!(change(&service, &UserChange::Disabled(service.clock.now())).await.map(|(_, ended)| ended), Some(1));
    service.assert_refused(&pair.access).await;
    assert_eq!(login_status(&service, DEMO_PASSWORD).await, 401);
    assert_eq!(change(&service, &UserChange::Enabled).await.map(|(_, ended)| ended), Some(0));
    assert_eq!(login_status(&service, DEMO_PASSWORD).await, 200);
    service.assert_refused(&pair.access).await;
}

/// The register went with the sessions table, and the user hasn't logged in since. The change's condition requires that it still
/// doesn't exist.
#[tokio::test]
async fn a_user_without_a_register_can_be_changed() {
    let service = Service::start(&[]).await;
    lose_the_register(&accounts(&service, &service.database.client)).await;
    assert_eq!(change(&service, &new_password()).await.map(|(_, ended)| ended), Some(0));
    assert_eq!(login_status(&service, NEW_PASSWORD).await, 200);
}

/// R4: a login that was decided with the old password and is written after the change fails.
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

/// Logins and changes in parallel: in any order, no earlier login is left.
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

/// Each change gets its own version. Otherwise a login decided between two changes could mistake the second for the first.
#[tokio::test]
async fn a_change_overtaken_by_another_is_decided_anew() {
    let service = Service::start(&[]).await;
    let disable = UserChange::Disabled(service.clock.now());
    let versions = change_while(&service, new_password(), async || drop(change(&service, &disable).await)).await;
    // Both changes move the register, and each ends all logins, which moves it again.
    assert_eq!(versions, (3, Some(5)));
    assert_eq!(login_status(&service, NEW_PASSWORD).await, 401);
}

/// If the register's version went back, a login decided before could be written.
#[tokio::test]
async fn a_change_overtaken_by_ends_does_not_set_the_register_back() {
    let service = Service::start(&[]).await;
    service.login().await;
    let accounts = accounts(&service, &service.database.client);
    let user = accounts.users().read_user(&DEMO_USER.parse_username()).await.unwrap().unwrap();
    let versions = change_while(&service, new_password(), async || {
        for _ in 0..2 {
            end_all(accounts.store(), &UserKey::of(&user.user_id), Everywhere::All, &Random::system()).await.unwrap();
        }
    })
    .await;
    // The user, the login, two ends, the change, and the end of all that follows it.
    assert_eq!(versions, (2, Some(6)));
}

#[tokio::test]
async fn a_change_overtaken_by_the_first_login_is_decided_anew() {
    let service = Service::start(&[]).await;
    let accounts = accounts(&service, &service.database.client);
    let user = lose_the_register(&accounts).await;
    let lifetimes = Lifetimes { access: Duration::from_secs(300), refresh: Duration::from_secs(3600) };
    let first = issue_login(&user.user_id, Device::default(), lifetimes, None, service.clock.now(), &Random::system()).unwrap().new;
    let versions = change_while(&service, new_password(), async || {
        let creation = LoginCreation::default();
        assert_eq!(accounts.create_login(&user, &first, &creation).await, Ok(Commit::Done));
    })
    .await;
    assert_eq!(versions, (2, Some(3)));
}

/// A login in mid-commit: the register already names it, and the read of the logins doesn't see it yet.
#[tokio::test]
async fn a_login_that_the_read_does_not_show_is_ended_by_name() {
    let service = Service::start(&[]).await;
    let (own, newest) = (service.login().await, service.login().await);
    service.tap.arm(vec![Rule { operation: "Query", nth: 2, reach: Reach::OneCall, fault: Fault::WithoutLogin }]);
    assert_eq!(send(service.request("DELETE", "/sessions").bearer_auth(&own.access)).await.status, 204);
    let _ = service.tap.disarm();
    service.assert_refused(&newest.access).await;
}
