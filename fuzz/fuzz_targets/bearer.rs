//! A header value has exactly one reading: it contains a token if and only if it has the scheme, spaces and more text.
#![no_main]

use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use latchkey::{
    http::bearer::{presented, presented_in},
    operations::Presented,
};

/// RFC 6750, section 2.1: the scheme in any case, `1*SP`, the token.
fn token_by_the_rule(value: &str) -> Option<&str> {
    let (scheme, rest) = value.split_once(' ')?;
    let token = rest.trim_start_matches(' ');
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

fn token_of<'a>(presented: Presented<'a>) -> Option<&'a str> {
    match presented {
        Presented::Token(token) => Some(token),
        Presented::Nothing | Presented::Unusable => None,
    }
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        assert_eq!(token_of(presented_in(text)), token_by_the_rule(text));
    }
    if let Ok(value) = HeaderValue::from_bytes(bytes) {
        let mut headers = HeaderMap::new();
        headers.append(AUTHORIZATION, value.clone());
        assert_eq!(token_of(presented(&headers)), value.to_str().ok().and_then(token_by_the_rule));
        headers.append(AUTHORIZATION, value);
        assert!(presented(&headers) == Presented::Unusable, "two headers are never one token");
    }
});
