//! Ways to damage an item, and which of them a reader must notice.

use aws_sdk_dynamodb::types::AttributeValue;
use latchkey_tests::database::Item;

/// How an attribute is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::VariantArray)]
pub(crate) enum Damage {
    Missing,
    Misspelt,
    /// A null: no attribute has that type.
    WrongType,
    /// The right type with a value that Latchkey never writes.
    WrongForm,
}

impl Damage {
    /// The damaged item.
    pub(crate) fn on(self, item: &Item, name: &str) -> Item {
        let mut item = item.clone();
        let value = item.remove(name);
        match (self, value) {
            (Self::Misspelt, Some(value)) => drop(item.insert(format!("{name}_"), value)),
            (Self::WrongType, _) => drop(item.insert(name.to_owned(), AttributeValue::Null(true))),
            (Self::WrongForm, Some(AttributeValue::N(_))) => drop(item.insert(name.to_owned(), AttributeValue::N("-1".into()))),
            (Self::WrongForm, Some(AttributeValue::B(_))) => drop(item.insert(name.to_owned(), AttributeValue::B(b"x".as_slice().into()))),
            (Self::WrongForm, Some(AttributeValue::L(_))) => {
                item.insert(name.to_owned(), AttributeValue::L(vec![AttributeValue::S("x".into())]));
            }
            (Self::WrongForm, Some(_)) => drop(item.insert(name.to_owned(), AttributeValue::S("x".into()))),
            (Self::Missing | Self::Misspelt, _) | (Self::WrongForm, None) => {}
        }
        item
    }
}

/// Never read: DynamoDB alone uses the TTL attribute, to delete expired items.
const MEANINGLESS: [&str; 1] = ["ttl"];
/// Optional attributes: a reader can't tell that one is missing.
const OPTIONAL: [&str; 8] =
    ["ends_at", "device_id", "device_name", "user_agent", "ip", "replay_key_hash", "awaits_use", "used_replay_until"];
/// Any text is valid here.
const FREE_TEXT: [&str; 6] = ["user_id", "device_id", "device_name", "user_agent", "ip", "replay_key_hash"];

/// Whether a reader can and must notice.
pub(crate) fn is_noticed(name: &str, damage: Damage) -> bool {
    match damage {
        _ if MEANINGLESS.contains(&name) => false,
        Damage::Missing | Damage::Misspelt => !OPTIONAL.contains(&name),
        Damage::WrongType => true,
        Damage::WrongForm => !FREE_TEXT.contains(&name),
    }
}
