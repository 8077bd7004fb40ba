//! The invariants of the sessions table (docs/architecture.md, "The items of a user"), checked after each fault and race.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use latchkey::ids::UserKey;

use crate::{
    subject::Subject,
    tally::{Breach, Tally},
};

/// A user's logins with their generations, and the stored sessions.
#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) logins: BTreeMap<String, u32>,
    pub(crate) sessions: Vec<(String, u32)>,
}

impl Table {
    /// Reads strongly consistently, without the tap.
    pub(crate) async fn read(subject: &Subject) -> Self {
        let database = &subject.ground.database;
        let mut pages = database
            .client
            .query()
            .table_name(database.table("SessionsTable"))
            .consistent_read(true)
            .key_condition_expression("user_key = :user_key")
            .expression_attribute_values(":user_key", AttributeValue::S(UserKey::of(&subject.user.user_id).as_str().into()))
            .into_paginator()
            .items()
            .send();
        let mut table = Self::default();
        while let Some(item) = pages.next().await {
            let item = item.unwrap();
            let generation = |item: &latchkey_tests::database::Item| item["generation"].as_n().unwrap().parse().unwrap();
            match item["sk"].as_s().unwrap().split_once('#') {
                Some((_, "imported" | "attributes") | ("!user", _)) => {}
                Some((login_id, number)) => table.sessions.push((login_id.to_owned(), number.parse().unwrap())),
                None if item["sk"].as_s().unwrap() == "!user" => {}
                None => {
                    table.logins.insert(item["sk"].as_s().unwrap().clone(), generation(&item));
                }
            }
        }
        table
    }

    pub(crate) fn generation(&self, login_id: &str) -> Option<u32> {
        self.logins.get(login_id).copied()
    }

    /// A login with generation G has exactly one session, the session G. An ended login leaves at most one, which is garbage.
    pub(crate) fn check(&self, tally: &mut Tally, cell: &str) {
        for (login, generation) in &self.logins {
            let own: Vec<_> = self.sessions.iter().filter(|(of, _)| of == login).map(|(_, number)| *number).collect();
            tally.hold(own == [*generation], Breach::Invariant, || format!("{cell}: a login at {generation} has sessions {own:?}"));
        }
        for (ended, generation) in self.sessions.iter().filter(|(of, _)| !self.logins.contains_key(of)) {
            let left = self.sessions.iter().filter(|(of, _)| of == ended).count();
            tally.hold(left == 1, Breach::Invariant, || format!("{cell}: an ended login left {left} sessions, one of them {generation}"));
        }
    }
}

/// Deletes a login but not its session.
pub(crate) async fn delete_login(subject: &Subject, login_id: &str) {
    let database = &subject.ground.database;
    database
        .client
        .delete_item()
        .table_name(database.table("SessionsTable"))
        .key("user_key", AttributeValue::S(UserKey::of(&subject.user.user_id).as_str().into()))
        .key("sk", AttributeValue::S(login_id.into()))
        .send()
        .await
        .unwrap();
}
