//! Checks the items of a sample or of the whole table, at a rate that leaves the table's capacity to its users.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_dynamodb::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    types::{AttributeValue, ReturnConsumedCapacity, TableDescription},
};
use latchkey::{
    clock::Clock,
    store::{Item, StoredItem, is_name_claim, read_item, read_user},
};

use super::{
    Check, DoctorError,
    collection::{ATTRIBUTES_PENDING, Breach, breaches, text},
    pace::Pace,
    tables::{denied, may_not, unreadable},
};
use crate::{
    client::{is_unreadable, reason},
    progress::ItemProgress,
};

/// The extent of a scan.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// Whether to read all items instead of a sample.
    pub all: bool,
    /// The number of users in a sample.
    pub sample: usize,
    /// Read units per second.
    pub rate: u32,
}

/// So many findings are listed; the others are counted.
const SHOWN: usize = 20;
/// Items in an eventually consistent read unit: it is 8 KB, and an item is smaller than 1.
const ITEMS_PER_UNIT: u32 = 8;
/// How often items that look wrong are read again: a read may have seen part of a transaction.
const READS: usize = 3;
const BETWEEN_READS: Duration = Duration::from_millis(100);
const MOST_SEGMENTS: i64 = 1_000_000;

pub(super) struct Scan<'a> {
    pub(super) client: &'a Client,
    pub(super) extent: Extent,
    pub(super) clock: &'a Clock,
}

impl Scan<'_> {
    /// The sessions table: checks each user's items against the invariants.
    pub(super) async fn sessions(&self, table: &str, description: &TableDescription) -> Result<Vec<Check>, DoctorError> {
        let (mut users, mut items, mut unknown, mut found) = (0, 0, 0, Found::default());
        let mut pages = Pages::new(self, table, description);
        let mut open: BTreeMap<String, Vec<Item>> = BTreeMap::new();
        while self.extent.all || users < self.extent.sample {
            let page = match pages.next().await {
                Ok(page) => page,
                Err(Refused::Denied) => return Ok(vec![may_not(format!("items of {table}"), "Scan")]),
                Err(Refused::Unreadable) => return Ok(vec![unreadable(format!("items of {table}"), "Scan")]),
                Err(Refused::Failed(reason)) => return Err(failed("Scan", table, reason)),
            };
            let Some(page) = page else { break };
            let last = page.last().map(|item| text(item, "user_key").to_owned());
            for item in page {
                open.entry(text(&item, "user_key").to_owned()).or_default().push(item);
            }
            // The next page may begin with more items of this page's last user.
            let rest = last.filter(|_| pages.in_mid_segment()).and_then(|last| open.remove_entry(&last));
            for (user_key, collection) in std::mem::take(&mut open) {
                users += 1;
                items += collection.len();
                unknown += collection.iter().filter(|item| matches!(read_item(item), Ok(StoredItem::Unknown))).count();
                if !breaches(&user_key, &collection, self.clock.now()).is_empty() {
                    found.extend(self.judge_again(table, &user_key, &mut pages.pace).await?);
                }
            }
            open.extend(rest);
        }
        // A later version may have written them. This one passes over them.
        let passed_over = if unknown == 0 { String::new() } else { format!(", {unknown} of no known kind") };
        Ok(checks_of(format!("items of {table}: {items}, of {users} users{passed_over}"), &found, |breach| fix_of(table, breach)))
    }

    /// A scan lags behind and sees parts of transactions. A finding counts only if repeated strong reads confirm it.
    async fn judge_again(&self, table: &str, user_key: &str, pace: &mut Pace) -> Result<Vec<Breach>, DoctorError> {
        let mut found = Vec::new();
        for read in 0..READS {
            if read > 0 {
                tokio::time::sleep(BETWEEN_READS).await;
            }
            let query = self.client.query().table_name(table).consistent_read(true).key_condition_expression("user_key = :user_key");
            let query = query.expression_attribute_values(":user_key", AttributeValue::S(user_key.to_owned()));
            let query = query.return_consumed_capacity(ReturnConsumedCapacity::Total);
            let (mut pages, mut items) = (query.into_paginator().send(), Vec::<Item>::new());
            while let Some(page) = pages.next().await {
                let page = page.map_err(|error| failed("Query", table, reason(&error)))?;
                pace.consumed(page.consumed_capacity.and_then(|consumed| consumed.capacity_units).unwrap_or_default());
                items.extend(page.items.unwrap_or_default());
            }
            found = breaches(user_key, &items, self.clock.now());
            if found.is_empty() {
                break;
            }
        }
        Ok(found)
    }

    /// The users table: checks that each user can be read.
    pub(super) async fn users(&self, table: &str, description: &TableDescription) -> Result<Vec<Check>, DoctorError> {
        let (mut users, mut found) = (0, Found::default());
        let mut pages = Pages::new(self, table, description);
        while self.extent.all || users < self.extent.sample {
            match pages.next().await {
                Ok(None) => break,
                Ok(Some(page)) => {
                    let rows = || page.iter().filter(|item| !is_name_claim(item));
                    users += rows().count();
                    let problem = |item: &Item| match read_user(item) {
                        Ok(user) => {
                            user.password_hash.is_unreadable().then(|| "password_hash is of no form that a login verifies".to_owned())
                        }
                        Err(error) => Some(error.to_string()),
                    };
                    let unreadable = |item: &Item| Some((text(item, "username").to_owned(), problem(item)?));
                    found.extend(rows().filter_map(unreadable).map(|(sk, what)| Breach { user_key: String::new(), sk, what }));
                }
                Err(Refused::Denied) => return Ok(vec![may_not(format!("items of {table}"), "Scan")]),
                Err(Refused::Unreadable) => return Ok(vec![unreadable(format!("items of {table}"), "Scan")]),
                Err(Refused::Failed(reason)) => return Err(failed("Scan", table, reason)),
            }
        }
        let fix = |_: &Breach| {
            "until it is mended this user can't log in: mend the attribute, or delete the item and add the user again".to_owned()
        };
        Ok(checks_of(format!("items of {table}: {users} users"), &found, fix))
    }
}

