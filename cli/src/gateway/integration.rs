//! A function behind a route, or behind an authorizer.

use std::time::Duration;

use serde_json::Value;

use super::Platform;
use crate::{
    invoke::FunctionError,
    template::{Function, Route, Template},
};

/// The function of a route.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// The name of the function's binary.
    pub(super) binary: String,
    pub(super) timeout: Duration,
    /// Whether the authorizer is asked first.
    pub(super) authorized: bool,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum IntegrationError {
    /// The function failed, or ran into its own timeout.
    #[error(transparent)]
    Failed(FunctionError),
    /// API Gateway's own timeout passed before the function's.
    #[error(transparent)]
    GivenUp(FunctionError),
    #[error(transparent)]
    NotReached(FunctionError),
}

impl Target {
    /// The function of `route` in `template`.
    pub(super) fn of(route: &Route, template: &Template) -> Option<Self> {
        let Function { binary, timeout, .. } = template.function(&route.function)?;
        Some(Self { binary: binary.clone(), timeout: *timeout, authorized: route.authorized })
    }

    /// Runs the function on `event`.
    pub(super) async fn invoke(&self, event: Value, platform: &Platform) -> Result<Value, IntegrationError> {
        let patience = platform.options.integration_timeout;
        platform.invoker.invoke(&self.binary, event, self.timeout.min(patience)).await.map_err(|error| match error {
            FunctionError::TimedOut(_) if patience < self.timeout => IntegrationError::GivenUp(error),
            FunctionError::TimedOut(_) | FunctionError::Failed { .. } => IntegrationError::Failed(error),
            FunctionError::Unknown(_) | FunctionError::Unreachable(_) | FunctionError::Endpoint(_) => IntegrationError::NotReached(error),
        })
    }
}
