//! A header value has one reading, and what is read stands in it.
#![no_main]

use latchkey::bearer::{Presented, presented_in};

libfuzzer_sys::fuzz_target!(|value: &str| {
    if let Presented::Token(token) = presented_in(value) {
        assert!(value.ends_with(token) && !token.is_empty());
        assert!(value.as_bytes()[..6].eq_ignore_ascii_case(b"bearer"));
    }
});
