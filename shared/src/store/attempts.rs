//! Counting login attempts, each count by one conditional update.

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    operation::update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    types::{ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use chrono::{DateTime, TimeDelta, Utc};

use super::{
    StoreError,
    error::{condition_failed, failure},
    items::{Item, ItemError, Reader, number, text, time},
    unheard::Unheard,
};
use crate::{
    clock::rfc3339,
    throttle::{Counts, KNOWN_NETWORK_DAYS, PairCount, STRANGER_INTERVAL, Subjects, Throttle},
};

/// The login attempts table.
#[derive(Debug, Clone)]
pub struct Attempts {
    client: Client,
    table: String,
}

impl Attempts {
    /// The attempts over `client`, in the table named `table`.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    /// Counts an attempt as a failure, before anything is known of its password. Three updates side by side.
    ///
    /// # Errors
    /// [`StoreError`]; an attempt that can't be counted is not made.
    pub async fn count_attempt(&self, subjects: &Subjects, throttle: &Throttle, now: DateTime<Utc>) -> Result<Counts, StoreError> {
        let (pair, network, account) = tokio::join!(
            self.count_pair(subjects, throttle, now),
            self.count_network(subjects, throttle),
            self.count_account(subjects, throttle, now),
        );
        Ok(Counts { pair: pair?, network_counted: network?, account_counted: account? })
    }

    async fn count_pair(&self, subjects: &Subjects, throttle: &Throttle, now: DateTime<Utc>) -> Result<PairCount, StoreError> {
        // The wait depends on the count, so each count has its own clause: one update decides and counts at once.
        let mut clauses = vec!["attribute_not_exists(failures)".to_owned(), "failures < :free".to_owned()];
        let mut update = self.update(&subjects.pair).expression_attribute_values(":free", number(throttle.free_failures));
        let delays: Vec<_> = throttle.delays().collect();
        for (place, (failures, delay)) in delays.iter().enumerate() {
            let comparison = if place + 1 == delays.len() { ">=" } else { "=" };
            clauses.push(format!("(failures {comparison} :n{place} AND last_at <= :t{place})"));
            let since = TimeDelta::from_std(*delay).ok().and_then(|delay| now.checked_sub_signed(delay)).unwrap_or(now);
            update = update
                .expression_attribute_values(format!(":n{place}"), number(failures))
                .expression_attribute_values(format!(":t{place}"), time(since));
        }
        let unheard = Unheard::default();
        let answer = update
            .update_expression("SET last_at = :now, #ttl = :ttl ADD failures :one")
            .condition_expression(clauses.join(" OR "))
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":now", time(now))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":ttl", keep_until(now))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .customize()
            .interceptor(unheard.clone())
            .send()
            .await;
        let (counted, item) = match answer {
            Ok(output) => (true, output.attributes.unwrap_or_default()),
            Err(error) => {
                let item = refused_item(&error)?;
                (counted_unheard(&unheard, &item, now)?, item)
            }
        };
        let read = Reader { item: &item, kind: "login attempts" };
        Ok(PairCount {
            counted,
            failures: read.number("failures")?,
            last_at: read.time("last_at")?,
            last_success_at: read.optional_time("last_success_at")?,
        })
    }

    async fn count_network(&self, subjects: &Subjects, throttle: &Throttle) -> Result<bool, StoreError> {
        let update = self
            .update(&subjects.network)
            .update_expression("SET #ttl = :ttl ADD failures :one")
            .condition_expression("attribute_not_exists(failures) OR failures < :most")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":most", number(throttle.network_failures))
            .expression_attribute_values(":ttl", number((subjects.window_ends_at + TimeDelta::days(1)).timestamp()));
        counted(update).await
    }

    async fn count_account(&self, subjects: &Subjects, throttle: &Throttle, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let hour_ago = TimeDelta::from_std(STRANGER_INTERVAL).map_or(now, |hour| now - hour);
        let update = self
            .update(&subjects.account)
            .update_expression("SET last_at = :now, #ttl = :ttl ADD failures :one")
            .condition_expression("attribute_not_exists(failures) OR failures < :most OR last_at <= :hour_ago")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":now", time(now))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":most", number(throttle.account_failures))
            .expression_attribute_values(":hour_ago", text(rfc3339(hour_ago)))
            .expression_attribute_values(":ttl", keep_until(now))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let unheard = Unheard::default();
        match update.customize().interceptor(unheard.clone()).send().await {
            Ok(_) => Ok(true),
            Err(error) => Ok(counted_unheard(&unheard, &refused_item(&error)?, now)?),
        }
    }

    /// Takes back what an attempt counted that was then not made: a throttled guess is no failure of the account.
    ///
    /// # Errors
    /// [`StoreError`], for the log.
    pub async fn uncount_attempt(&self, subjects: &Subjects, counts: &Counts) -> Result<(), StoreError> {
        let (pair, network, account) = tokio::join!(
            self.take_back(&subjects.pair, counts.pair.counted),
            self.take_back(&subjects.network, counts.network_counted),
            self.take_back(&subjects.account, counts.account_counted),
        );
        pair.and(network).and(account)
    }

    /// The password was right: the pair and the account start again, the network gets its attempt back.
    ///
    /// # Errors
    /// [`StoreError`], for the log.
    pub async fn attempt_succeeded(&self, subjects: &Subjects, now: DateTime<Utc>) -> Result<(), StoreError> {
        let pair = self
            .update(&subjects.pair)
            .update_expression("SET failures = :zero, last_at = :now, last_success_at = :now, #ttl = :ttl")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":zero", number(0))
            .expression_attribute_values(":now", time(now))
            .expression_attribute_values(":ttl", keep_until(now))
            .send();
        let account =
            self.update(&subjects.account).update_expression("SET failures = :zero").expression_attribute_values(":zero", number(0)).send();
        let (pair, account, network) = tokio::join!(pair, account, self.take_back(&subjects.network, true));
        pair.map_err(|error| failure("UpdateItem", &error))?;
        account.map_err(|error| failure("UpdateItem", &error))?;
        network
    }

    async fn take_back(&self, subject: &str, was_counted: bool) -> Result<(), StoreError> {
        if !was_counted {
            return Ok(());
        }
        let update = self
            .update(subject)
            .update_expression("ADD failures :minus_one")
            .condition_expression("failures > :zero")
            .expression_attribute_values(":minus_one", number(-1))
            .expression_attribute_values(":zero", number(0));
        counted(update).await.map(|_| ())
    }

    fn update(&self, subject: &str) -> UpdateItemFluentBuilder {
        self.client.update_item().table_name(&self.table).key("subject", text(subject))
    }
}

