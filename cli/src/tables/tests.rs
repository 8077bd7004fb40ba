//! On the embedded emulator, over HTTP, as `latchkey dev` does it.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use dynoxide::Database;

use super::*;

async fn emulator() -> Client {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(dynoxide::server::serve_on(listener, Database::memory().unwrap()));
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "test"))
        .endpoint_url(endpoint)
        .http_client(aws_smithy_http_client::Builder::new().build_http());
    Client::from_conf(config.build())
}

fn sessions() -> Table {
    Table {
        logical_id: "SessionsTable".to_owned(),
        name: "sessions".to_owned(),
        key: KeySchema { partition: "user_key".to_owned(), sort: Some("sk".to_owned()) },
        attributes: ["user_key", "sk", "access_token_hash", "refresh_token_hash"]
            .map(|name| (name.to_owned(), AttributeType::String))
            .into(),
        indexes: vec![index("access_token"), index("refresh_token")],
        ttl_attribute: Some("ttl".to_owned()),
    }
}

fn index(name: &str) -> Index {
    Index { name: name.to_owned(), key: KeySchema { partition: format!("{name}_hash"), sort: None }, projection: Projection::KeysOnly }
}

fn users() -> Table {
    Table {
        logical_id: "UsersTable".to_owned(),
        name: "UsersTable".to_owned(),
        key: KeySchema { partition: "username".to_owned(), sort: None },
        attributes: BTreeMap::from([("username".to_owned(), AttributeType::String)]),
        indexes: Vec::new(),
        ttl_attribute: None,
    }
}

#[tokio::test]
async fn missing_tables_are_made_once() {
    let client = emulator().await;
    assert_eq!(create_missing(&client, &[users()]).await.unwrap(), ["UsersTable"]);
    assert_eq!(create_missing(&client, &[sessions(), users()]).await.unwrap(), ["sessions"]);
    assert!(create_missing(&client, &[sessions(), users()]).await.unwrap().is_empty());

    let ttl = client.describe_time_to_live().table_name("sessions").send().await.unwrap().time_to_live_description.unwrap();
    assert_eq!(ttl.time_to_live_status(), Some(&TimeToLiveStatus::Enabled));
    assert_eq!(ttl.attribute_name(), Some("ttl"));
    let described = describe(&client, &sessions()).await.unwrap().unwrap();
    assert_eq!(described.billing_mode_summary.unwrap().billing_mode, Some(BillingMode::PayPerRequest));
}

#[tokio::test]
async fn an_existing_table_that_differs_is_named() {
    let client = emulator().await;
    create_missing(&client, &[sessions()]).await.unwrap();
    let changed = |change: &dyn Fn(&mut Table)| {
        let mut table = sessions();
        change(&mut table);
        table
    };
    let cases = [
        (changed(&|table| table.key.sort = None), "the key is user_key (S), sk (S), expected user_key (S)"),
        (
            changed(&|table| {
                table.attributes.insert("sk".to_owned(), AttributeType::Number);
            }),
            "the key is user_key (S), sk (S), expected user_key (S), sk (N)",
        ),
        (
            changed(&|table| table.indexes.push(Index { name: "by_device".to_owned(), ..index("access_token") })),
            "index by_device is missing, expected access_token_hash (S) with KEYS_ONLY",
        ),
        (
            changed(&|table| table.indexes[0].projection = Projection::Include(vec!["b".to_owned(), "a".to_owned()])),
            "index access_token is access_token_hash (S) with KEYS_ONLY, expected access_token_hash (S) with INCLUDE a, b",
        ),
        (changed(&|table| table.ttl_attribute = Some("expires".to_owned())), "the TTL attribute is ttl, expected expires"),
    ];
    for (table, expected) in cases {
        let error = create_missing(&client, &[table]).await.unwrap_err().to_string();
        assert!(error.starts_with(&format!("table sessions is not as the template declares it: {expected}")), "{error}");
    }
}

#[tokio::test]
async fn a_table_that_has_more_is_left_alone() {
    let client = emulator().await;
    create_missing(&client, &[sessions()]).await.unwrap();
    let mut fewer = sessions();
    fewer.indexes.truncate(1);
    fewer.ttl_attribute = None;
    assert!(create_missing(&client, &[fewer]).await.unwrap().is_empty());
}

#[tokio::test]
async fn nobody_answers() {
    let client = emulator().await;
    let nowhere = Client::from_conf(client.config().to_builder().endpoint_url("http://127.0.0.1:1").build());
    let error = create_missing(&nowhere, &[users()]).await.unwrap_err();
    assert!(error.to_string().starts_with("DescribeTable on table UsersTable: "), "{error}");
}
