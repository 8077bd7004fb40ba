//! Logins and sessions as DynamoDB items, and back.

mod read;

pub(super) use read::{Reader, read_attributes, read_device, read_register};
pub use read::{StoredItem, read_item, read_login, read_session};

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    clock::rfc3339,
    dpop::AnsweredProofs,
    ids::{Generation, LoginId, LoginKey, UserKey},
    model::{Attributes, Device, FirstUse, ImportedPair, Login, LoginAttributes, Session},
};

/// A DynamoDB item, as the SDK has it.
pub type Item = HashMap<String, AttributeValue>;

/// The version of the items' form. A reader refuses a newer one instead of guessing.
const SCHEMA: u32 = 1;
/// The form of a login that is bound to a key. A version that doesn't know it would take the login's tokens without a proof.
const BOUND_SCHEMA: u32 = 2;

/// What an update also sets in a register that may not be there yet: no login, and the schema.
pub(super) const IF_NEW: &str = "last_login_id = if_not_exists(last_login_id, :no_login), #schema = if_not_exists(#schema, :one)";

/// Sorts before every login id, so that a forward query reads it first.
pub(super) const REGISTER_SK: &str = "!user";
/// Sorts after the register and before every login id.
const DEVICE_SK: &str = "!user#device#";
/// Sorts after the items of devices and before every login id. A read of logins begins here: a user may have had any number of
/// devices.
pub(super) const LOGINS_FROM: &str = "!user$";

/// How long the item of a device is kept: as long as a browser keeps a cookie. A rotation doesn't touch the item, so it must
/// outlive a login that goes on for months. It is a hint: without it the device's next login leaves the one before alone, which
/// then expires by itself.
const DEVICE_KEPT: TimeDelta = TimeDelta::days(400);

/// The indexes' keys.
const ACCESS: &str = "access_token_hash";
pub(super) const REFRESH: &str = "refresh_token_hash";
/// The same hashes where no index may see them: an imported login's alias alone carries them to the indexes.
pub(super) const IMPORTED_ACCESS: &str = "imported_access_token_hash";
pub(super) const IMPORTED_REFRESH: &str = "imported_refresh_token_hash";
/// On the register: since when no login is created for the user.
pub(super) const BLOCKED_AT: &str = "blocked_at";
/// On the register: the user's attributes, and the version of a change that isn't finished.
pub(super) const ATTRIBUTES: &str = "attributes";
pub(super) const ATTRIBUTES_PENDING: &str = "attributes_pending";
/// On a login: there is an item of its attributes.
pub(super) const HAS_ATTRIBUTES: &str = "has_attributes";
/// On a login: another person acts as the user.
const IS_IMPERSONATION: &str = "impersonation";
/// In the item of a login's attributes: the copy of the user's, the register's version that it was made at, and the login's own.
pub(super) const USERS: &str = "user";
pub(super) const OWN: &str = "own";
/// On the register: the name of the user with this id.
pub(super) const USERNAME: &str = "username";
/// The mark of a session's first use. The only attribute that an authorizer writes.
pub(super) const USED_REPLAY_UNTIL: &str = "used_replay_until";
/// On a login: the thumbprint of the key that it is bound to.
const BOUND_TO: &str = "dpop_jkt";
/// On a session of a bound login: the proofs that were answered.
pub(super) const ANSWERED_PROOFS: &str = "dpop_answered";

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

/// Sorts after every generation.
pub(super) fn alias_sk(login_id: &LoginId) -> String {
    format!("{login_id}#imported")
}

pub(super) fn attributes_key(key_: &LoginKey) -> Item {
    key(&key_.user_key, format!("{}#attributes", key_.login_id))
}

pub(super) fn device_key(user_key: &UserKey, device_id: &str) -> Item {
    key(user_key, format!("{DEVICE_SK}{}", Device::hash_of(device_id)))
}

/// What an item of the sessions table is, by its sort key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SortKey<'a> {
    /// A user's register.
    Register,
    /// What names the login of a device.
    Device,
    /// A login.
    Login,
    /// A session.
    Session,
    /// What leads an index to the imported login with this id.
    Alias(&'a str),
    /// The attributes of a login.
    Attributes,
    /// Of a later version, which readers of this one may pass over. What they must not pass over raises the `schema` of the
    /// login.
    Unknown,
}

