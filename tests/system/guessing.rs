//! L2: how many guesses an attacker gets at one account in a day, by the service's own clock, and whether the user can
//! still log in.
//!
//! The numbers are those of docs/login-throttling.md.

use std::cell::Cell;

use chrono::TimeDelta;
use latchkey::model::{User, UserStatus};
use latchkey_tests::{
    database::Database,
    given::hash_of,
    logins::{Logins, Tried, address},
    service::ParseUsername as _,
};

use serde_json::Value;

use crate::password_change::OLD_PASSWORD;

const VICTIM: &str = "ada";
const HOME: &str = "192.0.2.1";

struct Guesser {
    logins: Logins,
    database: Database,
    networks: Cell<u32>,
}

impl Guesser {
    async fn new(settings: &[(&str, &str)]) -> Self {
        let database = Database::new().await;
        let logins = Logins::over(&database, settings);
        let guesser = Self { database, logins, networks: Cell::new(0) };
        guesser.add(VICTIM, UserStatus::Active).await;
        guesser
    }

    async fn add(&self, name: &str, status: UserStatus) {
        let user = User {
            username: name.parse_username(),
            user_id: name.to_owned(),
            password_hash: hash_of(OLD_PASSWORD),
            status,
            version: 1,
            created_at: self.logins.clock.now(),
        };
        self.database.put_user(&user).await;
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

    /// Guesses on each of three days, each at the first instant allowed.
    async fn days_from(&self, address: &str) -> [usize; 3] {
        let start = self.logins.clock.now();
        let mut days = [0; 3];
        loop {
            let now = self.logins.clock.now();
            let Some(looked_at) = usize::try_from((now - start).num_days()).ok().and_then(|day| days.get_mut(day)) else { return days };
            match self.guess_from(address).await {
                Ok(()) => *looked_at += 1,
                Err(wait) => self.logins.clock.advance(wait),
            }
        }
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
async fn l2_one_network_gets_110_guesses_in_a_day_and_soon_24() {
    let guesser = Guesser::new(&[]).await;
    assert_eq!(guesser.days_from("198.51.100.7").await, [110, 37, 24]);
}

/// An attacker in the victim's own network passes where the account is full, and still has that network's waits.
#[tokio::test]
async fn l2_a_known_network_gets_110_guesses_in_a_day_and_then_96() {
    let guesser = Guesser::new(&[]).await;
    assert_eq!(guesser.victim(HOME).await, 200);
    assert_eq!(guesser.burst().await, 100);
    assert_eq!(guesser.days_from(HOME).await, [110, 96, 96]);
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
    assert_eq!(guesser.guess_from("2001:db8:2:2::1").await, Ok(()), "another network");
}

/// An attacker with a /48 has 65,536 networks, and no more free guesses at an account than one network has.
#[tokio::test]
async fn l2_addresses_of_one_48_share_their_free_guesses() {
    let guesser = Guesser::new(&[]).await;
    for network in 1..=5 {
        assert_eq!(guesser.guess_from(&format!("2001:db8:1:{network:x}::1")).await, Ok(()));
    }
    assert_eq!(guesser.guess_from("2001:db8:1:6::1").await, Err(TimeDelta::seconds(1)));
    assert_eq!(guesser.guess_from("2001:db8:2:1::1").await, Ok(()), "the next /48 is another one");
}

/// The victim logs in from a known network, or by a known device, whatever the attacker does. The attacker gains nothing by it.
#[tokio::test]
async fn l2_a_victim_who_is_being_guessed_at_gets_in_from_a_known_network() {
    let guesser = Guesser::new(&[]).await;
    assert_eq!(guesser.victim(HOME).await, 200);
    let mut looked_at = guesser.burst().await + guesser.persist(12).await;
    assert_eq!(guesser.victim("203.0.113.9").await, 429, "not from a network that isn't known");
    assert_eq!(guesser.victim(HOME).await, 200);
    looked_at += guesser.burst().await + guesser.persist(12).await;
    assert_eq!(looked_at, 100 + 24, "as if the victim hadn't logged in");
    assert_eq!(guesser.victim(HOME).await, 200);
}

#[tokio::test]
async fn l2_a_victim_on_the_way_gets_in_by_a_known_device() {
    const PHONE: &str = "0123456789abcdef";
    let guesser = Guesser::new(&[]).await;
    let by_phone = async |address: &str, password: &str| guesser.logins.try_by(address, Some(PHONE), VICTIM, password).await.status;
    assert_eq!(by_phone(HOME, OLD_PASSWORD).await, 200);
    assert_eq!(guesser.burst().await, 100);
    assert_eq!(by_phone("203.0.113.9", OLD_PASSWORD).await, 200);
    // A device id is no secret. Who has it gets what a network gets, and doesn't keep the victim out at home.
    for _ in 0..5 {
        assert_eq!(by_phone("198.51.100.1", "wrong").await, 401);
    }
    assert_eq!(by_phone("198.51.100.2", "wrong").await, 429);
    assert_eq!(by_phone(HOME, OLD_PASSWORD).await, 200);
    // On the victim's own network the guesses of others don't count against the phone.
    guesser.logins.clock.advance(TimeDelta::minutes(15 * 5));
    for _ in 0..5 {
        assert_eq!(guesser.guess_from(HOME).await, Ok(()));
    }
    assert_eq!(by_phone(HOME, OLD_PASSWORD).await, 200);
}

/// After a month without a success, the home network is no longer known.
#[tokio::test]
async fn l2_a_network_is_known_for_thirty_days() {
    let guesser = Guesser::new(&[("LOGIN_ACCOUNT_FAILURES", "3")]).await;
    let month = TimeDelta::days(30);
    for (later, status) in [(month - TimeDelta::milliseconds(1), 200), (month, 429)] {
        guesser.logins.clock.advance(TimeDelta::hours(3));
        assert_eq!(guesser.victim(HOME).await, 200);
        guesser.logins.clock.advance(later);
        assert_eq!(guesser.burst().await, 3);
        assert_eq!(guesser.victim(HOME).await, status);
    }
}

/// A name that exists, with an owner who logs in at home between the guesses; one that no user has; and a disabled one.
const NAMES: [&str; 3] = [VICTIM, "unknown", "disabled"];

/// What the answer to a guess shows: everything but what differs at each request anyway.
async fn shown(guesser: &Guesser, address: &str, device: Option<&str>, name: &str) -> Value {
    let mut answer = guesser.logins.answer(address, device, name, "wrong").await;
    for headers in ["headers", "multiValueHeaders"] {
        for changes in ["date", "x-amzn-requestid"] {
            if let Some(headers) = answer[headers].as_object_mut() {
                headers.remove(changes);
            }
        }
    }
    answer
}

/// One step of a guesser who wants to know which names exist.
#[derive(Debug, Clone, Copy)]
enum Probe {
    /// From the network with this number.
    Guess(u32),
    /// Likewise, by a device of the guesser's.
    GuessByDevice(u32),
    /// The owner logs in at home, a right login at the name that has one.
    OwnersLogin,
    /// On a network that is new to the account.
    OwnersLoginOnTheWay(u32),
    Minutes(i64),
}

async fn tell_apart(settings: &[(&str, &str)], probes: &[Probe]) {
    const DEVICE: &str = "fedcba9876543210";
    let guesser = Guesser::new(settings).await;
    guesser.add("disabled", UserStatus::Disabled).await;
    assert_eq!(guesser.victim(HOME).await, 200);
    for (step, probe) in probes.iter().enumerate() {
        let (network, device) = match probe {
            Probe::Guess(network) => (*network, None),
            Probe::GuessByDevice(network) => (*network, Some(DEVICE)),
            Probe::OwnersLogin => {
                assert_eq!(guesser.victim(HOME).await, 200, "{step} of {probes:?}");
                continue;
            }
            Probe::OwnersLoginOnTheWay(network) => {
                guesser.victim(&format!("203.0.113.{network}")).await;
                continue;
            }
            Probe::Minutes(minutes) => {
                guesser.logins.clock.advance(TimeDelta::minutes(*minutes));
                continue;
            }
        };
        // A network of its own for each name, so that no network's budget mixes them.
        let answers = NAMES.iter().enumerate().map(|(name, of)| (address(network * 10 + u32::try_from(name).unwrap()), of));
        let mut shown_for = Vec::new();
        for (address, name) in answers {
            shown_for.push(shown(&guesser, &address, device, name).await);
        }
        assert!(shown_for.iter().all(|answer| *answer == shown_for[0]), "{step} of {probes:?}: {shown_for:#?}");
    }
}

/// The sequence that told names apart when a success still emptied the counts.
#[tokio::test]
async fn l2_guesses_around_a_login_of_the_owner_do_not_tell_whether_a_name_exists() {
    let mut probes: Vec<Probe> = (0..19).map(|guess| Probe::Guess(guess / 5)).collect();
    probes.push(Probe::OwnersLogin);
    probes.extend((0..6).map(|guess| Probe::Guess(10 + guess)));
    probes.extend([Probe::OwnersLoginOnTheWay(1), Probe::Minutes(60), Probe::Guess(30), Probe::Guess(31)]);
    tell_apart(&[("LOGIN_ACCOUNT_FAILURES", "20")], &probes).await;
}

/// Random sequences of guesses, logins of the owner and waits.
#[tokio::test]
async fn l2_no_sequence_of_guesses_and_logins_tells_whether_a_name_exists() {
    let random = latchkey_tests::seed::random();
    let draw = |below: u8| random.bytes::<1>().unwrap()[0] % below;
    for _ in 0..6 {
        let probes: Vec<Probe> = (0..24)
            .map(|_| match draw(10) {
                0..=4 => Probe::Guess(draw(4).into()),
                5..=6 => Probe::GuessByDevice(draw(3).into()),
                7 => Probe::OwnersLogin,
                8 => Probe::OwnersLoginOnTheWay(draw(3).into()),
                _ => Probe::Minutes([1, 16, 61][usize::from(draw(3))]),
            })
            .collect();
        tell_apart(&[("LOGIN_ACCOUNT_FAILURES", "6"), ("LOGIN_FREE_FAILURES", "2")], &probes).await;
    }
}
