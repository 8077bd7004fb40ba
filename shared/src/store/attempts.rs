//! The login attempts table: the counts that the throttle decides by.
//!
//! A count is read, changed by a pure function, and written if it is still as it was read. So DynamoDB decides between
//! attempts side by side, and an attempt that is refused writes nothing.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    operation::put_item::PutItemError,
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure},
};
use chrono::{DateTime, TimeDelta, Utc};

use super::{
    StoreError,
    batch::read_batch,
    error::failure,
    items::{Item, ItemError, Reader, number, text, time},
};
use crate::{
    clock::parse_rfc3339,
    dynamodb::{Ask as _, DynamoDb, Unheard},
    throttle::{AttemptId, Budget, Count, Counts, Pending, Subject, Subjects},
};

/// The login attempts table.
#[derive(Debug, Clone)]
pub struct Attempts {
    dynamodb: DynamoDb,
    table: String,
}

/// A count as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCount {
    /// Whose it is.
    pub subject: Subject,
    /// What it says.
    pub count: Count,
    /// Rises with each write; `None` where there is no item.
    pub(super) version: Option<u64>,
}

/// What one read saw of an attempt's subjects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadCounts {
    /// The counts of the account.
    pub counts: Vec<StoredCount>,
    network_is_used_up: bool,
    window_ends_at: DateTime<Utc>,
}

impl ReadCounts {
    /// What the throttle decides on.
    #[must_use]
    pub fn to_decide(&self) -> Counts {
        Counts {
            counts: self.counts.iter().map(|stored| (stored.subject.scope, stored.count.clone())).collect(),
            network_is_used_up: self.network_is_used_up,
            window_ends_at: self.window_ends_at,
        }
    }
}

/// What became of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CountWrite {
    /// It is written, and stands so now.
    Done(StoredCount),
    /// Another write came first. Nothing was written, unless an earlier attempt of this call was, and its answer was lost. The
    /// count as it stands.
    Changed(StoredCount),
}

impl Attempts {
    /// The attempts over `dynamodb`, in the table named `table`.
    pub fn new(dynamodb: impl Into<DynamoDb>, table: impl Into<String>) -> Self {
        Self { dynamodb: dynamodb.into(), table: table.into() }
    }

    /// Reads the counts and the budgets of an attempt, strongly, in one call.
    ///
    /// # Errors
    /// [`StoreError`], also where DynamoDB left a part out: an attempt whose counts aren't known is not looked at.
    pub async fn read_counts(&self, subjects: &Subjects) -> Result<ReadCounts, StoreError> {
        let keys = subjects.counts.iter().map(|subject| &subject.key).chain(subjects.budgets.iter().map(|budget| &budget.key));
        let found = self.read_all(keys).await?;
        let counts = subjects.counts.iter().map(|subject| stored(subject.clone(), found.get(&subject.key)));
        let used_up = subjects.budgets.iter().map(|budget| is_used_up(budget, found.get(&budget.key)));
        Ok(ReadCounts {
            counts: counts.collect::<Result<_, _>>()?,
            network_is_used_up: used_up.collect::<Result<Vec<bool>, _>>()?.contains(&true),
            window_ends_at: subjects.window_ends_at,
        })
    }

