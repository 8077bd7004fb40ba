//! A text that is read as a token is the token's own text, and of one kind.
#![no_main]

use latchkey::token::{AccessToken, RefreshToken, TOKEN_CHARS};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let (access, refresh) = (AccessToken::parse(text), RefreshToken::parse(text));
    assert!(access.is_err() || refresh.is_err());
    if let Ok(token) = access {
        assert_eq!(token.expose(), text);
        assert_eq!(text.len(), TOKEN_CHARS);
    }
});
