//! The bodies of requests: JSON with known members only.

use std::{collections::BTreeMap, fmt, marker::PhantomData};

use lambda_http::{Request, RequestExt as _};
use latchkey::{
    http::{
        json::{NotRead, json_body},
        problem::{Problem, ProblemCode},
    },
    ids::USER_ID_MAX_BYTES,
    telling::log::{Event, Fields, log},
};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error, MapAccess, Visitor},
};

/// Reads the members of a JSON body. An unknown one is refused, because it may be a misspelt restriction. `takes` says which are
/// known: serde's own messages quote the body.
pub(crate) fn members<T: DeserializeOwned>(request: &Request, takes: &'static str, fields: Fields<'_>) -> Result<T, Problem> {
    no_query(request, fields)?;
    let body = json_body(request).map_err(|not_read| {
        log(Event::RequestMalformed, Fields { reason: Some(&not_read.to_string()), ..fields }, None);
        match not_read {
            NotRead::TooLarge => Problem::from(ProblemCode::PayloadTooLarge),
            NotRead::MediaType => ProblemCode::UnsupportedMediaType.into(),
            NotRead::Unreadable => Problem::invalid_request("the body can't be read"),
        }
    })?;
    serde_json::from_slice(body).map_err(|_| malformed(takes, fields))
}

/// Ids belong into the body: a URL is logged, and clients of AWS sign a `+` in it in different ways.
pub(crate) fn no_query(request: &Request, fields: Fields<'_>) -> Result<(), Problem> {
    if request.query_string_parameters().is_empty() { Ok(()) } else { Err(malformed("the back office takes no query parameters", fields)) }
}

/// A request in the wrong form, logged.
pub(crate) fn malformed(detail: &'static str, fields: Fields<'_>) -> Problem {
    log(Event::RequestMalformed, Fields { reason: Some(detail), ..fields }, None);
    Problem::invalid_request(detail)
}

/// A user's id, of any characters.
#[derive(Debug)]
pub(crate) struct UserId(pub(crate) String);

impl<'de> Deserialize<'de> for UserId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if (1..=USER_ID_MAX_BYTES).contains(&text.len()) { Ok(Self(text)) } else { Err(Error::custom("length")) }
    }
}

/// An object of any names. A name given twice is refused: of two roles, serde would take the last.
pub(crate) fn named<'de, D, V>(deserializer: D) -> Result<BTreeMap<String, V>, D::Error>
where
    D: Deserializer<'de>,
    V: Deserialize<'de>,
{
    struct Names<V>(PhantomData<V>);

    impl<'de, V: Deserialize<'de>> Visitor<'de> for Names<V> {
        type Value = BTreeMap<String, V>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
            let mut read = BTreeMap::new();
            while let Some((name, value)) = members.next_entry()? {
                if read.insert(name, value).is_some() {
                    return Err(Error::custom("a name given twice"));
                }
            }
            Ok(read)
        }
    }

    deserializer.deserialize_map(Names(PhantomData))
}
