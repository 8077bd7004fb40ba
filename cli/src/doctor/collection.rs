//! Checks the items of one user against the invariants that hold outside of transactions.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, TimeDelta, Utc};
use latchkey::{
    ids::{Generation, LoginId, UserKey},
    model::{Login, REMEMBERED_ROTATIONS, Session},
    store::{Item, StoredItem, read_item},
};

/// DynamoDB deletes an item within days of its `ttl`, as a rule within hours.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html>
const DELETED_WITHIN: TimeDelta = TimeDelta::days(7);

/// What a change of attributes that stopped half way leaves behind.
pub(super) const ATTRIBUTES_PENDING: &str = "a change of the user's attributes isn't finished: some logins may have the earlier ones";

/// A broken invariant, with the item's key. It contains no secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Breach {
    /// The item's partition key.
    pub user_key: String,
    pub sk: String,
    /// What is wrong with it.
    pub what: String,
}

#[derive(Default)]
struct Collection {
    register_of: Option<Option<String>>,
    logins: BTreeMap<LoginId, Login>,
    sessions: Vec<Session>,
}

/// The broken invariants of all items of one user, read at one instant.
#[must_use]
pub fn breaches(user_key: &str, items: &[Item], now: DateTime<Utc>) -> Vec<Breach> {
    let mut found = Vec::new();
    let mut breach = |sk: &str, what: String| found.push(Breach { user_key: user_key.to_owned(), sk: sk.to_owned(), what });
    let (mut collection, mut unreadable) = (Collection::default(), false);
    for item in items {
        let sk = text(item, "sk");
        match read_item(item) {
            Err(error) => {
                unreadable = true;
                breach(sk, error.to_string());
            }
            Ok(StoredItem::Register { user_id, register }) => {
                if register.attributes_pending.is_some() {
                    breach(sk, ATTRIBUTES_PENDING.to_owned());
                }
                collection.register_of = Some(user_id);
            }
            Ok(StoredItem::Login(login)) => drop(collection.logins.insert(login.key.login_id.clone(), *login)),
            Ok(StoredItem::Session(session)) => collection.sessions.push(*session),
            Ok(StoredItem::Alias(_) | StoredItem::Device(_) | StoredItem::Attributes(_) | StoredItem::Unknown) => {}
        }
        if sk != "!user" {
            match ttl(item) {
                None => breach(sk, "`ttl` is missing, so it is never deleted".to_owned()),
                Some(ttl) if now - ttl > DELETED_WITHIN => {
                    breach(sk, format!("its ttl passed on {}, and it is still there", ttl.date_naive()));
                }
                Some(_) => {}
            }
        }
    }
    // An item that can't be read is reported. The login it belongs to can't be checked.
    if unreadable {
        return found;
    }
    for (what, user_id) in collection.owners() {
        if UserKey::of(user_id).as_str() != user_key {
            breach(&what, "its user_id is not of this user_key".to_owned());
        }
    }
    for login in collection.logins.values() {
        let sk = login.key.login_id.as_str();
        if collection.register_of.is_none() {
            breach(sk, "there is no register (!user) beside it".to_owned());
        }
        collection.judge(login).into_iter().for_each(|what| breach(sk, what));
    }
    found
}

impl Collection {
    fn owners(&self) -> Vec<(String, &str)> {
        let register = self.register_of.iter().flatten().map(|user_id| ("!user".to_owned(), user_id.as_str()));
        let logins = self.logins.values().map(|login| (login.key.login_id.to_string(), login.user_id.as_str()));
        let sessions = self.sessions.iter().map(|session| (sort_key(session), session.user_id.as_str()));
        register.chain(logins).chain(sessions).collect()
    }

    /// A login at a generation has exactly one session, the one of that generation. A session without a login is garbage,
    /// and no breach.
    fn judge(&self, login: &Login) -> Vec<String> {
        let own: Vec<_> = self.sessions.iter().filter(|session| session.key.login_id == login.key.login_id).collect();
        let generation = |session: &&Session| session.generation.number().to_string();
        let [session] = own.as_slice() else {
            let generations = own.iter().map(generation).collect::<Vec<_>>().join(", ");
            let generations = if generations.is_empty() { "none".to_owned() } else { generations };
            return vec![format!("at generation {} it has these sessions: {generations}", login.generation.number())];
        };
        if session.generation != login.generation {
            return vec![format!("at generation {} it has session {}", login.generation.number(), session.generation.number())];
        }
        let remembered = usize::try_from(login.generation.number()).unwrap_or(usize::MAX).min(REMEMBERED_ROTATIONS);
        let mut found = Vec::new();
        let mut hold = |holds: bool, what: &str| {
            if !holds {
                found.push(what.to_owned());
            }
        };
        hold(login.recent_replay_untils.len() == remembered, "`recent_replay_untils` doesn't fit its generation");
        hold(session.refresh_token_expires_at == login.refresh_token_expires_at, "its session expires at another time");
        hold(login.ends_at.is_none_or(|end| login.refresh_token_expires_at <= end), "it expires after it ends");
        hold(login.generation == Generation::FIRST || session.predecessor.is_some(), "its session replaces nothing");
        found
    }
}

fn sort_key(session: &Session) -> String {
    format!("{}#{:010}", session.key.login_id, session.generation.number())
}

pub(super) fn text<'a>(item: &'a Item, name: &str) -> &'a str {
    item.get(name).and_then(|value| value.as_s().ok()).map_or("?", String::as_str)
}

fn ttl(item: &Item) -> Option<DateTime<Utc>> {
    let Some(AttributeValue::N(seconds)) = item.get("ttl") else { return None };
    DateTime::from_timestamp(seconds.parse().ok()?, 0)
}
