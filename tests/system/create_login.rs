//! A login of a user whom the caller has authenticated: no users item, and all else as for a login by password.

use std::{num::NonZeroU32, time::Duration};

use latchkey::{
    decision::{OnSessionLimit, SessionLimit},
    entropy::Random,
    ids::UserKey,
    model::{Device, Lifetimes, UserLogins},
    operations::{Caller, CreateLogin, NotCreated, issue::IssuedLogin},
    store::Store,
    telling::log::Fields,
};
use latchkey_tests::{
    clock::TestClock,
    database::Database,
    tap::{Fault, Reach, Rule, Tap},
};

const USER: &str = "user-without-item";

struct Ground {
    store: Store,
    tap: Tap,
    random: Random,
    clock: TestClock,
}

impl Ground {
    async fn new() -> Self {
        let database = Database::new().await;
        let tap = Tap::default();
        let store = Store::new(database.tapped(&tap), database.table("SessionsTable"));
        Self { store, tap, random: Random::system(), clock: TestClock::default() }
    }

    async fn issue(&self, device: &Device, limit: Option<SessionLimit>) -> Result<IssuedLogin, NotCreated<std::convert::Infallible>> {
        let create = CreateLogin {
            store: &self.store,
            device,
            own: None,
            lifetimes: Lifetimes { access: Duration::from_secs(300), refresh: Duration::from_secs(604_800) },
            max_lifetime: None,
            bound_to: None,
            limit,
            replacing: None,
            now: self.clock.clock().now(),
            random: &self.random,
            fields: Fields::default(),
        };
        create.run(Caller { store: &self.store, user_id: USER }).await
    }

    async fn logins(&self) -> UserLogins {
        self.store.read_user_logins(&UserKey::of(USER)).await.unwrap()
    }
}

fn limit(on_limit: OnSessionLimit) -> Option<SessionLimit> {
    Some(SessionLimit { max: NonZeroU32::MIN, on_limit })
}

#[tokio::test]
async fn it_needs_no_users_item_and_keeps_to_the_limit() {
    let ground = Ground::new().await;
    let none = Device::default();
    let first = ground.issue(&none, None).await.unwrap();
    assert!(matches!(ground.issue(&none, limit(OnSessionLimit::Reject)).await, Err(NotCreated::SessionLimit)));
    assert!(ground.logins().await.logins.contains_key(&first.new.login.key.login_id));

    let second = ground.issue(&none, limit(OnSessionLimit::EvictOldest)).await.unwrap();
    let seen = ground.logins().await;
    assert_eq!(seen.logins.keys().collect::<Vec<_>>(), [&second.new.login.key.login_id]);
    assert_eq!(seen.sessions.len(), 1, "the evicted login's session is swept");
    assert_eq!(seen.register.unwrap().version, 2);
}

#[tokio::test]
async fn it_replaces_the_login_of_its_device() {
    let ground = Ground::new().await;
    let phone = Device { id: Some("phone-0123456789".into()), ..Device::default() };
    ground.issue(&phone, None).await.unwrap();
    ground.issue(&Device::default(), None).await.unwrap();
    let last = ground.issue(&phone, None).await.unwrap();
    let seen = ground.logins().await;
    assert_eq!(seen.logins.len(), 2);
    assert!(seen.logins.contains_key(&last.new.login.key.login_id));
}

/// Committed, and the answer lost: the request finds its own login and makes no second.
#[tokio::test]
async fn a_lost_answer_makes_one_login() {
    let ground = Ground::new().await;
    ground.issue(&Device::default(), None).await.unwrap();
    ground.tap.arm(vec![Rule { operation: "TransactWriteItems", nth: 1, reach: Reach::OneCall, fault: Fault::LostAfter }]);
    let issued = ground.issue(&Device::default(), None).await.unwrap();
    let _ = ground.tap.disarm();
    let seen = ground.logins().await;
    assert_eq!(seen.logins.len(), 2);
    assert!(seen.logins.contains_key(&issued.new.login.key.login_id));
}

/// All are created, one after the other by the register's version.
#[tokio::test]
async fn many_at_once_are_ordered_by_the_register() {
    let ground = Ground::new().await;
    let none = Device::default();
    let (first, second, third) = tokio::join!(ground.issue(&none, None), ground.issue(&none, None), ground.issue(&none, None));
    assert!(first.is_ok() && second.is_ok() && third.is_ok());
    let seen = ground.logins().await;
    assert_eq!((seen.logins.len(), seen.register.unwrap().version), (3, 3));
}