fn failed(operation: &'static str, table: &str, reason: String) -> DoctorError {
    DoctorError::DynamoDb { operation, table: table.to_owned(), reason }
}

/// What a scan has found. All are counted; only those that are shown are kept, so a table full of findings takes no more memory.
#[derive(Default)]
struct Found {
    shown: Vec<Breach>,
    more: usize,
}

impl Found {
    fn extend(&mut self, found: impl IntoIterator<Item = Breach>) {
        for breach in found {
            if self.shown.len() < SHOWN {
                self.shown.push(breach);
            } else {
                self.more += 1;
            }
        }
    }
}

fn checks_of(what: String, found: &Found, fix: impl Fn(&Breach) -> String) -> Vec<Check> {
    if found.shown.is_empty() {
        return vec![Check::ok(what)];
    }
    let mut checks: Vec<_> = found.shown.iter().map(|breach| Check::finding(&*what, breach_line(breach), fix(breach))).collect();
    if found.more > 0 {
        checks.push(Check::finding(what, format!("and {} more", found.more), "mend these, and run it again"));
    }
    checks
}

fn breach_line(breach: &Breach) -> String {
    let of = if breach.user_key.is_empty() { String::new() } else { format!(" of {}", breach.user_key) };
    format!("{}{of}: {}", breach.sk, breach.what)
}

fn fix_of(table: &str, breach: &Breach) -> String {
    let Breach { user_key, sk, .. } = breach;
    let key = serde_json::json!({"user_key": {"S": user_key}, "sk": {"S": sk}});
    let delete = format!("aws dynamodb delete-item --table-name {table} --key '{key}'");
    match sk.as_str() {
        "!user" if breach.what == ATTRIBUTES_PENDING => format!(
            "`aws dynamodb get-item --table-name {table} --key '{key}'` shows the user_id and the new attributes; set them again with \
             `PUT /admin/attributes` or `latchkey users set-attributes`. The user's next login finishes it, too"
        ),
        "!user" => format!("{delete}, and the user's logins with it: without a register none is ended by \"everywhere\""),
        _ => format!("{delete}; on that device the user logs in again"),
    }
}

