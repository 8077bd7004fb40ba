//! L1 while foreign hashes are accepted: whether the duration of a refusal distinguishes an unknown user, or whose hash is of which
//! function.
//!
//! Rounds of attempts at the real login function on the embedded DynamoDB, by a clock that really waits. In each round one attempt of
//! each class starts, in random order. Each attempt has its own user name and network, so that none is throttled.
//!
//! ```text
//! cargo bench -p latchkey-tests --bench foreign_login_timing -- [ROUNDS]
//! ```

#![expect(clippy::expect_used, reason = "a measurement that can't be made has failed")]

use std::{sync::Arc, time::Instant};

use latchkey::{
    clock::Clock,
    entropy::Random,
    model::{User, UserStatus},
    password::{ForeignHash, Hasher, Hints, Password, PasswordHash},
};
use latchkey_tests::{
    database::Database,
    logins::{Logins, address},
    service::ParseUsername as _,
};
use tokio::task::JoinSet;

/// A round takes more than two seconds, and a program of the tests ends after 20 minutes.
const ROUNDS: u32 = 500;
/// Rounds that aren't counted: they open connections and touch memory.
const WARM_UP: u32 = 3;

/// Hashes of other systems, from tests/fixtures/hashes.
const FOREIGN: [(&str, &str); 5] = [
    ("bcrypt 10", "$2b$10$Dv0VlmVyXS//fjkFxrrNXOmaa1OPpwzezNW7UU6wvf3TbfcTihDwC"),
    ("pbkdf2 29,000", "$pbkdf2-sha256$29000$hlDK.f9f611rLaX0vpcy5g$4a7cP2pv3IqiLDOHpPR34JskWulV9RfOCLFuXEPT92U"),
    (
        "scrypt 2^15",
        "scrypt:32768:8:1$XpP4P4Z4J83HUcoE$049613d84e29b8488299b91cf1b8e1781b7bbd350f5a120e5cdff7e32f30f44e6adb865f658f984d26e2be087e3681474dccb54b28bfa21dddf71dd3c9db08ae",
    ),
    ("argon2id 64 MiB", "$argon2id$v=19$m=65536,t=3,p=4$n908upWHCLIa6woMAN317g$nUpcCaKSiyT0g7LQ6MWOFMcbVoCdcCefDQ3Ugrjqo5U"),
    ("wrapped SHA-1", "{SSHA}lnx5oS8jiV4umNJQJYZHLbp+Emg9cuBr"),
];

#[tokio::main]
async fn main() {
    // Cargo adds `--bench`.
    let rounds = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(ROUNDS);
    let database = Database::new().await;
    let own = Password::parse("the right password".to_owned()).expect("a password");
    let own = own.hash(&Random::system(), &mut Hasher::default()).expect("a hash");
    let mut classes = vec![("unknown user", None), ("own hash", Some(own))];
    classes.extend(FOREIGN.map(|(name, text)| (name, Some(stored(text)))));
    for (class, (_, hash)) in (0_u32..).zip(&classes) {
        let Some(hash) = hash else { continue };
        for round in 0..rounds + WARM_UP {
            add_user(&database, name_of(class, round), hash.clone()).await;
        }
    }
    let logins = Arc::new(Logins::that_wait(&database, &[("ACCEPT_FOREIGN_HASHES", "true")]));
    let mut times = vec![Vec::new(); classes.len()];
    let count = u32::try_from(classes.len()).expect("a few");
    for round in 0..rounds + WARM_UP {
        let [first]: [u8; 1] = Random::system().bytes().expect("random bytes");
        let mut attempts = JoinSet::new();
        for class in (0..count).map(|at| (at + u32::from(first)) % count) {
            let (logins, address) = (Arc::clone(&logins), address(round * count + class));
            attempts.spawn(async move { (class, refused(&logins, &address, &name_of(class, round)).await) });
        }
        for (class, took) in attempts.join_all().await {
            if let Some(times) = times.get_mut(class as usize).filter(|_| round >= WARM_UP) {
                times.push(took);
            }
        }
    }
    println!("{rounds} tries of each class, interleaved; milliseconds");
    let base = times.first().map_or(f64::NAN, |times| mean(times));
    for ((name, _), times) in classes.iter().zip(&times) {
        let spread = times.iter().fold((f64::MAX, f64::MIN), |(least, most), took| (least.min(*took), most.max(*took)));
        println!(
            "{name:<16} mean {:9.3}  least {:9.3}  most {:9.3}  to unknown {:.4}",
            mean(times),
            spread.0,
            spread.1,
            mean(times) / base
        );
    }
}

fn stored(text: &str) -> PasswordHash {
    match ForeignHash::read(text, &Hints::default()).expect("a hash") {
        ForeignHash::Slow(foreign) => foreign.into(),
        ForeignHash::Fast(fast) => fast.wrap(&Random::system(), &mut Hasher::default()).expect("a wrapped hash").into(),
        ForeignHash::NoPassword => PasswordHash::none(),
    }
}

fn name_of(class: u32, round: u32) -> String {
    format!("user{class}-{round}")
}

async fn add_user(database: &Database, name: String, password_hash: PasswordHash) {
    let user = User {
        username: name.parse_username(),
        user_id: name,
        password_hash,
        status: UserStatus::Active,
        version: 1,
        created_at: Clock::system().now(),
    };
    database.put_user(&user).await;
}

async fn refused(logins: &Logins, address: &str, username: &str) -> f64 {
    let since = Instant::now();
    let tried = logins.try_from(address, username, "a wrong password").await;
    let took = since.elapsed();
    assert_eq!(tried.status, 401, "{username}");
    took.as_secs_f64() * 1000.0
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / f64::from(u32::try_from(values.len()).unwrap_or(u32::MAX))
}
