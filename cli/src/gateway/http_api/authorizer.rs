//! The Lambda authorizer of an HTTP API: who is asked when, and what its simple response means.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html>

use std::{sync::Arc, time::Duration};

use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use super::{Refusal, event::Events};
use crate::{
    gateway::{Platform, kept::Kept},
    template::{Function, HttpApi, IdentitySource, Template},
};

/// The authorizer of an API, with the answers it may still use.
pub(super) struct Authorizer {
    binary: String,
    timeout: Duration,
    identity: Vec<IdentitySource>,
    answers: Kept<Answer>,
}

/// A simple response. "The authorizer's response fully allows or denies all API requests that match the cached identity
/// source values."
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    is_authorized: bool,
    /// Null where the authorizer gave none.
    #[serde(default)]
    pub(super) context: Value,
}

/// An answer that is no simple response. Its text names no value: an answer says who somebody is.
#[derive(Debug, thiserror::Error)]
#[error("the authorizer's answer is no simple response: expected {{\"isAuthorized\": true or false, \"context\": …}}")]
struct NoSimpleResponse;

impl Authorizer {
    pub(super) fn new(declared: &HttpApi, template: &Template) -> Option<Self> {
        let authorizer = declared.authorizer.as_ref()?;
        let Function { binary, timeout, .. } = template.function(&authorizer.function)?;
        Some(Self {
            binary: binary.clone(),
            timeout: *timeout,
            identity: authorizer.identity.clone(),
            answers: Kept::for_each(authorizer.result_ttl),
        })
    }

    /// The answer for a request that may pass.
    pub(super) async fn authorize(&self, events: &Events<'_>, platform: &Platform) -> Result<Arc<Answer>, Refusal> {
        let identity: Option<Vec<String>> = self.identity.iter().map(|source| value_of(source, events)).collect();
        let missing = || Refusal::new(StatusCode::UNAUTHORIZED, "Unauthorized", "an identity source is missing");
        let identity = identity.ok_or_else(missing)?;
        let key = identity.join("\n"); // no header has one
        let answer = match self.answers.get(&key) {
            Some(answer) => answer,
            None => {
                let answer = self.ask(events.authorizer(&identity), platform).await?;
                self.answers.put(&key, answer)
            }
        };
        if !answer.is_authorized {
            return Err(Refusal::new(StatusCode::FORBIDDEN, "Forbidden", "the authorizer does not allow it"));
        }
        Ok(answer)
    }

    async fn ask(&self, event: Value, platform: &Platform) -> Result<Answer, Refusal> {
        let limit = self.timeout.min(platform.options.integration_timeout);
        let answer = platform.invoker.invoke(&self.binary, event, limit).await.map_err(|error| Refusal::internal(&error))?;
        serde_json::from_value(answer).map_err(|_| Refusal::internal(&NoSimpleResponse))
    }
}

/// What stands at an identity source; none where nothing does.
fn value_of(source: &IdentitySource, events: &Events<'_>) -> Option<String> {
    match source {
        IdentitySource::Header(name) => {
            let sent = events.incoming.headers.iter().filter(|(sent, _)| sent.eq_ignore_ascii_case(name));
            let values: Vec<&str> = sent.map(|(_, value)| value.as_str()).collect();
            Some(values.join(",")).filter(|value| !value.is_empty())
        }
        IdentitySource::RouteKey => Some(events.found.route.key.clone()),
    }
}