enum Refused {
    Denied,
    Unreadable,
    Failed(String),
}

/// The pages of a scan: of the whole table, or of some randomly chosen segments.
struct Pages<'a> {
    scan: &'a Scan<'a>,
    table: &'a str,
    segments: i32,
    segment: i32,
    left: i32,
    from: Option<Item>,
    done: u64,
    pace: Pace,
    progress: ItemProgress,
}

impl<'a> Pages<'a> {
    fn new(scan: &'a Scan<'a>, table: &'a str, description: &TableDescription) -> Self {
        // DynamoDB updates this count about every six hours.
        let about = description.item_count().unwrap_or_default().max(0);
        let sample = i64::try_from(scan.extent.sample).unwrap_or(i64::MAX).saturating_mul(i64::from(ITEMS_PER_UNIT)).max(1);
        let segments = if scan.extent.all { 1 } else { (about / sample).clamp(1, MOST_SEGMENTS) };
        let segments = i32::try_from(segments).unwrap_or(1);
        let anywhere = uuid::Uuid::new_v4().as_u128() % u128::from(segments.unsigned_abs());
        let length = u64::try_from(about).unwrap_or_default();
        Self {
            scan,
            table,
            segments,
            segment: i32::try_from(anywhere).unwrap_or(0),
            left: segments,
            from: None,
            done: 0,
            pace: Pace::new(scan.extent.rate),
            progress: ItemProgress::start(length),
        }
    }

    /// Whether the segment has more.
    fn in_mid_segment(&self) -> bool {
        self.from.is_some()
    }

    async fn next(&mut self) -> Result<Option<Vec<Item>>, Refused> {
        if self.left == 0 {
            return Ok(None);
        }
        let limit = self.pace.rate().saturating_mul(ITEMS_PER_UNIT).clamp(25, 1000);
        self.pace.turn().await;
        let page = self
            .scan
            .client
            .scan()
            .table_name(self.table)
            .limit(i32::try_from(limit).unwrap_or(1000))
            .segment(self.segment)
            .total_segments(self.segments)
            .set_exclusive_start_key(self.from.take())
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| refused(&error))?;
        self.from = page.last_evaluated_key.filter(|key| !key.is_empty());
        if self.from.is_none() {
            self.left -= 1;
            self.segment = (self.segment + 1) % self.segments;
        }
        let items = page.items.unwrap_or_default();
        self.done += u64::try_from(items.len()).unwrap_or_default();
        self.progress.show(self.done);
        let estimated = items.len() as f64 / f64::from(ITEMS_PER_UNIT);
        let units = page.consumed_capacity.and_then(|consumed| consumed.capacity_units).unwrap_or(estimated);
        self.pace.consumed(units);
        Ok(Some(items))
    }
}

fn refused<E>(error: &SdkError<E>) -> Refused
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    if denied(error) {
        Refused::Denied
    } else if is_unreadable(error) {
        Refused::Unreadable
    } else {
        Refused::Failed(reason(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Outcome;

    #[test]
    fn of_a_table_full_of_findings_twenty_are_shown_and_all_counted() {
        let page = |of: usize| (0..of).map(|sk| Breach { user_key: "u".to_owned(), sk: sk.to_string(), what: "it is damaged".to_owned() });
        let mut found = Found::default();
        for page in [page(19), page(2), page(300)] {
            found.extend(page);
        }
        assert_eq!(found.shown.len(), SHOWN);
        let checks = checks_of("items".to_owned(), &found, |_| String::new());
        let told = |check: &Check| match &check.outcome {
            Outcome::Finding { found, .. } => found.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(checks.iter().map(told).collect::<Vec<_>>()[18..], ["18 of u: it is damaged", "0 of u: it is damaged", "and 301 more"]);
    }
}
