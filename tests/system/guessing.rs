//! L2: how many guesses an attacker gets at one account in a day, by the service's own clock, and whether the user can
//! still log in.
//!
//! The numbers are those of docs/login-throttling.md.

use std::cell::Cell;

use chrono::TimeDelta;
use latchkey::{
    model::{User, UserStatus},
    password::PasswordHash,
    store::Users,
};
use latchkey_tests::{
    database::Database,
    logins::{Logins, Tried, address},
    service::ParseUsername as _,
};

use crate::password_change::{OLD_HASH, OLD_PASSWORD};

const VICTIM: &str = "ada";
const HOME: &str = "192.0.2.1";

struct Guesser {
    logins: Logins,
    networks: Cell<u32>,
}

impl Guesser {
    /// The victim has a cheap hash, because the function verifies hundreds of guesses.
    async fn new(settings: &[(&str, &str)]) -> Self {
        let database = Database::new().await;
        let logins = Logins::over(&database, settings);
        let victim = User {
            username: VICTIM.parse_username(),
            user_id: VICTIM.to_owned(),
            password_hash: PasswordHash::parse(OLD_HASH.to_owned()).unwrap(),
            status: UserStatus::Active,
            version: 1,
            created_at: logins.clock.now(),
        };
        let users = Users::new(database.client.clone(), database.table("UsersTable"));
        assert_eq!(users.create_user(&victim).await, Ok(true));
        Self { logins, networks: Cell::new(0) }
    }

    /// Whether the function verifies the guess; a throttled one returns its wait.
    async fn guess_from(&self, address: &str) -> Result<(), TimeDelta> {
        let Tried { status, retry_after } = self.logins.try_from(address, VICTIM, "wrong").await;
        if status == 401 {
            return Ok(());
        }
        assert_eq!(status, 429);
        Err(TimeDelta::seconds(retry_after.unwrap()))
    }

    async fn guess_from_elsewhere(&self) -> Result<(), TimeDelta> {
        self.networks.set(self.networks.get() + 1);
        self.guess_from(&address(self.networks.get())).await
    }

    /// Guesses, each from a new network, without a pause until the first is throttled.
    async fn burst(&self) -> usize {
        let mut looked_at = 0;
        while self.guess_from_elsewhere().await.is_ok() {
            looked_at += 1;
        }
        looked_at
    }

    /// One guess every ten minutes for so many hours, each from a new network.
    async fn persist(&self, hours: i32) -> usize {
        let mut looked_at = 0;
        for _ in 0..hours * 6 {
            self.logins.clock.advance(TimeDelta::minutes(10));
            looked_at += usize::from(self.guess_from_elsewhere().await.is_ok());
        }
        looked_at
    }

    async fn victim(&self, address: &str) -> u64 {
        self.logins.try_from(address, VICTIM, OLD_PASSWORD).await.status
    }
}

/// The account's own limit stops an attacker with an unlimited number of networks.
#[tokio::test]
async fn l2_ever_new_networks_get_a_hundred_guesses_and_then_24_a_day() {
    let guesser = Guesser::new(&[]).await;
    assert_eq!(guesser.burst().await, 100);
    assert_eq!(guesser.persist(24).await, 24, "the first day");
    assert_eq!(guesser.persist(24).await, 24, "every later day");
}

/// An attacker with one network who always guesses at the first allowed instant.
#[tokio::test]
async fn l2_one_network_gets_102_guesses_in_a_day_and_then_24() {
    let guesser = Guesser::new(&[]).await;
    let start = guesser.logins.clock.now();
    let mut days = [0, 0];
    loop {
        let now = guesser.logins.clock.now();
        let Some(looked_at) = usize::try_from((now - start).num_days()).ok().and_then(|day| days.get_mut(day)) else { break };
        match guesser.guess_from("198.51.100.7").await {
            Ok(()) => *looked_at += 1,
            Err(wait) => guesser.logins.clock.advance(wait),
        }
    }
    assert_eq!(days, [102, 24]);
}

/// An attacker with one address of an IPv6 /64 has all of them.
#[tokio::test]
async fn l2_addresses_of_one_64_are_one_network() {
    let guesser = Guesser::new(&[]).await;
    let mut looked_at = 0;
    while guesser.guess_from(&format!("2001:db8:1:2::{:x}", looked_at + 1)).await.is_ok() {
        looked_at += 1;
    }
    assert_eq!(looked_at, 5);
    assert_eq!(guesser.guess_from("2001:db8:1:3::1").await, Ok(()), "the next /64 is another one");
}

/// The victim logs in from a known network whatever the attacker does. Each success gives the attacker a hundred new
/// guesses.
#[tokio::test]
async fn l2_a_victim_who_is_being_guessed_at_gets_in_from_a_known_network() {
    let guesser = Guesser::new(&[]).await;
    assert_eq!(guesser.victim(HOME).await, 200);
    let mut looked_at = guesser.burst().await + guesser.persist(12).await;
    assert_eq!(guesser.victim("203.0.113.9").await, 429, "not from a network that isn't known");
    assert_eq!(guesser.victim(HOME).await, 200);
    looked_at += guesser.burst().await + guesser.persist(12).await;
    assert_eq!(looked_at, 100 + 12 + 100 + 12, "one success of the victim in the day");
    assert_eq!(guesser.victim(HOME).await, 200);
}

/// After a month without a success, the home network is no longer known.
#[tokio::test]
async fn l2_a_network_is_known_for_thirty_days() {
    let guesser = Guesser::new(&[("LOGIN_ACCOUNT_FAILURES", "3")]).await;
    let month = TimeDelta::days(30);
    for (later, status) in [(month - TimeDelta::milliseconds(1), 200), (month, 429)] {
        guesser.logins.clock.advance(TimeDelta::hours(1));
        assert_eq!(guesser.victim(HOME).await, 200);
        assert_eq!(guesser.burst().await, 3);
        guesser.logins.clock.advance(later);
        assert_eq!(guesser.guess_from_elsewhere().await, Ok(()), "uses the one attempt of the hour");
        assert_eq!(guesser.victim(HOME).await, status);
    }
}
