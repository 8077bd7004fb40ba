//! Reading many items in one call.

use aws_sdk_dynamodb::types::KeysAndAttributes;

use super::{StoreError, error::failure, items::Item};
use crate::dynamodb::{Ask as _, DynamoDb};

/// Reads items of a table strongly, in no order; at most 100.
///
/// # Errors
/// [`StoreError`], also if DynamoDB left a part out.
pub(super) async fn read_batch(dynamodb: &DynamoDb, table: &str, keys: Vec<Item>) -> Result<Vec<Item>, StoreError> {
    let asked = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build()?;
    let answer = dynamodb.batch_get_item().request_items(table, asked).ask(dynamodb).await;
    let mut output = answer.map_err(|error| failure("BatchGetItem", &error))?;
    if output.unprocessed_keys().is_some_and(|left| !left.is_empty()) {
        return Err(StoreError::unprocessed_keys());
    }
    Ok(output.responses.take().and_then(|mut tables| tables.remove(table)).unwrap_or_default())
}
