//! The first answer of each single write is lost, and the SDK sends the write again. Its condition fails because of the first
//! attempt, and the request must still tell what it did.

use latchkey::{
    entropy::Random,
    model::{User, UserStatus},
    operations::{UserCreated, create_user},
    store::{Accounts, Store, Users},
};
use latchkey_tests::{
    service::ParseUsername as _,
    tap::{Fault, Reach, Rule},
};
use reqwest::Method;

use crate::{
    paths::Path,
    races::forged,
    subject::{Ground, Subject},
    table::Table,
};

/// The ways to lose an answer after DynamoDB carried the write out.
const LOST: [Fault; 3] = [Fault::LostAfter, Fault::SilentAfter, Fault::ErrorAfter(500, "InternalServerError")];

fn once(operation: &'static str, fault: Fault) -> Vec<Rule> {
    vec![Rule { operation, nth: 1, reach: Reach::OneAttempt, fault }]
}

/// No row of an ended login stays behind, although its generation went with the answer.
#[tokio::test]
async fn a_logout_and_a_reuse_sweep_the_session() {
    for ground in [Ground::new().await, Ground::of_imported().await] {
        for path in [Path::LogoutByAccess, Path::LogoutByRefresh, Path::Reuse] {
            for fault in LOST {
                let subject = Subject::new(&ground).await;
                let held = path.prepare(&subject).await;
                subject.tap.arm(once("DeleteItem", fault.clone()));
                let answer = path.request(&subject, &held).await;
                let attempts = subject.tap.disarm().into_iter().filter(|call| call.operation == "DeleteItem" && call.nth == 1).count();
                assert_eq!((answer.status, attempts), (path.settled_status(), 2), "{path:?} {fault:?}: {}", answer.text);
                let table = Table::read(&subject).await;
                assert!(table.logins.is_empty() && table.sessions.is_empty(), "{path:?} {fault:?}: {table:?}");
            }
        }
    }
}

/// The list's owner ends a device: 204, not the 404 of an unknown id.
#[tokio::test]
async fn the_end_of_a_listed_login_is_acknowledged() {
    let ground = Ground::new().await;
    for fault in LOST {
        let subject = Subject::new(&ground).await;
        let own = subject.first_login().await;
        let other = subject.log_in_directly("other-0123456789").await;
        let path = format!("/sessions/{}", other.login_id);
        subject.tap.arm(once("DeleteItem", fault.clone()));
        let answer = subject.ask(Method::DELETE, &path, &own.access).await;
        let _ = subject.tap.disarm();
        assert_eq!(answer.status, 204, "{fault:?}: {}", answer.text);
        let table = Table::read(&subject).await;
        assert_eq!(table.logins.keys().collect::<Vec<_>>(), [&own.login_id], "{fault:?}");
        assert_eq!(table.sessions.iter().map(|(of, _)| of).collect::<Vec<_>>(), [&own.login_id], "{fault:?}");
        assert_eq!(subject.ask(Method::DELETE, &path, &own.access).await.outcome(), (404, "not_found"), "the next request ends nothing");
    }
}

/// Each write of "everywhere" and "everywhere else" in turn: the register, the logins, and the sweeps of their sessions.
#[tokio::test]
async fn an_end_of_all_leaves_no_row() {
    let ground = Ground::new().await;
    for (path, left) in [("/sessions", 0), ("/sessions?keep=current", 1)] {
        for (operation, writes) in [("UpdateItem", 1), ("DeleteItem", 2 * (2 - left))] {
            for nth in 1..=writes {
                let subject = Subject::new(&ground).await;
                let own = subject.first_login().await;
                subject.log_in_directly("other-0123456789").await;
                subject.tap.arm(vec![Rule { operation, nth, reach: Reach::OneAttempt, fault: Fault::LostAfter }]);
                let answer = subject.ask(Method::DELETE, path, &own.access).await;
                let twice = subject.tap.disarm().into_iter().filter(|call| call.operation == operation && call.attempt == 2).count();
                assert_eq!((answer.status, twice), (204, 1), "{path} {operation} {nth}: {}", answer.text);
                let table = Table::read(&subject).await;
                assert_eq!((table.logins.len(), table.sessions.len()), (left, left), "{path} {operation} {nth}: {table:?}");
            }
        }
    }
}

/// A forged token ends nothing, however often it is sent, and its login keeps its session.
#[tokio::test]
async fn a_login_that_the_token_cannot_end_keeps_its_session() {
    let ground = Ground::new().await;
    let subject = Subject::new(&ground).await;
    let own = subject.first_login().await;
    let (forged, _) = forged(&own);
    subject.tap.arm(once("DeleteItem", Fault::LostBefore));
    assert_eq!(subject.logout(&forged).await.status, 204);
    let attempts = subject.tap.disarm().into_iter().filter(|call| call.operation == "DeleteItem").count();
    assert_eq!(attempts, 2);
    assert!(subject.allows(&own.access).await);
    assert_eq!(Table::read(&subject).await.sessions.len(), 1);
}

/// A user is added by one transaction, and removed by one write.
#[tokio::test]
async fn a_user_is_added_and_removed() {
    let ground = Ground::new().await;
    for fault in LOST {
        let subject = Subject::new(&ground).await;
        let database = &ground.database;
        let users = Users::new(database.tapped(&subject.tap), database.table("UsersTable"));
        let accounts = Accounts::new(Store::new(database.tapped(&subject.tap), database.table("SessionsTable")), users.clone());
        let random = Random::system();
        let mut user = subject.user.clone();
        let plain = subject.accounts.users();
        plain.delete_user(&user).await.unwrap();

        subject.tap.arm(once("TransactWriteItems", fault.clone()));
        assert_eq!(create_user(&accounts, &user, &random).await, Ok(UserCreated::Done), "{fault:?}");
        user.status = UserStatus::Disabled;
        user.user_id.push('2');
        subject.tap.arm(once("TransactWriteItems", fault.clone()));
        assert_eq!(create_user(&accounts, &user, &random).await, Ok(UserCreated::NameTaken), "{fault:?}: another user of that name");
        user.user_id.pop();
        let other = User { username: format!("{}2", user.username).parse_username(), ..user.clone() };
        subject.tap.arm(once("TransactWriteItems", fault.clone()));
        assert_eq!(create_user(&accounts, &other, &random).await, Ok(UserCreated::IdTaken), "{fault:?}: another user of that id");

        subject.tap.arm(once("DeleteItem", fault.clone()));
        assert_eq!(users.delete_user(&user).await, Ok(()), "{fault:?}");
        let _ = subject.tap.disarm();
        assert_eq!(plain.read_user(&user.username).await.map(|found| found.is_some()), Ok(false));
    }
}
