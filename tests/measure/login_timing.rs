//! L1: whether the duration of a refusal distinguishes an unknown user from a wrong password.
//!
//! Interleaved attempts at the real login function on the embedded DynamoDB. Each pair of attempts, in random order, has
//! one for an existing user and one for an unknown name. Each attempt has its own user name and network, so that none is
//! throttled.
//!
//! ```text
//! cargo bench -p latchkey-tests --bench login_timing -- [PAIRS]
//! ```

#![expect(clippy::expect_used, reason = "a measurement that can't be made has failed")]

use std::time::{Duration, Instant};

use latchkey::{
    entropy::Random,
    model::{User, UserStatus},
    password::{Hasher, Password},
};
use latchkey_tests::{
    database::Database,
    logins::{Logins, address},
    service::ParseUsername as _,
};

const PAIRS: u32 = 1000;
/// Warm-up attempts that aren't counted: they open connections and touch memory.
const WARM_UP: u32 = 20;

#[tokio::main]
async fn main() {
    // Cargo adds `--bench`.
    let pairs = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(PAIRS);
    let database = Database::new().await;
    add_users(&database, pairs + WARM_UP).await;
    let logins = Logins::that_hash_as_in_production(&database, &[]);
    let (mut unknown, mut wrong) = (Vec::new(), Vec::new());
    for n in 0..pairs + WARM_UP {
        let [coin]: [u8; 1] = Random::system().bytes().expect("random bytes");
        let order = if coin % 2 == 0 { [true, false] } else { [false, true] };
        for exists in order {
            let name = if exists { format!("user{n}") } else { format!("none{n}") };
            let took = refused(&logins, &address(2 * n + u32::from(exists)), &name).await;
            if n >= WARM_UP {
                if exists { wrong.push(took) } else { unknown.push(took) }
            }
        }
    }
    report(&unknown, &wrong);
}

async fn add_users(database: &Database, count: u32) {
    let hash = Password::parse("the right password".to_owned())
        .expect("a password")
        .hash(&Random::system(), &mut Hasher::default())
        .expect("a hash");
    for n in 0..count {
        let name = format!("user{n}");
        let user = User {
            username: name.parse_username(),
            user_id: name,
            password_hash: hash.clone(),
            status: UserStatus::Active,
            version: 1,
            created_at: latchkey::clock::Clock::system().now(),
        };
        database.put_user(&user).await;
    }
}

async fn refused(logins: &Logins, address: &str, username: &str) -> f64 {
    let since = Instant::now();
    let tried = logins.try_from(address, username, "a wrong password").await;
    let took = since.elapsed();
    assert_eq!(tried.status, 401, "{username}");
    milliseconds(took)
}

fn milliseconds(took: Duration) -> f64 {
    took.as_secs_f64() * 1000.0
}

fn report(unknown: &[f64], wrong: &[f64]) {
    println!("{} tries, interleaved; milliseconds", unknown.len() + wrong.len());
    for (what, times) in [("unknown user", unknown), ("wrong password", wrong)] {
        println!("{what:<15} mean {:7.3}  median {:7.3}", mean(times), median(times));
    }
    let differences: Vec<f64> = unknown.iter().zip(wrong).map(|(unknown, wrong)| unknown - wrong).collect();
    // Pairs are independent, even if the machine slows down for a while: 1.96 standard errors of their mean.
    let margin = 1.96 * (variance(&differences) / count(&differences)).sqrt();
    let (difference, base) = (mean(&differences), mean(wrong));
    println!(
        "unknown / wrong: means {:.4}, 95 % within [{:.4}, {:.4}]; medians {:.4}",
        1.0 + difference / base,
        1.0 + (difference - margin) / base,
        1.0 + (difference + margin) / base,
        median(unknown) / median(wrong),
    );
}

fn count(values: &[f64]) -> f64 {
    f64::from(u32::try_from(values.len()).unwrap_or(u32::MAX))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / count(values)
}

fn variance(values: &[f64]) -> f64 {
    let mean = mean(values);
    values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count(values) - 1.0)
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}
