//! Fills the sessions table: copies of a real login and its session, with new users and hashes.

use indicatif::{ProgressBar, ProgressStyle};
use rand::{RngExt as _, distr::Alphanumeric};
use serde_json::{Map, Value, json};
use tokio::task::JoinSet;

use crate::{error::LoadError, server::Endpoint};

/// A login, its session and its user's register.
pub struct Sample(Vec<Map<String, Value>>);

/// The maximum of a `BatchWriteItem`.
const BATCH: usize = 25;
/// A session takes three items, and a batch holds whole sessions.
const SESSIONS: u64 = (BATCH / 3) as u64;
const SIDE_BY_SIDE: usize = 8;

/// The DynamoDB operations that filling needs.
#[derive(Clone)]
pub struct DynamoDb {
    http: reqwest::Client,
    endpoint: Endpoint,
}

impl DynamoDb {
    /// A client of this DynamoDB.
    pub fn new(endpoint: &Endpoint) -> Self {
        Self { http: reqwest::Client::new(), endpoint: endpoint.clone() }
    }

    async fn ask(&self, operation: &'static str, body: &Value) -> Result<Value, LoadError> {
        let http = |source| LoadError::Http { what: operation, source: Box::new(source) };
        let request = self.http.post(&self.endpoint.url).header("x-amz-target", format!("DynamoDB_20120810.{operation}"));
        let signed = request.header("authorization", self.endpoint.authorization());
        let sent = signed.header("x-amz-date", "20260101T000000Z").header("content-type", "application/x-amz-json-1.0");
        let answer = sent.body(body.to_string()).send().await.map_err(http)?;
        if !answer.status().is_success() {
            return Err(LoadError::Answer { what: operation, status: answer.status().as_u16() });
        }
        answer.json().await.map_err(http)
    }

    /// Reads the items of a table that holds one login.
    ///
    /// # Errors
    /// [`LoadError`] if the table holds anything else.
    pub async fn sample(&self) -> Result<Sample, LoadError> {
        let scanned = self.ask("Scan", &json!({"TableName": "SessionsTable"})).await?;
        let items: Vec<_> = scanned["Items"].as_array().into_iter().flatten().filter_map(Value::as_object).cloned().collect();
        if items.len() == 3 {
            Ok(Sample(items))
        } else {
            Err(LoadError::Setup(format!("expected the items of one login, found {} items", items.len())))
        }
    }

    /// Adds this many sessions, each for a new user.
    ///
    /// # Errors
    /// [`LoadError`] if DynamoDB refuses one.
    pub async fn fill(&self, sample: &Sample, sessions: u64) -> Result<(), LoadError> {
        let bar = ProgressBar::new(sessions).with_message("sessions");
        if let Ok(style) = ProgressStyle::with_template("{msg} {bar:32} {pos} of {len}, {eta} to go") {
            bar.set_style(style);
        }
        let (mut left, mut writing) = (sessions, JoinSet::new());
        while left > 0 || !writing.is_empty() {
            while left > 0 && writing.len() < SIDE_BY_SIDE {
                let count = left.min(SESSIONS);
                left -= count;
                let (dynamodb, batch) = (self.clone(), sample.batch(count));
                writing.spawn(async move { dynamodb.write(batch).await.map(|()| count) });
            }
            if let Some(written) = writing.join_next().await {
                bar.inc(written.map_err(|error| LoadError::Setup(error.to_string()))??);
            }
        }
        bar.finish_and_clear();
        Ok(())
    }

    async fn write(&self, mut requests: Value) -> Result<(), LoadError> {
        while requests.as_object().is_some_and(|tables| !tables.is_empty()) {
            let mut answer = self.ask("BatchWriteItem", &json!({ "RequestItems": requests })).await?;
            requests = answer["UnprocessedItems"].take();
        }
        Ok(())
    }
}

impl Sample {
    fn batch(&self, sessions: u64) -> Value {
        let puts: Vec<Value> = (0..sessions)
            .flat_map(|_| {
                let user_key = random(22);
                self.0.iter().map(move |item| {
                    let mut item = item.clone();
                    item.insert("user_key".into(), json!({ "S": user_key }));
                    for hash in ["access_token_hash", "refresh_token_hash"] {
                        if let Some(value) = item.get_mut(hash) {
                            *value = json!({ "S": random(43) });
                        }
                    }
                    json!({"PutRequest": {"Item": item}})
                })
            })
            .collect();
        json!({ "SessionsTable": puts })
    }
}

fn random(length: usize) -> String {
    let mut rng = rand::rng();
    (0..length).map(|_| char::from(rng.sample(Alphanumeric))).collect()
}
