//! One seed for all that a test program draws, so that a failing sequence can be run again.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::{Mutex, OnceLock, PoisonError},
    thread,
};

use latchkey::entropy::{NoEntropy, Random};
use proptest::{
    prelude::Rng as _,
    test_runner::{RngAlgorithm, TestRng},
};

/// The seed of this process: `LATCHKEY_SEED`, or a new one.
fn seed_of_process() -> u64 {
    static SEED: OnceLock<u64> = OnceLock::new();
    #[expect(clippy::disallowed_methods, reason = "an environment variable replays a run")]
    *SEED.get_or_init(|| match std::env::var("LATCHKEY_SEED") {
        Ok(seed) => seed.parse().expect("LATCHKEY_SEED is a whole number"),
        Err(_) => Random::system().bytes().map(u64::from_be_bytes).expect("random bytes"),
    })
}

/// The seed of the running test, which depends on the process's seed and the test's name alone. `program` is the test's
/// binary. The command that replays the test is printed; the test runner shows it if the test fails.
pub fn seed_of_test(program: &str) -> u64 {
    let (seed, test) = (seed_of_process(), name_of_test());
    println!("to replay: LATCHKEY_SEED={seed} cargo test -p latchkey-tests --test {program} {test}");
    derived(seed, &test)
}

/// A generator for one service or user of the running test. Each call returns another one, so that two services on the same
/// tables never issue the same ids.
#[must_use]
pub fn random() -> Random {
    static CALLS: Mutex<Option<HashMap<String, u64>>> = Mutex::new(None);
    let test = name_of_test();
    let call = {
        let mut calls = CALLS.lock().unwrap_or_else(PoisonError::into_inner);
        let call = calls.get_or_insert_default().entry(test.clone()).or_default();
        *call += 1;
        *call
    };
    seeded(derived(seed_of_process(), &format!("{test} {call}")))
}

/// A generator that starts from `seed`.
#[must_use]
pub fn seeded(seed: u64) -> Random {
    let bytes: Vec<u8> = (0..4).flat_map(|part| derived(seed, &format!("part {part}")).to_be_bytes()).collect();
    let generator = Mutex::new(TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    Random::from_fn(move |bytes| {
        generator.lock().map_err(|_| NoEntropy)?.fill_bytes(bytes);
        Ok(())
    })
}

/// Another seed, from a seed and a label.
#[must_use]
pub fn derived(seed: u64, label: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (seed, label).hash(&mut hasher);
    hasher.finish()
}

/// The test runner names the thread of each test after it.
fn name_of_test() -> String {
    thread::current().name().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_bytes_again() {
        let draw = |seed| seeded(seed).bytes::<32>();
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert_ne!(derived(1, "a"), derived(1, "b"));
    }

    #[test]
    fn two_generators_of_a_test_differ() {
        assert_ne!(random().bytes::<32>(), random().bytes::<32>());
    }
}
