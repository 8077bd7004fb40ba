//! The `TOKEN` authorizer of a REST API: when it is asked, and what its answers mean.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html>. An authorizer
//! answers 401 by failing with the exact message `Unauthorized`. Every other failure is a 500, unless the template says otherwise.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use regex::Regex;
use serde_json::{Map, Value, json};

use super::{
    policy::Policy,
    response::{Refusal, ResponseType},
};
use crate::{
    gateway::{Platform, incoming::Incoming, kept::Kept},
    invoke::FunctionError,
    template::{Function, Template},
};

/// The authorizer of an API, with its cache.
pub(super) struct Authorizer {
    binary: String,
    timeout: Duration,
    header: String,
    validation: Option<Regex>,
    policies: Kept<Policy>,
}

impl Authorizer {
    pub(super) fn new(template: &Template) -> Option<Self> {
        let declared = template.authorizer.as_ref()?;
        let Function { binary, timeout, .. } = template.function(&declared.function)?;
        Some(Self {
            binary: binary.clone(),
            timeout: *timeout,
            header: declared.header.clone(),
            validation: declared.validation.clone(),
            policies: Kept::for_each(declared.result_ttl),
        })
    }

    /// `requestContext.authorizer` for a request that may invoke `method_arn`.
    pub(super) async fn authorize(
        &self,
        incoming: &Incoming,
        method_arn: &str,
        platform: &Platform,
    ) -> Result<Map<String, Value>, Refusal> {
        let unauthorized = |reason: &str| Refusal::new(ResponseType::Unauthorized, reason);
        let identity = incoming.header(&self.header).filter(|identity| !identity.is_empty());
        let identity = identity.ok_or_else(|| unauthorized("no identity was sent"))?;
        if self.validation.as_ref().is_some_and(|expression| !expression.is_match(identity)) {
            return Err(unauthorized("the identity does not match the validation expression"));
        }
        let asked = Instant::now();
        let policy = match self.policies.get(identity) {
            Some(policy) => policy,
            None => self.ask(identity, method_arn, platform).await?,
        };
        // A cached policy is evaluated again: it may allow the method of the earlier request and not this one.
        if !policy.allows(method_arn) {
            return Err(Refusal::new(ResponseType::AccessDenied, "the policy does not allow it"));
        }
        let mut context = policy.request_context();
        let latency = u64::try_from(asked.elapsed().as_millis()).unwrap_or(u64::MAX);
        context.insert("integrationLatency".to_owned(), Value::from(latency));
        Ok(context)
    }

    async fn ask(&self, identity: &str, method_arn: &str, platform: &Platform) -> Result<Arc<Policy>, Refusal> {
        let event = json!({"type": "TOKEN", "methodArn": method_arn, "authorizationToken": identity});
        let limit = self.timeout.min(platform.options.integration_timeout);
        let answer = platform.invoker.invoke(&self.binary, event, limit).await.map_err(|error| match &error {
            FunctionError::Failed { message, .. } if message == "Unauthorized" => Refusal::caused_by(ResponseType::Unauthorized, &error),
            _ => Refusal::caused_by(ResponseType::AuthorizerFailure, &error),
        })?;
        let policy = Policy::read(&answer).map_err(|error| Refusal::caused_by(ResponseType::AuthorizerConfigurationError, &error))?;
        Ok(self.policies.put(identity, policy))
    }
}
