//! Opening the connection before the first request needs it.

use std::time::Duration;

use super::{Store, StoreError, error::failure, items::text};
use crate::log::{Event, Fields, log};

/// No user's key is that short, so nothing is found.
const NOBODY: &str = "-";

/// Longer isn't waited: a start must not hang on a table that doesn't answer.
const PATIENCE: Duration = Duration::from_secs(1);

impl Store {
    /// Asks the table one cheap question. Lambda runs a start at full speed whatever the function's memory, and the first
    /// request not: name lookup, TLS handshake and what the SDK does once are paid here. Half a read unit.
    ///
    /// What goes wrong is logged, and the function starts all the same: the first request tries again.
    pub async fn warm_up(&self) {
        let asked = tokio::time::timeout(PATIENCE, self.ask_for_nobody()).await;
        let error: &dyn std::error::Error = match &asked {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error,
            Err(elapsed) => elapsed,
        };
        log(Event::WarmUpFailed, Fields::default(), Some(error));
    }

    async fn ask_for_nobody(&self) -> Result<(), StoreError> {
        let answer = self
            .client
            .query()
            .table_name(&self.sessions)
            .key_condition_expression("user_key = :nobody")
            .expression_attribute_values(":nobody", text(NOBODY))
            .send()
            .await;
        answer.map(|_| ()).map_err(|error| failure("Query", &error))
    }
}
