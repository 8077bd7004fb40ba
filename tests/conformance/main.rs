//! Code equals model: random sequences of logins, refreshes, calls, logouts, "log out everywhere", clock jumps and mishaps on
//! the way to DynamoDB, through the real handlers, against a reference that is written from the decision tables alone. What fails is shrunk to the shortest sequence.

#![expect(clippy::unwrap_used, clippy::panic, clippy::string_slice, reason = "in a test each is a failure, as it should be")]

mod malformed;
mod reference;
mod system;

use proptest::test_runner::Config;
use proptest_state_machine::prop_state_machine;

use system::Handlers;

/// 256 sequences by default; 10,000 with `LATCHKEY_ASSURANCE=full`.
fn sequences() -> u32 {
    #[expect(clippy::disallowed_methods, reason = "the size of the run is told by a variable")]
    let full = std::env::var("LATCHKEY_ASSURANCE").is_ok_and(|size| size == "full");
    if full { 10_000 } else { 256 }
}

prop_state_machine! {
    #![proptest_config(Config { cases: sequences(), failure_persistence: None, ..Config::default() })]

    #[test]
    fn the_handlers_answer_as_the_reference_says(sequential 1..25 => Handlers);
}
