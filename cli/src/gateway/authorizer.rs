//! The `TOKEN` authorizer: who is asked when, and what its answer means.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html>. An authorizer says
//! 401 by failing with the exact message `Unauthorized`; every other failure is 500 unless the template says otherwise.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use regex::Regex;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::{
    incoming::Incoming,
    policy::Policy,
    response::{Refusal, ResponseType},
};
use crate::{
    invoke::{FunctionError, Invoker},
    template::{Function, Template},
};

/// The authorizer of an API, with the answers it may still use.
pub(super) struct Authorizer {
    binary: String,
    header: String,
    validation: Option<Regex>,
    result_ttl: Duration,
    timeout: Duration,
    answers: Mutex<HashMap<String, Kept>>,
}

struct Kept {
    policy: Arc<Policy>,
    until: Instant,
}

impl Authorizer {
    pub(super) fn new(template: &Template, integration_timeout: Duration) -> Option<Self> {
        let declared = template.authorizer.as_ref()?;
        let Function { binary, timeout, .. } = template.function(&declared.function)?;
        Some(Self {
            binary: binary.clone(),
            header: declared.header.clone(),
            validation: declared.validation.clone(),
            result_ttl: declared.result_ttl,
            timeout: integration_timeout.min(*timeout),
            answers: Mutex::default(),
        })
    }

    /// `requestContext.authorizer` for a request that may invoke `method_arn`.
    pub(super) async fn authorize(&self, incoming: &Incoming, method_arn: &str, invoker: &Invoker) -> Result<Map<String, Value>, Refusal> {
        let unauthorized = |reason: &str| Refusal::new(ResponseType::Unauthorized, reason);
        let identity = incoming.header(&self.header).filter(|identity| !identity.is_empty());
        let identity = identity.ok_or_else(|| unauthorized("no identity was sent"))?;
        if self.validation.as_ref().is_some_and(|expression| !expression.is_match(identity)) {
            return Err(unauthorized("the identity does not match the validation expression"));
        }
        let asked = Instant::now();
        let policy = match self.kept(identity) {
            Some(policy) => policy,
            None => self.ask(identity, method_arn, invoker).await?,
        };
        // A kept policy is judged anew: it may allow the method that it was asked for and not this one.
        if !policy.allows(method_arn) {
            return Err(Refusal::new(ResponseType::AccessDenied, "the policy does not allow it"));
        }
        let mut context = policy.request_context();
        let latency = u64::try_from(asked.elapsed().as_millis()).unwrap_or(u64::MAX);
        context.insert("integrationLatency".to_owned(), Value::from(latency));
        Ok(context)
    }

    async fn ask(&self, identity: &str, method_arn: &str, invoker: &Invoker) -> Result<Arc<Policy>, Refusal> {
        let event = json!({"type": "TOKEN", "methodArn": method_arn, "authorizationToken": identity});
        let answer = invoker.invoke(&self.binary, event, self.timeout).await.map_err(|error| match &error {
            FunctionError::Failed { message, .. } if message == "Unauthorized" => Refusal::caused_by(ResponseType::Unauthorized, &error),
            _ => Refusal::caused_by(ResponseType::AuthorizerFailure, &error),
        })?;
        let policy = Policy::read(&answer).map_err(|error| Refusal::caused_by(ResponseType::AuthorizerConfigurationError, &error))?;
        let policy = Arc::new(policy);
        self.keep(identity, &policy);
        Ok(policy)
    }

    fn kept(&self, identity: &str) -> Option<Arc<Policy>> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.get(identity).filter(|kept| Instant::now() < kept.until).map(|kept| Arc::clone(&kept.policy))
    }

    /// API Gateway keeps policies, allowing or denying, but no failures.
    fn keep(&self, identity: &str, policy: &Arc<Policy>) {
        if self.result_ttl.is_zero() {
            return;
        }
        let now = Instant::now();
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.retain(|_, kept| now < kept.until);
        answers.insert(identity.to_owned(), Kept { policy: Arc::clone(policy), until: now + self.result_ttl });
    }
}
