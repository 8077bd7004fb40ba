//! Logins and sessions as DynamoDB items, and back.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    clock::{parse_rfc3339, rfc3339},
    ids::{Generation, LoginId, LoginKey, UserKey},
    session::{Device, Login, Predecessor, ReplayKeyHash, Session},
    token::{ProofHash, SealedSeed, TokenHash},
};

/// A DynamoDB item, as the SDK has it.
pub type Item = HashMap<String, AttributeValue>;

/// The version of the items' form. A reader refuses a newer one instead of guessing.
const SCHEMA: u32 = 1;

/// An item that Latchkey didn't write so. Names the item's kind and the attribute, never a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{item} item: `{attribute}` {problem}")]
pub struct ItemError {
    /// Which kind of item, by the shape of its key.
    pub item: &'static str,
    /// The attribute.
    pub attribute: &'static str,
    /// What is wrong with it.
    pub problem: &'static str,
}

/// `ttl` is garbage collection only, a day after the item has lost its meaning. Nothing is ever decided by it.
pub(super) fn ttl(expires_at: DateTime<Utc>) -> AttributeValue {
    number((expires_at + TimeDelta::days(1)).timestamp())
}

pub(super) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(super) fn number(value: impl std::fmt::Display + Copy) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

pub(super) fn time(value: DateTime<Utc>) -> AttributeValue {
    text(rfc3339(value))
}

pub(super) fn times(values: &[DateTime<Utc>]) -> AttributeValue {
    AttributeValue::L(values.iter().copied().map(time).collect())
}

pub(super) fn key(user_key: &UserKey, sk: impl Into<String>) -> Item {
    [("user_key".into(), text(user_key.as_str())), ("sk".into(), text(sk))].into()
}

pub(super) fn login_key(key_: &LoginKey) -> Item {
    key(&key_.user_key, key_.login_id.as_str())
}

/// Ten digits, so that generations sort as text.
pub(super) fn session_sk(login_id: &LoginId, generation: Generation) -> String {
    format!("{login_id}#{:010}", generation.number())
}

pub(super) fn session_key(key_: &LoginKey, generation: Generation) -> Item {
    key(&key_.user_key, session_sk(&key_.login_id, generation))
}

fn put(item: &mut Item, name: &str, value: AttributeValue) {
    item.insert(name.into(), value);
}

fn put_some(item: &mut Item, name: &str, value: Option<AttributeValue>) {
    if let Some(value) = value {
        put(item, name, value);
    }
}

/// Writes a login as an item.
#[must_use]
pub fn login_item(login: &Login) -> Item {
    let mut item = login_key(&login.key);
    put(&mut item, "schema", number(SCHEMA));
    put(&mut item, "user_id", text(&login.user_id));
    put(&mut item, "login_id", text(login.key.login_id.as_str()));
    put(&mut item, "generation", number(login.generation.number()));
    put(&mut item, "access_proof_hash", text(login.access_proof_hash.to_text()));
    put(&mut item, "refresh_proof_hash", text(login.refresh_proof_hash.to_text()));
    put(&mut item, "logged_in_at", time(login.logged_in_at));
    put(&mut item, "last_refreshed_at", time(login.last_refreshed_at));
    put(&mut item, "recent_replay_untils", times(&login.recent_replay_untils));
    put(&mut item, "refresh_token_expires_at", time(login.refresh_token_expires_at));
    put_some(&mut item, "ends_at", login.ends_at.map(time));
    put_some(&mut item, "device_id", login.device.id.as_deref().map(text));
    put_some(&mut item, "device_name", login.device.name.as_deref().map(text));
    put_some(&mut item, "user_agent", login.device.user_agent.as_deref().map(text));
    put_some(&mut item, "ip", login.device.ip.as_deref().map(text));
    put(&mut item, "ttl", ttl(login.refresh_token_expires_at));
    item
}

/// Writes a session as an item.
#[must_use]
pub fn session_item(session: &Session) -> Item {
    let mut item = session_key(&session.key, session.generation);
    put(&mut item, "schema", number(SCHEMA));
    put(&mut item, "user_id", text(&session.user_id));
    put(&mut item, "login_id", text(session.key.login_id.as_str()));
    put(&mut item, "generation", number(session.generation.number()));
    put(&mut item, "access_token_hash", text(session.access_token_hash.to_text()));
    put(&mut item, "access_token_expires_at", time(session.access_token_expires_at));
    put(&mut item, "refresh_token_hash", text(session.refresh_token_hash.to_text()));
    put(&mut item, "refresh_token_expires_at", time(session.refresh_token_expires_at));
    put(&mut item, "created_at", time(session.created_at));
    if let Some(predecessor) = &session.predecessor {
        put(&mut item, "replaces", text(predecessor.refresh_token_hash.to_text()));
        put(&mut item, "replay_until", time(predecessor.replay_until));
        put_some(&mut item, "replay_key_hash", predecessor.replay_key.as_ref().map(|key| text(&key.0)));
        put(&mut item, "sealed", AttributeValue::B(predecessor.sealed.as_bytes().into()));
    }
    put(&mut item, "ttl", ttl(session.refresh_token_expires_at));
    item
}

