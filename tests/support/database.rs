//! A DynamoDB with the template's tables, for one test alone.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig},
    types::AttributeValue,
};
use dynoxide::{Database as Embedded, server::serve_on};
use latchkey::{aws::timeouts, telling::signals::StoreCalls};
use latchkey_cli::{client::emulator, dev::TEMPLATE, tables::create_missing, template::Template};
use tokio::net::TcpListener;

use crate::tap::Tap;

/// An item.
pub type Item = HashMap<String, AttributeValue>;

/// A database with the tables made.
#[derive(Debug, Clone)]
pub struct Database {
    /// Where it listens.
    pub url: String,
    /// A way to it that no tap counts.
    pub client: Client,
    /// The template, its tables named so that no other test has them.
    pub template: Template,
}

impl Database {
    /// Makes one.
    ///
    /// # Panics
    /// When it can't be made.
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    /// Makes one by a template with these parameters.
    ///
    /// # Panics
    /// When it can't be made.
    pub async fn with(parameters: &[(&str, &str)]) -> Self {
        #[expect(clippy::disallowed_methods, reason = "tests are told where DynamoDB Local is by a variable")]
        let shared = std::env::var("LATCHKEY_TEST_DYNAMODB").ok().filter(|url| !url.is_empty());
        let url = match shared {
            Some(url) => url,
            None => embedded().await,
        };
        let template = template(&uuid::Uuid::new_v4().simple().to_string(), parameters);
        let client = emulator(&url);
        create_missing(&client, &template.tables).await.expect("the template's tables");
        Self { url, client, template }
    }

    /// A client whose calls go through `tap`, with the functions' own timeouts and retries.
    #[must_use]
    pub fn tapped(&self, tap: &Tap) -> Client {
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(&self.url)
            .region(Region::new("local"))
            .credentials_provider(Credentials::new("latchkey", "test", None, None, "test"))
            .http_client(tap.clone())
            .timeout_config(timeouts())
            .retry_config(RetryConfig::standard())
            .interceptor(StoreCalls)
            .build();
        Client::from_conf(config)
    }

    /// The name of a table, by its id in the template.
    ///
    /// # Panics
    /// When the template has none of that id.
    #[must_use]
    pub fn table(&self, logical_id: &str) -> &str {
        let table = self.template.tables.iter().find(|table| table.logical_id == logical_id);
        &table.expect("a table of the template").name
    }

    /// All items of a table.
    ///
    /// # Panics
    /// When it can't be read.
    pub async fn items(&self, logical_id: &str) -> Vec<Item> {
        let mut pages = self.client.scan().table_name(self.table(logical_id)).consistent_read(true).into_paginator().items().send();
        let mut items = Vec::new();
        while let Some(item) = pages.next().await {
            items.push(item.expect("a scan"));
        }
        items
    }

    /// The sort keys in the sessions table.
    pub async fn sort_keys(&self) -> Vec<String> {
        let items = self.items("SessionsTable").await;
        let mut keys: Vec<_> = items.iter().filter_map(|item| item["sk"].as_s().ok().cloned()).collect();
        keys.sort_unstable();
        keys
    }
}

async fn embedded() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(serve_on(listener, Embedded::memory().expect("an embedded DynamoDB")));
    format!("http://{address}")
}

/// The template with every table renamed, in its own place and in the functions' environments.
fn template(suffix: &str, parameters: &[(&str, &str)]) -> Template {
    let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let mut template = Template::parse(TEMPLATE, &parameters).expect("template.yaml");
    for table in &mut template.tables {
        let name = format!("{}-{suffix}", table.name);
        for value in template.functions.iter_mut().flat_map(|function| function.environment.values_mut()) {
            if *value == table.name {
                value.clone_from(&name);
            }
        }
        table.name = name;
    }
    template
}
