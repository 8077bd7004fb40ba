//! Whether a single write was carried out although its caller never heard so.
//!
//! The SDK sends a write again after a lost answer. The second attempt then meets what the first one wrote:
//!
//! 1. An end sends `DeleteItem`. DynamoDB deletes the login, and the answer is lost.
//! 2. The SDK sends it again. There is no login any more, so the condition fails.
//! 3. Without [`Unheard`] the caller concludes that this request changed nothing. It ended the login.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use aws_sdk_dynamodb::{
    config::{ConfigBag, Intercept, RuntimeComponents, interceptors::FinalizerInterceptorContextRef},
    error::BoxError,
};

/// Remembers an attempt of a call that DynamoDB may have carried out without a word of it. Give it to each send of the
/// call, and ask it where the condition fails.
#[derive(Debug, Clone, Default)]
pub struct Unheard(Arc<AtomicBool>);

impl Unheard {
    /// Whether an earlier attempt may have been carried out.
    #[must_use]
    pub fn any(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Intercept for Unheard {
    fn name(&self) -> &'static str {
        "Unheard"
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let done = matches!(context.output_or_error(), Some(Ok(_)));
        // A 4xx is DynamoDB's own no: nothing was written. Everything else leaves it open: a 5xx, a broken connection, a
        // timeout, an answer that can't be read.
        let refused = context.response().is_some_and(|response| response.status().is_client_error());
        if !done && !refused {
            self.0.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}
