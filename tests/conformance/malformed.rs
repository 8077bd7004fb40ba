//! B5, B6, F8, J1: at volume. Every input gets a verdict, never a panic, and never an Allow by accident.

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::DateTime;
use latchkey::{
    http::{bearer::presented_in, front::GatewayEvent},
    model::{Device, Lifetimes},
    operations::{
        Presented,
        issue::{IssuedLogin, issue_login},
    },
    store::{Item, login_item, read_login, read_session, session_item},
    token::{AccessToken, AnyToken, ImportedTokens, RefreshToken},
};
use latchkey_authorizer::AuthorizerEvent;
use latchkey_tests::seed::random;
use proptest::{collection::vec, prelude::*, sample::Index};
use serde_json::{Value, json};

fn issued() -> IssuedLogin {
    let lifetimes = Lifetimes { access: std::time::Duration::from_secs(300), refresh: std::time::Duration::from_secs(604_800) };
    let now = DateTime::from_timestamp_millis(1_800_000_000_000).unwrap();
    issue_login("user-1", Device::default(), lifetimes, None, now, &random()).unwrap()
}

/// Any JSON, a few levels deep.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((name(), inner), 0..4).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Mostly names that have a meaning.
fn name() -> impl Strategy<Value = String> {
    const KNOWN: &[&str] = &[
        "type",
        "version",
        "authorizationToken",
        "methodArn",
        "routeArn",
        "headers",
        "multiValueHeaders",
        "authorization",
        "Authorization",
        "requestContext",
        "requestId",
        "identity",
        "sourceIp",
        "body",
        "isBase64Encoded",
        "httpMethod",
        "path",
        "resource",
    ];
    prop_oneof![6 => proptest::sample::select(KNOWN).prop_map(str::to_owned), 1 => ".{0,12}"]
}

/// An item with one attribute replaced.
fn any_attribute() -> impl Strategy<Value = AttributeValue> {
    prop_oneof![
        ".{0,60}".prop_map(AttributeValue::S),
        "[0-9eE.+-]{0,50}".prop_map(AttributeValue::N),
        vec(any::<u8>(), 0..80).prop_map(|bytes| AttributeValue::B(bytes.into())),
        any::<bool>().prop_map(AttributeValue::Bool),
        Just(AttributeValue::Null(true)),
        Just(AttributeValue::L(vec![AttributeValue::Null(true)])),
        Just(AttributeValue::M(Item::new())),
        vec(".{0,8}", 0..3).prop_map(AttributeValue::Ss),
    ]
}

proptest! {
    #![proptest_config(crate::config(2_000))]

    /// A bearer token is found exactly where the rule finds one, and it is the text after the spaces.
    #[test]
    fn a_header_value_has_one_reading(value in prop_oneof!["\\PC{0,60}", "(?i:bearer)[ \t]{0,3}\\PC{0,40}"]) {
        match presented_in(&value) {
            Presented::Token(token) => {
                prop_assert!(value[..6].eq_ignore_ascii_case("bearer") && value.ends_with(token));
                prop_assert!(!token.is_empty() && !token.starts_with(' '));
                prop_assert!(value[6..value.len() - token.len()].chars().all(|space| space == ' '));
            }
            Presented::Nothing | Presented::Unusable => {}
        }
    }

    #[test]
    fn noise_is_no_token(text in prop_oneof![".{0,300}", "lk[ar]_[A-Za-z0-9_-]{252}", "[A-Za-z0-9_-]{256}"]) {
        prop_assert!(AccessToken::parse(&text).is_err());
        prop_assert!(RefreshToken::parse(&text).is_err());
        prop_assert!(AnyToken::parse(&text, ImportedTokens::Refused).is_err());
    }

    /// One character is inserted, removed, replaced or swapped, at any position.
    #[test]
    fn an_edited_token_is_no_token(place in any::<Index>(), other in any::<char>(), edit in 0..4) {
        let pair = issued().pair;
        let text: Vec<char> = pair.refresh.expose().chars().collect();
        let mut edited = text.clone();
        let place = place.index(text.len() - 1);
        match edit {
            0 => edited[place] = other,
            1 => edited.insert(place, other),
            2 => drop(edited.remove(place)),
            _ => edited.swap(place, place + 1),
        }
        let edited_text: String = edited.iter().collect();
        prop_assert_eq!(RefreshToken::parse(&edited_text).is_ok(), edited == text);
    }

    #[test]
    fn any_event_is_read_or_refused(event in any_json()) {
        let text = event.to_string();
        let _read_or_refused = serde_json::from_str::<AuthorizerEvent>(&text);
        prop_assert!(serde_json::from_str::<GatewayEvent>(&text).is_ok(), "the front answers whatever comes");
    }

    /// A valid item with one attribute removed or replaced is read correctly, or refused by the attribute's name.
    #[test]
    fn a_damaged_item_is_read_or_refused(place in any::<Index>(), attribute in proptest::option::of(any_attribute())) {
        let new = issued().new;
        for mut item in [login_item(&new.login), session_item(&new.session)] {
            let mut names: Vec<_> = item.keys().cloned().collect();
            names.sort_unstable();
            let name = &names[place.index(names.len())];
            match &attribute {
                Some(value) => drop(item.insert(name.clone(), value.clone())),
                None => drop(item.remove(name)),
            }
            for damaged in [read_login(&item).err(), read_session(&item).err()].into_iter().flatten() {
                prop_assert!(!damaged.to_string().is_empty());
            }
        }
    }
}

/// B6: a gateway event with every prefix of a valid header.
#[test]
fn every_prefix_of_a_header_is_refused() {
    let header = format!("Bearer {}", issued().pair.access.expose());
    for end in 0..header.len() {
        let event: AuthorizerEvent = serde_json::from_value(json!({"type": "TOKEN", "authorizationToken": &header[..end]})).unwrap();
        drop(event);
        if let Presented::Token(text) = presented_in(&header[..end]) {
            assert!(AccessToken::parse(text).is_err(), "{end}");
        }
    }
}
