//! What the functions of a test are given.

use latchkey::{
    clock::Clock,
    limits::Limits,
    password::{Costs, Hasher, Hashing, Password, PasswordHash},
};
use latchkey_cli::linked::Given;

use crate::seed::random;

/// The least costs, because the tests log in many thousands of times.
pub const TEST_COSTS: Costs = Costs::LEAST;

/// A generator of the running test's own, and the least costs.
#[must_use]
pub fn given(clock: Clock, limits: Limits) -> Given {
    let random = random();
    let hashing = Hashing::new(TEST_COSTS, random.clone());
    Given { clock, random, limits, hashing }
}

/// The hash of a password with the least costs.
///
/// # Panics
/// If the password is too long.
#[must_use]
pub fn hash_of(password: &str) -> PasswordHash {
    let password = Password::parse(password.to_owned()).expect("a password");
    password.hash(&random(), &mut Hasher::new(TEST_COSTS)).expect("a hash")
}
