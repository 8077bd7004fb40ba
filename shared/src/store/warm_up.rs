//! Opening the connection before the first request needs it.

use super::{Store, StoreError, error::failure, items::text};
use crate::dynamodb::Ask as _;

/// No user's key is that short, so the query finds nothing.
const NO_USER: &str = "-";

impl Store {
    /// One cheap query, half a read unit.
    ///
    /// # Errors
    /// [`StoreError`], for the log.
    pub async fn warm_up(&self) -> Result<(), StoreError> {
        let answer = self
            .dynamodb
            .query()
            .table_name(&self.sessions)
            .key_condition_expression("user_key = :no_user")
            .expression_attribute_values(":no_user", text(NO_USER))
            .ask(&self.dynamodb)
            .await;
        answer.map(|_| ()).map_err(|error| failure("Query", &error))
    }
}
