use super::*;
use crate::token::{Access, AccessToken, RefreshToken, mint::tests::pair};

#[test]
fn a_token_reads_back_as_it_was_minted() {
    let pair = pair();
    let read = AccessToken::parse(pair.access.expose()).unwrap();
    assert_eq!(read.key(), pair.access.key());
    assert_eq!(read.generation(), pair.access.generation());
    assert_eq!(read.hash(), pair.access.hash());
    assert_eq!(read.expose().len(), TOKEN_CHARS);
    assert!(read.expose().starts_with("lka_") && is_url_safe(read.expose()));
}

#[test]
fn the_kinds_are_not_interchangeable() {
    let pair = pair();
    assert_eq!(RefreshToken::parse(pair.access.expose()).unwrap_err(), MalformedToken::Prefix);
    assert_eq!(AccessToken::parse(pair.refresh.expose()).unwrap_err(), MalformedToken::Prefix);
    let swapped = pair.refresh.expose().replacen("lkr_", "lka_", 1);
    assert_eq!(AccessToken::parse(&swapped).unwrap_err(), MalformedToken::Check);
}

/// B6: the check characters refuse them before the store is asked.
#[test]
fn every_prefix_and_every_one_character_edit_is_refused() {
    let pair = pair();
    let text = pair.access.expose();
    for end in 0..TOKEN_CHARS {
        assert_eq!(AccessToken::parse(&text[..end]).unwrap_err(), MalformedToken::Length);
    }
    for place in 0..TOKEN_CHARS {
        for other in DIGITS.iter().map(|digit| char::from(*digit)).filter(|other| !text[place..].starts_with(*other)) {
            let mut edited = text.to_owned();
            edited.replace_range(place..=place, &other.to_string());
            assert!(AccessToken::parse(&edited).is_err(), "character {place}");
        }
    }
}

#[test]
fn noise_is_named() {
    assert_eq!(AccessToken::parse("").unwrap_err(), MalformedToken::Length);
    assert_eq!(AccessToken::parse(&"é".repeat(128)).unwrap_err(), MalformedToken::Alphabet);
    assert_eq!(AccessToken::parse(&"\0".repeat(256)).unwrap_err(), MalformedToken::Alphabet);
    assert_eq!(AccessToken::parse(&"a".repeat(256)).unwrap_err(), MalformedToken::Prefix);
}

#[test]
fn a_proof_has_one_spelling() {
    let pair = pair();
    let (before, proof_end) = pair.access.expose().split_at(4 + 22 + 22 + 5 + 42);
    // The last of 43 characters carries four bits; the other two must be zero.
    let body = format!("{before}B{}", &proof_end[1..1 + SECRET_CHARS]);
    let text = format!("{body}{}", check_of(&body));
    assert_eq!(AccessToken::parse(&text).unwrap_err(), MalformedToken::Proof);
}

#[test]
fn digits_are_most_significant_first() {
    let mut text = String::new();
    push_digits(&mut text, 1, 5);
    push_digits(&mut text, Generation::MAX, 5);
    push_digits(&mut text, u32::MAX, 6);
    assert_eq!(text, "AAAAB_____D_____");
    assert_eq!(number("AAAAB"), 1);
    assert_eq!(number("_____"), Generation::MAX);
}

#[test]
fn the_check_is_crc_32_iso_hdlc() {
    // The catalogue's check value for "123456789" is cbf43926.
    let mut expected = String::new();
    push_digits(&mut expected, 0xcbf4_3926, CHECK_CHARS);
    assert_eq!(check_of("123456789"), expected);
}

#[test]
fn nothing_of_a_token_is_printed() {
    let token: Token<Access> = pair().access;
    assert_eq!(format!("{token:?}"), "[redacted]");
}

#[test]
fn each_digit_is_read_as_it_is_written() {
    for (value, digit) in (0_u32..).zip(DIGITS) {
        assert_eq!(number(&char::from(*digit).to_string()), value);
    }
    for value in [0, 1, 63, 64, 4_095, 4_096, 123_456_789, (1 << 30) - 1] {
        let mut written = String::new();
        push_digits(&mut written, value, GENERATION_CHARS);
        assert_eq!(number(&written), value, "{written}");
    }
}