    /// Reads one count again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn read_count(&self, subject: &Subject) -> Result<StoredCount, StoreError> {
        let found = self.read_all([&subject.key].into_iter()).await?;
        Ok(stored(subject.clone(), found.get(&subject.key))?)
    }

    async fn read_all(&self, keys: impl Iterator<Item = &String>) -> Result<HashMap<String, Item>, StoreError> {
        let keys = keys.map(|key| Item::from([("subject".to_owned(), text(key))])).collect();
        read_batch(&self.dynamodb, &self.table, keys)
            .await?
            .into_iter()
            .map(|item| {
                let key = Reader { item: &item, kind: KIND }.text("subject")?.to_owned();
                Ok((key, item))
            })
            .collect()
    }

    /// Writes `next` over a count, if it is still as it was read. `unheard` is the same for all writes of one change.
    ///
    /// # Errors
    /// [`StoreError`] where it is not known whether it was written.
    pub async fn write_count(&self, before: &StoredCount, next: Count, unheard: &Unheard) -> Result<CountWrite, StoreError> {
        let version = before.version.map_or(1, |version| version + 1);
        let mut put = self
            .dynamodb
            .put_item()
            .table_name(&self.table)
            .set_item(Some(count_item(&before.subject, &next, version)))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        put = match before.version {
            None => put.condition_expression("attribute_not_exists(subject)"),
            Some(version) => put.condition_expression("version = :version").expression_attribute_values(":version", number(version)),
        };
        let subject = before.subject.clone();
        match put.ask_noting(&self.dynamodb, unheard).await {
            Ok(_) => Ok(CountWrite::Done(StoredCount { subject, count: next, version: Some(version) })),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(refused)) => Ok(CountWrite::Changed(stored(subject, refused.item())?)),
                _ => Err(failure("PutItem", &error)),
            },
        }
    }

    /// Adds a failure to a network's budget.
    ///
    /// # Errors
    /// [`StoreError`] where it is not known whether it was added.
    pub async fn spend(&self, budget: &Budget, window_ends_at: DateTime<Utc>) -> Result<(), StoreError> {
        let added = self
            .dynamodb
            .update_item()
            .table_name(&self.table)
            .key("subject", text(&budget.key))
            .update_expression("SET #ttl = :ttl ADD failures :one")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":ttl", collected_after(window_ends_at))
            .ask(&self.dynamodb)
            .await;
        added.map(|_| ()).map_err(|error| failure("UpdateItem", &error))
    }
}

const KIND: &str = "login attempts";

/// `ttl` is garbage collection only.
fn collected_after(time: DateTime<Utc>) -> AttributeValue {
    number((time + TimeDelta::days(1)).timestamp())
}

fn is_used_up(budget: &Budget, item: Option<&Item>) -> Result<bool, ItemError> {
    let failures: u32 = item.map_or(Ok(0), |item| Reader { item, kind: KIND }.number("failures"))?;
    Ok(failures >= budget.most)
}

fn count_item(subject: &Subject, count: &Count, version: u64) -> Item {
    let pending = count.pending.iter().map(|pending| (pending.attempt.0.clone(), time(pending.until))).collect();
    let optional = [("drained_at", count.drained_at), ("last_failure_at", count.last_failure_at), ("known_until", count.known_until)];
    let times = optional.into_iter().filter_map(|(name, at)| Some((name.to_owned(), time(at?))));
    let mut item: Item = times.collect();
    item.insert("subject".into(), text(&subject.key));
    item.insert("version".into(), number(version));
    item.insert("pending".into(), AttributeValue::M(pending));
    if let Some(at) = count.forgotten_at() {
        item.insert("ttl".into(), collected_after(at));
    }
    item
}

fn stored(subject: Subject, item: Option<&Item>) -> Result<StoredCount, ItemError> {
    let Some(item) = item.filter(|item| !item.is_empty()) else {
        return Ok(StoredCount { subject, count: Count::default(), version: None });
    };
    let read = Reader { item, kind: KIND };
    let Some(AttributeValue::M(pending)) = item.get("pending") else { return Err(read.wrong("pending", "is not a map")) };
    let until = |value: &AttributeValue| value.as_s().ok().and_then(|text| parse_rfc3339(text));
    let pending = pending.iter().map(|(attempt, value)| {
        let until = until(value).ok_or_else(|| read.wrong("pending", "is malformed"))?;
        Ok(Pending { attempt: AttemptId(attempt.clone()), until })
    });
    let count = Count {
        drained_at: read.optional_time("drained_at")?,
        last_failure_at: read.optional_time("last_failure_at")?,
        known_until: read.optional_time("known_until")?,
        pending: pending.collect::<Result<_, _>>()?,
    };
    Ok(StoredCount { subject, count, version: Some(read.number("version")?) })
}
