//! Retries for work on a whole table, which meets more throttling and lost connections than a single request.

use latchkey::{backoff::Backoff, entropy::Random, store::StoreError};

/// How often DynamoDB is asked, beyond the SDK's own retries, before the command stops.
const TRIES: u32 = 6;

/// Asks until there is an answer, in up to `TRIES` attempts.
pub(crate) async fn patiently<T, F: Future<Output = Result<T, StoreError>>>(random: &Random, ask: impl Fn() -> F) -> Result<T, StoreError> {
    let mut tries = 1;
    let mut backoff = Backoff::new(random);
    loop {
        match ask().await {
            Err(StoreError::Unavailable { .. }) if tries < TRIES => backoff.wait().await,
            outcome => return outcome,
        }
        tries += 1;
    }
}
