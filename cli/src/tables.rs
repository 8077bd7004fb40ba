//! The template's tables, made on an emulator, or compared with what is there.

pub(crate) mod compare;
#[cfg(test)]
mod tests;

use std::time::Duration;

use aws_sdk_dynamodb::{
    Client,
    error::{BuildError, ProvideErrorMetadata, SdkError},
    operation::{create_table::CreateTableError, describe_table::DescribeTableError},
    types::{
        self, AttributeDefinition, BillingMode, GlobalSecondaryIndex, IndexStatus, KeySchemaElement, KeyType, ProjectionType,
        ScalarAttributeType, TableDescription, TableStatus, TimeToLiveSpecification, TimeToLiveStatus,
    },
};

use crate::{
    client,
    template::{AttributeType, Index, KeySchema, Projection, Table},
};

/// Why the tables aren't as the template has them.
#[derive(Debug, thiserror::Error)]
pub enum TablesError {
    #[error("{operation} on table {table}: {message}; check that a DynamoDB answers there, and start again")]
    NoAnswer {
        operation: &'static str,
        table: String,
        /// How the call failed.
        message: String,
    },
    #[error("{operation} on table {table} was refused: {message}; mend that at the DynamoDB, and start again")]
    Refused {
        operation: &'static str,
        table: String,
        /// DynamoDB's code and message.
        message: String,
    },
    /// It isn't all of a DynamoDB.
    #[error("this DynamoDB has no {0}, so it can't run Latchkey; ministack and moto have it. dynalite has neither that nor transactions")]
    NoSuchOperation(&'static str),
    /// The table is there and isn't the template's.
    #[error(
        "table {table} is not as the template declares it: {what} is {found}, expected {expected}; delete it, or use another --data or --dynamodb"
    )]
    Differs {
        table: String,
        /// Which part of it.
        what: String,
        found: String,
        /// What the template says.
        expected: String,
    },
    /// The table, or an index of it, is still being made.
    #[error("table {0} did not become ACTIVE within a minute; start again")]
    NotActive(String),
    /// The template's table can't be put into a request.
    #[error("table {table} can't be declared; mend it in template.yaml and build again")]
    Declaration { table: String, source: BuildError },
}

const ACTIVE_WITHIN: Duration = Duration::from_secs(60);
const POLL_EVERY: Duration = Duration::from_millis(50);

/// Makes those of `tables` that don't exist (pay per request, with indexes and TTL), waits until all are `ACTIVE`, and
/// gives the names of those it made. Indexes, attributes and settings that only an existing table has are left alone.
///
/// # Errors
/// [`TablesError::Differs`] for an existing table with another key, without an index of the template, or with an index
/// or a TTL attribute that differs; otherwise whatever DynamoDB refused.
pub async fn create_missing(client: &Client, tables: &[Table]) -> Result<Vec<String>, TablesError> {
    let mut made = Vec::new();
    for table in tables {
        if describe(client, table).await?.is_none() && create(client, table).await? {
            made.push(table.name.clone());
        }
        let description = wait_until_active(client, table).await?;
        compare::check(table, &description)?;
        enable_ttl(client, table).await?;
    }
    Ok(made)
}

async fn describe(client: &Client, table: &Table) -> Result<Option<TableDescription>, TablesError> {
    match client.describe_table().table_name(&table.name).send().await {
        Ok(output) => Ok(output.table),
        Err(error) if error.as_service_error().is_some_and(DescribeTableError::is_resource_not_found_exception) => Ok(None),
        Err(error) => Err(refused("DescribeTable", table, &error)),
    }
}