fn keep_until(now: DateTime<Utc>) -> aws_sdk_dynamodb::types::AttributeValue {
    number((now + TimeDelta::days(KNOWN_NETWORK_DAYS + 1)).timestamp())
}

async fn counted(update: UpdateItemFluentBuilder) -> Result<bool, StoreError> {
    match update.send().await {
        Ok(_) => Ok(true),
        Err(error) if condition_failed(&error) => Ok(false),
        Err(error) => Err(failure("UpdateItem", &error)),
    }
}

/// Whether this very attempt was counted although its count was refused:
///
/// 1. The last free attempt is counted, and the answer is lost.
/// 2. The SDK counts again. The attempt is no longer free, so the condition fails.
/// 3. Without this line a right password is told to wait because of itself.
///
/// The time of the last attempt shows it: the first count wrote this attempt's own.
fn counted_unheard(unheard: &Unheard, item: &Item, now: DateTime<Utc>) -> Result<bool, ItemError> {
    let read = Reader { item, kind: "login attempts" };
    Ok(unheard.any() && read.optional_time("last_at")?.is_some_and(|last_at| rfc3339(last_at) == rfc3339(now)))
}

/// The item that failed its condition.
fn refused_item(error: &SdkError<UpdateItemError>) -> Result<Item, StoreError> {
    match error {
        SdkError::ServiceError(service) => match service.err() {
            UpdateItemError::ConditionalCheckFailedException(refused) => Ok(refused.item().cloned().unwrap_or_default()),
            _ => Err(failure("UpdateItem", error)),
        },
        _ => Err(failure("UpdateItem", error)),
    }
}