impl<'a> SortKey<'a> {
    pub(super) fn of(sk: &'a str) -> Self {
        let is_generation = |text: &str| text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit());
        let is_login_id = |text: &str| LoginId::parse(text).is_ok();
        match sk.split_once('#') {
            None if sk == REGISTER_SK => Self::Register,
            None if is_login_id(sk) => Self::Login,
            Some((login_id, "imported")) if is_login_id(login_id) => Self::Alias(login_id),
            Some((login_id, "attributes")) if is_login_id(login_id) => Self::Attributes,
            Some((login_id, generation)) if is_login_id(login_id) && is_generation(generation) => Self::Session,
            Some(_) if sk.starts_with(DEVICE_SK) => Self::Device,
            _ => Self::Unknown,
        }
    }
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
    put(&mut item, "schema", number(if login.bound_to.is_some() { BOUND_SCHEMA } else { SCHEMA }));
    put_some(&mut item, BOUND_TO, login.bound_to.map(|key| AttributeValue::B(key.as_bytes().into())));
    put(&mut item, "user_id", text(&login.user_id));
    put(&mut item, "login_id", text(login.key.login_id.as_str()));
    put(&mut item, "generation", number(login.generation.number()));
    put_some(&mut item, "access_proof_hash", login.proofs.as_ref().map(|proofs| text(proofs.access.to_text())));
    put_some(&mut item, "refresh_proof_hash", login.proofs.as_ref().map(|proofs| text(proofs.refresh.to_text())));
    if let Some(imported) = &login.imported {
        put(&mut item, IMPORTED_ACCESS, text(imported.access_token_hash.to_text()));
        put(&mut item, IMPORTED_REFRESH, text(imported.refresh_token_hash.to_text()));
        put(&mut item, "imported_known_until", time(imported.known_until));
    }
    put(&mut item, "logged_in_at", time(login.logged_in_at));
    put(&mut item, "last_refreshed_at", time(login.last_refreshed_at));
    put(&mut item, "recent_replay_untils", times(&login.recent_replay_untils));
    put(&mut item, "refresh_token_expires_at", time(login.refresh_token_expires_at));
    put_some(&mut item, "ends_at", login.ends_at.map(time));
    put_some(&mut item, "device_id", login.device.id.as_deref().map(text));
    put_some(&mut item, "device_name", login.device.name.as_deref().map(text));
    put_some(&mut item, "user_agent", login.device.user_agent.as_deref().map(text));
    put_some(&mut item, "ip", login.device.ip.as_deref().map(text));
    put_some(&mut item, HAS_ATTRIBUTES, login.has_attributes.then_some(AttributeValue::Bool(true)));
    put_some(&mut item, IS_IMPERSONATION, login.is_impersonation.then_some(AttributeValue::Bool(true)));
    put(&mut item, "ttl", ttl(login.refresh_token_expires_at));
    item
}

/// The proofs that were answered, as an attribute. None where there are none: DynamoDB compares an absent one by its absence.
pub(super) fn answered(proofs: &AnsweredProofs) -> Option<AttributeValue> {
    (!proofs.is_empty()).then(|| AttributeValue::B(proofs.to_bytes().into()))
}

/// Writes a session as an item.
#[must_use]
pub fn session_item(session: &Session) -> Item {
    let mut item = session_key(&session.key, session.generation);
    put(&mut item, "schema", number(SCHEMA));
    put(&mut item, "user_id", text(&session.user_id));
    put(&mut item, "login_id", text(session.key.login_id.as_str()));
    put(&mut item, "generation", number(session.generation.number()));
    let [access, refresh] = if session.imported { [IMPORTED_ACCESS, IMPORTED_REFRESH] } else { [ACCESS, REFRESH] };
    put(&mut item, access, text(session.access_token_hash.to_text()));
    put(&mut item, "access_token_expires_at", time(session.access_token_expires_at));
    put(&mut item, refresh, text(session.refresh_token_hash.to_text()));
    put(&mut item, "refresh_token_expires_at", time(session.refresh_token_expires_at));
    put(&mut item, "created_at", time(session.created_at));
    put_some(&mut item, ANSWERED_PROOFS, answered(&session.answered_proofs));
    if let Some(predecessor) = &session.predecessor {
        put(&mut item, "replaces", text(predecessor.refresh_token_hash.to_text()));
        put(&mut item, "replay_until", time(predecessor.replay_until));
        match predecessor.first_use {
            FirstUse::NotAwaited => {}
            FirstUse::Awaited => put(&mut item, "awaits_use", AttributeValue::Bool(true)),
            FirstUse::ReplayUntil(until) => {
                put(&mut item, "awaits_use", AttributeValue::Bool(true));
                put(&mut item, USED_REPLAY_UNTIL, time(until));
            }
        }
        put_some(&mut item, "replay_key_hash", predecessor.replay_key.as_ref().map(|key| text(&key.0)));
        put(&mut item, "sealed", AttributeValue::B(predecessor.sealed.as_bytes().into()));
    }
    put(&mut item, "ttl", ttl(session.refresh_token_expires_at));
    item
}

/// Writes what leads the indexes to an imported login. It outlives the login: while it is there, the same tokens aren't
/// imported again.
pub(super) fn alias_item(key_: &LoginKey, user_id: &str, imported: &ImportedPair) -> Item {
    let mut item = key(&key_.user_key, alias_sk(&key_.login_id));
    put(&mut item, "schema", number(SCHEMA));
    put(&mut item, "user_id", text(user_id));
    put(&mut item, "login_id", text(key_.login_id.as_str()));
    put(&mut item, ACCESS, text(imported.access_token_hash.to_text()));
    put(&mut item, REFRESH, text(imported.refresh_token_hash.to_text()));
    put(&mut item, "ttl", ttl(imported.known_until));
    item
}

/// A map of texts.
pub(super) fn map(attributes: &Attributes) -> AttributeValue {
    AttributeValue::M(attributes.all().map(|(name, value)| (name.to_owned(), text(value))).collect())
}

/// Writes the attributes of a login.
#[must_use]
pub fn attributes_item(key_: &LoginKey, attributes: &LoginAttributes) -> Item {
    let mut item = attributes_key(key_);
    put(&mut item, "schema", number(SCHEMA));
    put(&mut item, "version", number(attributes.version));
    put(&mut item, USERS, map(&attributes.user));
    put(&mut item, OWN, map(&attributes.own));
    put(&mut item, "ttl", number(attributes.kept_until.timestamp()));
    item
}

/// Writes what names the login of a device.
pub(super) fn device_item(login: &Login, device_id: &str) -> Item {
    let mut item = device_key(&login.key.user_key, device_id);
    put(&mut item, "schema", number(SCHEMA));
    put(&mut item, "login_id", text(login.key.login_id.as_str()));
    put(&mut item, "ttl", ttl(login.logged_in_at + DEVICE_KEPT));
    item
}

#[cfg(test)]
mod tests;