/// Whether it was created here: another process may have been faster.
async fn create(client: &Client, table: &Table) -> Result<bool, TablesError> {
    let declaration = |source| TablesError::Declaration { table: table.name.clone(), source };
    let mut request = client
        .create_table()
        .table_name(&table.name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_key_schema(Some(key_elements(&table.key).map_err(declaration)?));
    for (name, kind) in &table.attributes {
        let definition = AttributeDefinition::builder().attribute_name(name).attribute_type(scalar(*kind)).build();
        request = request.attribute_definitions(definition.map_err(declaration)?);
    }
    for index in &table.indexes {
        request = request.global_secondary_indexes(secondary_index(index).map_err(declaration)?);
    }
    match request.send().await {
        Ok(_) => Ok(true),
        Err(error) if error.as_service_error().is_some_and(CreateTableError::is_resource_in_use_exception) => Ok(false),
        Err(error) => Err(refused("CreateTable", table, &error)),
    }
}

async fn wait_until_active(client: &Client, table: &Table) -> Result<TableDescription, TablesError> {
    let wait = async {
        loop {
            if let Some(description) = describe(client, table).await?
                && is_active(&description)
            {
                return Ok(description);
            }
            tokio::time::sleep(POLL_EVERY).await;
        }
    };
    tokio::time::timeout(ACTIVE_WITHIN, wait).await.unwrap_or_else(|_| Err(TablesError::NotActive(table.name.clone())))
}

fn is_active(description: &TableDescription) -> bool {
    let indexes = description.global_secondary_indexes();
    description.table_status == Some(TableStatus::Active)
        && indexes.iter().all(|index| matches!(index.index_status, None | Some(IndexStatus::Active)))
}

async fn enable_ttl(client: &Client, table: &Table) -> Result<(), TablesError> {
    let Some(attribute) = &table.ttl_attribute else { return Ok(()) };
    let there = client.describe_time_to_live().table_name(&table.name).send().await;
    let there = there.map_err(|error| refused("DescribeTimeToLive", table, &error))?.time_to_live_description;
    let on = [TimeToLiveStatus::Enabled, TimeToLiveStatus::Enabling];
    if let Some(there) = there.filter(|there| there.time_to_live_status().is_some_and(|status| on.contains(status))) {
        return if there.attribute_name() == Some(attribute) {
            Ok(())
        } else {
            Err(TablesError::Differs {
                table: table.name.clone(),
                what: "the TTL attribute".to_owned(),
                found: there.attribute_name().unwrap_or("none").to_owned(),
                expected: attribute.clone(),
            })
        };
    }
    let specification = TimeToLiveSpecification::builder().attribute_name(attribute).enabled(true).build();
    let specification = specification.map_err(|source| TablesError::Declaration { table: table.name.clone(), source })?;
    match client.update_time_to_live().table_name(&table.name).time_to_live_specification(specification).send().await {
        Ok(_) => Ok(()),
        // Another process was faster.
        Err(error) if error.message().is_some_and(|message| message.contains("already enabled")) => Ok(()),
        Err(error) => Err(refused("UpdateTimeToLive", table, &error)),
    }
}

fn refused<E>(operation: &'static str, table: &Table, error: &SdkError<E>) -> TablesError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let (table, message) = (table.name.clone(), client::reason(error));
    match error.code() {
        Some("UnknownOperationException") => TablesError::NoSuchOperation(operation),
        Some(_) => TablesError::Refused { operation, table, message },
        None => TablesError::NoAnswer { operation, table, message },
    }
}

fn key_elements(key: &KeySchema) -> Result<Vec<KeySchemaElement>, BuildError> {
    let element = |name: &String, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build();
    let sort = key.sort.iter().map(|name| element(name, KeyType::Range));
    std::iter::once(element(&key.partition, KeyType::Hash)).chain(sort).collect()
}

fn secondary_index(index: &Index) -> Result<GlobalSecondaryIndex, BuildError> {
    let projection = types::Projection::builder();
    let projection = match &index.projection {
        Projection::All => projection.projection_type(ProjectionType::All),
        Projection::KeysOnly => projection.projection_type(ProjectionType::KeysOnly),
        Projection::Include(attributes) => {
            projection.projection_type(ProjectionType::Include).set_non_key_attributes(Some(attributes.clone()))
        }
    };
    GlobalSecondaryIndex::builder()
        .index_name(&index.name)
        .set_key_schema(Some(key_elements(&index.key)?))
        .projection(projection.build())
        .build()
}

fn scalar(kind: AttributeType) -> ScalarAttributeType {
    match kind {
        AttributeType::String => ScalarAttributeType::S,
        AttributeType::Number => ScalarAttributeType::N,
        AttributeType::Binary => ScalarAttributeType::B,
    }
}
