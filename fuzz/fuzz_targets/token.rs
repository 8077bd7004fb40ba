//! A text is read as a token where it has the form of one and its check characters hold, and nowhere else; what is read
//! says what stands in the text; and no edit of one character is read as well.
#![no_main]

use std::fmt::Debug;

use latchkey::token::{
    Access, AccessToken, AnyToken, ImportedTokens, Kind, MalformedToken, Refresh, RefreshToken, TOKEN_CHARS, Token, TokenHash,
};

const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const CHECKED: usize = 250;

libfuzzer_sys::fuzz_target!(|text: &str| {
    reads_alike(text);
    // Noise hardly ever guesses its own CRC, so what lies behind the check is reached by writing the right one.
    let formed = formed(text);
    match AnyToken::parse(&formed, ImportedTokens::Refused) {
        Ok(_) => reads_alike(&formed),
        Err(malformed) => assert_eq!(malformed, MalformedToken::Proof),
    }
});

fn reads_alike(text: &str) {
    let (access, refresh, any) = (AccessToken::parse(text), RefreshToken::parse(text), AnyToken::parse(text, ImportedTokens::Refused));
    match (access, refresh, any) {
        (Ok(token), Err(_), Ok(AnyToken::Access(_))) => says_what_stands_there::<Access>(text, &token),
        (Err(_), Ok(token), Ok(AnyToken::Refresh(_))) => says_what_stands_there::<Refresh>(text, &token),
        (Err(_), Err(_), Err(_)) => {}
        _ => panic!("two kinds, or one of the parsers disagrees"),
    }
}

fn says_what_stands_there<K: Kind + Debug>(text: &str, token: &Token<K>) {
    assert_eq!((text.len(), token.expose()), (TOKEN_CHARS, text));
    assert!(text.starts_with(K::PREFIX));
    assert_eq!(token.key().user_key.as_str(), &text[4..26]);
    assert_eq!(token.key().login_id.as_str(), &text[26..48]);
    assert_eq!(digits(token.generation().number(), 5), text[48..53]);
    assert_eq!(digits(crc32fast::hash(text[..CHECKED].as_bytes()), 6), text[CHECKED..]);
    assert_eq!(TokenHash::parse(&token.hash().to_text()), Some(token.hash()));
    assert_eq!(format!("{token:?}"), "[redacted]");

    for place in 0..TOKEN_CHARS {
        let mut edited = text.to_owned();
        let other = if &text[place..=place] == "A" { "B" } else { "A" };
        edited.replace_range(place..=place, other);
        assert!(Token::<K>::parse(&edited).is_err(), "character {place}");
    }
}

/// The URL-safe characters of the text, as a token with its right prefix and check.
fn formed(text: &str) -> String {
    let prefix = if text.starts_with("lkr_") { "lkr_" } else { "lka_" };
    let body = text.chars().skip(4).filter(|char| DIGITS.contains(*char)).chain(std::iter::repeat('A'));
    let checked: String = prefix.chars().chain(body).take(CHECKED).collect();
    let check = digits(crc32fast::hash(checked.as_bytes()), 6);
    checked + &check
}

/// A number in base64url digits, most significant first.
fn digits(mut number: u32, count: usize) -> String {
    let mut digits = vec![' '; count];
    for digit in digits.iter_mut().rev() {
        *digit = char::from(DIGITS.as_bytes()[usize::try_from(number % 64).unwrap()]);
        number /= 64;
    }
    digits.into_iter().collect()
}
