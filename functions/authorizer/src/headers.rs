//! The headers of an event, as its gateway sends them.

use std::{collections::HashMap, fmt};

use latchkey::{
    http::bearer::{presented_in, presented_in_sub_protocols},
    operations::Presented,
};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, SeqAccess, Visitor},
};

/// Headers by name, in any case.
#[derive(Default, Deserialize)]
pub(crate) struct Headers(HashMap<String, Values>);

/// The values of one header: a text (API Gateway's `headers`), a list (`multiValueHeaders`, and the `headers` of VPC Lattice), or `null`.
struct Values(Vec<String>);

impl Headers {
    /// The credentials of a request. Two `Authorization` headers are refused.
    pub(crate) fn presented(&self) -> Presented<'_> {
        match self.sent("authorization") {
            Sent::Nothing => Presented::Nothing,
            Sent::Once(value) => presented_in(value),
            Sent::Repeatedly => Presented::Unusable,
        }
    }

    /// The credentials of a WebSocket's handshake: in `Authorization`, or from a browser among the sub-protocols. Both together are refused,
    /// because another reader might choose the other.
    pub(crate) fn presented_in_handshake(&self) -> Presented<'_> {
        let by_protocol = match self.sent("sec-websocket-protocol") {
            Sent::Nothing => Presented::Nothing,
            Sent::Once(list) => presented_in_sub_protocols(list),
            Sent::Repeatedly => Presented::Unusable,
        };
        match (by_protocol, self.sent("authorization")) {
            (Presented::Nothing, _) => self.presented(),
            (by_protocol, Sent::Nothing) => by_protocol,
            (_, Sent::Once(_) | Sent::Repeatedly) => Presented::Unusable,
        }
    }

    fn sent(&self, name: &str) -> Sent<'_> {
        let mut values = self.0.iter().filter(|(each, _)| each.eq_ignore_ascii_case(name)).flat_map(|(_, values)| &values.0);
        match (values.next(), values.next()) {
            (None, _) => Sent::Nothing,
            (Some(value), None) => Sent::Once(value),
            (Some(_), Some(_)) => Sent::Repeatedly,
        }
    }
}

/// How often a header was sent.
enum Sent<'a> {
    Nothing,
    Once(&'a str),
    Repeatedly,
}

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOrList).map(Self)
    }
}

struct TextOrList;

impl<'de> Visitor<'de> for TextOrList {
    type Value = Vec<String>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a header's value: a text, a list of texts, or null")
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(vec![value.to_owned()])
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::with_capacity(list.size_hint().unwrap_or(1));
        while let Some(value) = list.next_element::<Option<String>>()? {
            values.extend(value);
        }
        Ok(values)
    }
}

/// That a member is present, with any value.
pub(crate) fn is_there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Option::<IgnoredAny>::deserialize(deserializer)?.is_some())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn shown(presented: Presented<'_>) -> String {
        match presented {
            Presented::Nothing => "nothing".into(),
            Presented::Unusable => "unusable".into(),
            Presented::Token(token) => token.into(),
        }
    }

    fn seen(headers: Value) -> String {
        shown(serde_json::from_value::<Headers>(headers).unwrap().presented())
    }

    fn in_handshake(headers: Value) -> String {
        shown(serde_json::from_value::<Headers>(headers).unwrap().presented_in_handshake())
    }

    #[test]
    fn a_header_is_a_text_a_list_or_null() {
        assert_eq!(seen(json!({"Authorization": "Bearer a"})), "a");
        assert_eq!(seen(json!({"AUTHORIZATION": ["Bearer a"]})), "a");
        assert_eq!(seen(json!({"authorization": ["Bearer a", "Bearer a"]})), "unusable");
        assert_eq!(seen(json!({"authorization": "Bearer a", "Authorization": ["Bearer b"]})), "unusable");
        for nothing in [json!(null), json!([]), json!([null]), json!("")] {
            assert_eq!(seen(json!({"authorization": nothing})), "nothing");
        }
        assert!(serde_json::from_value::<Headers>(json!({"authorization": 7})).is_err(), "no gateway sends a number");
    }

    #[test]
    fn a_handshake_has_one_of_the_two() {
        assert_eq!(in_handshake(json!({"Sec-WebSocket-Protocol": "latchkey, a"})), "a");
        assert_eq!(in_handshake(json!({"sec-websocket-protocol": ["latchkey,a"]})), "a");
        assert_eq!(in_handshake(json!({"Authorization": "Bearer a"})), "a");
        assert_eq!(in_handshake(json!({"Authorization": "Bearer a", "Sec-WebSocket-Protocol": "graphql-transport-ws"})), "a");
        assert_eq!(in_handshake(json!({"Authorization": "Bearer a", "Sec-WebSocket-Protocol": "latchkey, a"})), "unusable");
        assert_eq!(in_handshake(json!({"Authorization": "", "Sec-WebSocket-Protocol": "latchkey, a"})), "unusable");
        assert_eq!(in_handshake(json!({"Sec-WebSocket-Protocol": ["latchkey", "a"]})), "unusable", "one line, as browsers send it");
        assert_eq!(in_handshake(json!({"Sec-WebSocket-Protocol": "graphql-transport-ws"})), "nothing");
        assert_eq!(in_handshake(json!({})), "nothing");
        assert_eq!(seen(json!({"Sec-WebSocket-Protocol": "latchkey, a"})), "nothing", "in a handshake only");
    }
}
