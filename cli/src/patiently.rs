//! Retries for work on a whole table, which meets more throttling and lost connections than a single request.

use latchkey::{backoff::Backoff, entropy::Random, store::StoreError};

/// How often DynamoDB is asked, beyond the SDK's own retries, before the command stops.
const TRIES: u32 = 6;
/// The same while it throttles. It answers then, and other calls get further: the command only has to be slower.
const TRIES_WHILE_THROTTLED: u32 = 60;

/// How long one call is repeated.
pub(crate) struct Patience<'a> {
    outages: u32,
    throttled: u32,
    backoff: Backoff<'a>,
    long_backoff: Backoff<'a>,
}

impl<'a> Patience<'a> {
    pub(crate) fn new(random: &'a Random) -> Self {
        Self { outages: 0, throttled: 0, backoff: Backoff::new(random), long_backoff: Backoff::unhurried(random) }
    }

    /// Waits before the call is made again.
    ///
    /// # Errors
    /// The same error, if it is no outage or has lasted too long.
    pub(crate) async fn after(&mut self, error: StoreError) -> Result<(), StoreError> {
        if error.is_throttling() && self.throttled + 1 < TRIES_WHILE_THROTTLED {
            self.throttled += 1;
            self.long_backoff.wait().await;
        } else if matches!(error, StoreError::Unavailable { .. }) && self.outages + 1 < TRIES {
            self.outages += 1;
            self.backoff.wait().await;
        } else {
            return Err(error);
        }
        Ok(())
    }
}

/// Asks until there is an answer, as long as there is patience.
pub(crate) async fn patiently<T, F: Future<Output = Result<T, StoreError>>>(random: &Random, ask: impl Fn() -> F) -> Result<T, StoreError> {
    let mut patience = Patience::new(random);
    loop {
        match ask().await {
            Ok(answer) => return Ok(answer),
            Err(error) => patience.after(error).await?,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_outage_is_given_up_sooner_than_throttling() {
        for (code, tries) in [("timeout", 6), ("TransactionCanceledException: ThrottlingError", 65)] {
            let asked = Cell::new(0);
            let ask = || {
                asked.set(asked.get() + 1);
                async { Err::<(), _>(StoreError::Unavailable { operation: "TransactWriteItems", code: code.into() }) }
            };
            assert!(patiently(&Random::system(), ask).await.is_err());
            assert_eq!(asked.get(), tries, "{code}");
        }
    }

    #[tokio::test]
    async fn what_is_no_outage_is_not_repeated() {
        let asked = Cell::new(0);
        let ask = || {
            asked.set(asked.get() + 1);
            async { Err::<(), _>(StoreError::Rejected { operation: "Query", code: "ValidationException".into() }) }
        };
        assert!(patiently(&Random::system(), ask).await.is_err());
        assert_eq!(asked.get(), 1);
    }
}
