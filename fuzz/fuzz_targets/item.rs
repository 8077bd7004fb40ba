//! Every item is read or refused by name, and an item that is read is written back the same.
#![no_main]

use aws_sdk_dynamodb::types::AttributeValue;
use latchkey::{
    ids::Generation,
    store::{Item, login_item, read_login, read_session, session_item},
};

libfuzzer_sys::fuzz_target!(|json: &str| {
    let Ok(serde_json::Value::Object(members)) = serde_json::from_str(json) else { return };
    let item: Item = members.into_iter().map(|(name, value)| (name, attribute(value))).collect();
    if let Ok(login) = read_login(&item) {
        assert_eq!(read_login(&login_item(&login)), Ok(login));
    }
    if let Ok(session) = read_session(&item) {
        // If a successor lost its predecessor's name, each replay would look like reuse.
        assert!(session.predecessor.is_some() || session.generation == Generation::FIRST);
        assert_eq!(read_session(&session_item(&session)), Ok(session));
    }
});

fn attribute(value: serde_json::Value) -> AttributeValue {
    use serde_json::Value;
    match value {
        Value::Null => AttributeValue::Null(true),
        Value::Bool(bool) => AttributeValue::Bool(bool),
        Value::Number(number) => AttributeValue::N(number.to_string()),
        Value::String(text) => AttributeValue::S(text),
        Value::Array(values) => match values.iter().map(|byte| byte.as_u64().and_then(|byte| u8::try_from(byte).ok())).collect() {
            Some(bytes) => AttributeValue::B(Vec::<u8>::into(bytes)),
            None => AttributeValue::L(values.into_iter().map(attribute).collect()),
        },
        Value::Object(members) => AttributeValue::M(members.into_iter().map(|(name, value)| (name, attribute(value))).collect()),
    }
}
