//! The code behaves like the reference, which is written from the decision tables alone. Random sequences of logins,
//! refreshes, calls, logouts, "log out everywhere", clock jumps and store faults run through the real handlers. A failing
//! sequence is shrunk to the shortest one.

#![expect(clippy::unwrap_used, clippy::panic, clippy::string_slice, reason = "a panic fails the test, as intended")]

mod malformed;
mod reference;
mod system;

use latchkey_tests::seed::seed_of_test;
use proptest::test_runner::{Config, RngSeed};
use proptest_state_machine::prop_state_machine;

use system::Handlers;

/// 256 sequences in total by default; 10,000 with `LATCHKEY_ASSURANCE=full`.
fn share() -> u32 {
    #[expect(clippy::disallowed_methods, reason = "an environment variable sets the size of the run")]
    let full = std::env::var("LATCHKEY_ASSURANCE").is_ok_and(|size| size == "full");
    (if full { 10_000 } else { 256 }) / 8
}

/// Each test has its own sequences, from its own seed.
fn config(cases: u32) -> Config {
    Config { cases, failure_persistence: None, rng_seed: RngSeed::Fixed(seed_of_test("conformance")), ..Config::default() }
}

/// Parts run in parallel: most of the time goes into waiting for answers that are lost on purpose.
macro_rules! side_by_side {
    ($($share:ident)*) => {
        prop_state_machine! {
            #![proptest_config(config(share()))]
            $(
                #[test]
                fn $share(sequential 1..25 => Handlers);
            )*
        }
    };
}

side_by_side! {
    the_handlers_answer_as_the_reference_says_1 the_handlers_answer_as_the_reference_says_2
    the_handlers_answer_as_the_reference_says_3 the_handlers_answer_as_the_reference_says_4
    the_handlers_answer_as_the_reference_says_5 the_handlers_answer_as_the_reference_says_6
    the_handlers_answer_as_the_reference_says_7 the_handlers_answer_as_the_reference_says_8
}
