//! How long DynamoDB takes, and what it throttles.

use aws_sdk_dynamodb::{
    config::{
        ConfigBag, Intercept, RuntimeComponents,
        interceptors::{BeforeSerializationInterceptorContextRef, FinalizerInterceptorContextRef},
    },
    error::BoxError,
};
use aws_smithy_runtime_api::client::retries::RequestAttempts;
use aws_smithy_types::config_bag::{Storable, StoreReplace};
use tokio::time::Instant;

use super::{CURRENT, with_tally};
use crate::sdk_error::{Throttled, throttled};

/// Measures each call of a client, from the first byte built to the answer read, with all its attempts. One place for all
/// calls: the client is given it when it is made. A call that is given up when the request's time is over isn't measured.
#[derive(Debug, Clone, Copy, Default)]
pub struct StoreCalls;

#[derive(Debug)]
struct Begun(Instant);

impl Storable for Begun {
    type Storer = StoreReplace<Self>;
}

impl Intercept for StoreCalls {
    fn name(&self) -> &'static str {
        "StoreCalls"
    }

    fn read_before_execution(&self, _: &BeforeSerializationInterceptorContextRef<'_>, config: &mut ConfigBag) -> Result<(), BoxError> {
        if CURRENT.try_with(|current| current.tally.is_some()) == Ok(true) {
            config.interceptor_state().store_put(Begun(Instant::now()));
        }
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(Err(error)) = context.output_or_error()
            && let Some(Throttled { resource, .. }) = throttled(error)
        {
            with_tally(|tally| tally.store_throttled(resource));
        }
        Ok(())
    }

    fn read_after_execution(
        &self,
        _: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(Begun(at)) = config.load::<Begun>() {
            let retries = config.load::<RequestAttempts>().map_or(0, |attempts| attempts.attempts().saturating_sub(1));
            with_tally(|tally| tally.store_call(at.elapsed(), retries));
        }
        Ok(())
    }
}
