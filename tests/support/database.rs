//! A DynamoDB with the template's tables, for a single test.

use std::{collections::HashMap, sync::Arc, time::Duration};

use aws_sdk_dynamodb::{
    Client,
    config::{BehaviorVersion, Credentials, retry::RetryConfig},
    types::AttributeValue,
};
use dynoxide::{Database as Embedded, server::serve_on};
use latchkey::{entropy::Random, limits::Limits, model::User, operations::OnFirstUse, store::user_item};
use latchkey_cli::{
    client::{EMULATOR_KEY, emulator, emulator_region},
    dev::{BACK_OFFICE, TEMPLATE},
    tables::create_missing,
    template::Template,
};
use tokio::net::TcpListener;

use crate::{
    tap::Tap,
    watchdog::{Watched, watched},
};

/// `REPLAY_WINDOW` as it is by default.
pub const REPLAY_WINDOW: Duration = Duration::from_secs(30);

/// For middleware and operations in tests.
#[must_use]
pub fn first_use() -> OnFirstUse {
    OnFirstUse::mark(REPLAY_WINDOW, TEST_LIMITS, Random::system())
}

/// A long limit, so that no test fails because the machine is busy. The production limits have their own tests, on a
/// paused clock.
pub const TEST_LIMITS: Limits = {
    const MINUTE: Duration = Duration::from_secs(60);
    Limits { request: MINUTE, connect: MINUTE, attempt: MINUTE, operation: MINUTE }
};

pub type Item = HashMap<String, AttributeValue>;

/// A database with the tables created.
#[derive(Debug, Clone)]
pub struct Database {
    /// The endpoint.
    pub url: String,
    /// A client that bypasses the tap.
    pub client: Client,
    /// The template, with table names that no other test uses.
    pub template: Template,
    /// The name of the test.
    _watched: Arc<Watched>,
}

impl Database {
    /// Creates a database.
    ///
    /// # Panics
    /// If it can't be created.
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    /// Creates a database by the template with these parameters.
    ///
    /// # Panics
    /// If it can't be created.
    pub async fn with(parameters: &[(&str, &str)]) -> Self {
        #[expect(clippy::disallowed_methods, reason = "an environment variable sets the endpoint of DynamoDB Local")]
        let shared = std::env::var("LATCHKEY_TEST_DYNAMODB").ok().filter(|url| !url.is_empty());
        let url = match shared {
            Some(url) => url,
            None => embedded().await,
        };
        let template = template(&uuid::Uuid::new_v4().simple().to_string(), parameters);
        let client = emulator(&url).config().to_builder().timeout_config(TEST_LIMITS.timeouts()).build();
        let client = Client::from_conf(client);
        create_missing(&client, &template.tables).await.expect("the template's tables");
        Self { url, client, template, _watched: Arc::new(watched()) }
    }

    /// A client whose calls go through `tap`. It retries as in production, with shorter pauses.
    #[must_use]
    pub fn tapped(&self, tap: &Tap) -> Client {
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .endpoint_url(&self.url)
            .region(emulator_region())
            .credentials_provider(Credentials::new(EMULATOR_KEY, "test", None, None, "test"))
            .http_client(tap.clone())
            .timeout_config(TEST_LIMITS.timeouts())
            .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(20)))
            .build();
        Client::from_conf(config)
    }

    /// The name of a table, by its id in the template.
    ///
    /// # Panics
    /// If the template has no table with that id.
    #[must_use]
    pub fn table(&self, logical_id: &str) -> &str {
        let table = self.template.tables.iter().find(|table| table.logical_id == logical_id);
        &table.expect("a table of the template").name
    }

    /// All items of a table.
    ///
    /// # Panics
    /// If the table can't be read.
    pub async fn items(&self, logical_id: &str) -> Vec<Item> {
        let mut pages = self.client.scan().table_name(self.table(logical_id)).consistent_read(true).into_paginator().items().send();
        let mut items = Vec::new();
        while let Some(item) = pages.next().await {
            items.push(item.expect("a scan"));
        }
        items
    }

    /// Puts a user into the users table and nothing into the sessions table, as after the loss of that table.
    ///
    /// # Panics
    /// If it can't be written.
    pub async fn put_user(&self, user: &User) {
        let put = self.client.put_item().table_name(self.table("UsersTable")).set_item(Some(user_item(user)));
        put.send().await.expect("a put");
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

/// The template with every table renamed, both in the resource and in the functions' environments.
fn template(suffix: &str, parameters: &[(&str, &str)]) -> Template {
    // The tests' service lets in every page, so that they see the headers on each answer.
    // And it has a back office.
    let parameters = [("CorsAllowOrigin", "*")].iter().chain(&BACK_OFFICE).chain(parameters);
    let parameters = parameters.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let mut template = Template::parse(TEMPLATE, &parameters).expect("template.yaml");
    // The functions' own timeouts run on the real clock as well.
    for function in &mut template.functions {
        function.timeout = TEST_LIMITS.request;
    }
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