/// Reads an item's attributes, naming the first that is not as written.
pub(super) struct Reader<'a> {
    pub(super) item: &'a Item,
    pub(super) kind: &'static str,
}

impl<'a> Reader<'a> {
    pub(super) fn wrong(&self, attribute: &'static str, problem: &'static str) -> ItemError {
        ItemError { item: self.kind, attribute, problem }
    }

    pub(super) fn optional_text(&self, name: &'static str) -> Result<Option<&'a str>, ItemError> {
        match self.item.get(name) {
            None => Ok(None),
            Some(AttributeValue::S(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(name, "is not a string")),
        }
    }

    pub(super) fn text(&self, name: &'static str) -> Result<&'a str, ItemError> {
        self.optional_text(name)?.ok_or_else(|| self.wrong(name, "is missing"))
    }

    pub(super) fn parsed<T>(&self, name: &'static str, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, ItemError> {
        parse(self.text(name)?).ok_or_else(|| self.wrong(name, "is malformed"))
    }

    pub(super) fn optional_number<T: std::str::FromStr>(&self, name: &'static str) -> Result<Option<T>, ItemError> {
        match self.item.get(name) {
            None => Ok(None),
            Some(AttributeValue::N(digits)) => digits.parse().map(Some).map_err(|_| self.wrong(name, "is out of range")),
            Some(_) => Err(self.wrong(name, "is not a number")),
        }
    }

    pub(super) fn number<T: std::str::FromStr>(&self, name: &'static str) -> Result<T, ItemError> {
        self.optional_number(name)?.ok_or_else(|| self.wrong(name, "is missing"))
    }

    pub(super) fn time(&self, name: &'static str) -> Result<DateTime<Utc>, ItemError> {
        self.parsed(name, parse_rfc3339)
    }

    pub(super) fn optional_time(&self, name: &'static str) -> Result<Option<DateTime<Utc>>, ItemError> {
        if self.item.contains_key(name) { self.time(name).map(Some) } else { Ok(None) }
    }

    fn times(&self, name: &'static str) -> Result<Vec<DateTime<Utc>>, ItemError> {
        let Some(AttributeValue::L(list)) = self.item.get(name) else {
            return Err(self.wrong(name, "is not a list"));
        };
        list.iter()
            .map(|each| each.as_s().ok().and_then(|text| parse_rfc3339(text)).ok_or_else(|| self.wrong(name, "is malformed")))
            .collect()
    }

    fn generation(&self) -> Result<Generation, ItemError> {
        Generation::new(self.number("generation")?).ok_or_else(|| self.wrong("generation", "is out of range"))
    }

    fn key(&self) -> Result<LoginKey, ItemError> {
        Ok(LoginKey {
            user_key: self.parsed("user_key", |text| UserKey::parse(text).ok())?,
            login_id: self.parsed("login_id", |text| LoginId::parse(text).ok())?,
        })
    }

    pub(super) fn check_schema(&self) -> Result<(), ItemError> {
        if self.number::<u32>("schema")? > SCHEMA { Err(self.wrong("schema", "is newer than this version of Latchkey")) } else { Ok(()) }
    }
}

/// Reads a login item.
///
/// # Errors
/// [`ItemError`] names the first attribute that is not as [`login_item`] writes it.
pub fn read_login(item: &Item) -> Result<Login, ItemError> {
    let read = Reader { item, kind: "login" };
    read.check_schema()?;
    let owned = |text: Option<&str>| text.map(str::to_owned);
    Ok(Login {
        key: read.key()?,
        user_id: read.text("user_id")?.to_owned(),
        generation: read.generation()?,
        access_proof_hash: read.parsed("access_proof_hash", ProofHash::parse)?,
        refresh_proof_hash: read.parsed("refresh_proof_hash", ProofHash::parse)?,
        logged_in_at: read.time("logged_in_at")?,
        last_refreshed_at: read.time("last_refreshed_at")?,
        recent_replay_untils: read.times("recent_replay_untils")?,
        refresh_token_expires_at: read.time("refresh_token_expires_at")?,
        ends_at: read.optional_time("ends_at")?,
        device: Device {
            id: owned(read.optional_text("device_id")?),
            name: owned(read.optional_text("device_name")?),
            user_agent: owned(read.optional_text("user_agent")?),
            ip: owned(read.optional_text("ip")?),
        },
    })
}

/// Reads a session item.
///
/// # Errors
/// [`ItemError`] names the first attribute that is not as [`session_item`] writes it.
pub fn read_session(item: &Item) -> Result<Session, ItemError> {
    let read = Reader { item, kind: "session" };
    read.check_schema()?;
    let predecessor = match read.optional_text("replaces")? {
        None => None,
        Some(_) => Some(Predecessor {
            refresh_token_hash: read.parsed("replaces", TokenHash::parse)?,
            replay_until: read.time("replay_until")?,
            replay_key: read.optional_text("replay_key_hash")?.map(|hash| ReplayKeyHash(hash.to_owned())),
            sealed: match item.get("sealed") {
                Some(AttributeValue::B(bytes)) => SealedSeed::parse(bytes.as_ref()).ok_or_else(|| read.wrong("sealed", "is malformed"))?,
                _ => return Err(read.wrong("sealed", "is not binary")),
            },
        }),
    };
    Ok(Session {
        key: read.key()?,
        user_id: read.text("user_id")?.to_owned(),
        generation: read.generation()?,
        access_token_hash: read.parsed("access_token_hash", TokenHash::parse)?,
        access_token_expires_at: read.time("access_token_expires_at")?,
        refresh_token_hash: read.parsed("refresh_token_hash", TokenHash::parse)?,
        refresh_token_expires_at: read.time("refresh_token_expires_at")?,
        created_at: read.time("created_at")?,
        predecessor,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::states::Chain;

    #[test]
    fn items_read_back_as_they_were_written() {
        let chain = Chain::of(5);
        let login = Login {
            ends_at: Some(chain.now()),
            device: Device {
                id: Some("0123456789abcdef".into()),
                name: Some("Ada’s phone".into()),
                user_agent: None,
                ip: Some("192.0.2.1".into()),
            },
            ..chain.login()
        };
        assert_eq!(read_login(&login_item(&login)), Ok(login));
        for generation in [0, 5] {
            let session = chain.session(generation);
            assert_eq!(read_session(&session_item(&session)), Ok(session));
        }
    }

    /// CASES F8: each attribute missing, mistyped and misspelt is an error that names it; none is a panic.
    #[test]
    fn a_damaged_item_is_an_error_that_names_the_attribute() {
        let chain = Chain::of(5);
        let optional = ["ends_at", "device_id", "device_name", "user_agent", "ip", "replay_key_hash", "replaces", "ttl", "sk"];
        for (item, read) in [
            (login_item(&chain.login()), (|item| read_login(item).err()) as fn(&Item) -> Option<ItemError>),
            (session_item(&chain.session(5)), |item| read_session(item).err()),
        ] {
            for name in item.keys().filter(|name| !optional.contains(&name.as_str())) {
                for damage in [None, Some(AttributeValue::Bool(true)), Some(text("x")), Some(number(-1))] {
                    let mut damaged = item.clone();
                    let is_right = matches!((name.as_str(), &damage), ("user_id", Some(AttributeValue::S(_))));
                    match damage {
                        None => damaged.remove(name),
                        Some(value) => damaged.insert(name.clone(), value),
                    };
                    if !is_right {
                        assert_eq!(read(&damaged).map(|error| error.attribute), Some(name.as_str()), "{name}");
                    }
                }
            }
        }
    }

    /// A newer version wrote it: refuse rather than guess.
    #[test]
    fn a_newer_schema_is_refused() {
        let mut item = login_item(&Chain::of(0).login());
        item.insert("schema".into(), number(SCHEMA + 1));
        assert_eq!(read_login(&item).unwrap_err().attribute, "schema");
    }

    #[test]
    fn the_longest_permitted_fields_stay_under_one_write_unit() {
        let chain = Chain::of(5);
        let full = |text: &str, bytes: usize| Some(text.repeat(bytes / text.len()));
        let login = Login {
            user_id: "u".repeat(crate::ids::USER_ID_MAX_BYTES),
            ends_at: Some(chain.now()),
            device: Device { id: full("d", 64), name: full("é", 64), user_agent: full("a", 160), ip: full("f", 45) },
            ..chain.login()
        };
        let mut session = chain.session(5);
        session.user_id.clone_from(&login.user_id);
        if let Some(predecessor) = &mut session.predecessor {
            predecessor.replay_key = Some(ReplayKeyHash::of("key"));
        }
        for item in [login_item(&login), session_item(&session)] {
            assert!(size(&item) <= 1024, "{} bytes", size(&item));
        }
    }

    /// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>
    fn size(item: &Item) -> usize {
        fn value(of: &AttributeValue) -> usize {
            match of {
                AttributeValue::S(text) => text.len(),
                AttributeValue::N(digits) => digits.len() / 2 + 2,
                AttributeValue::B(bytes) => bytes.as_ref().len(),
                AttributeValue::L(list) => 3 + list.iter().map(|each| 1 + value(each)).sum::<usize>(),
                other => panic!("{other:?}"),
            }
        }
        item.iter().map(|(name, each)| name.len() + value(each)).sum()
    }
}
