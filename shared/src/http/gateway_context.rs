//! The caller's session, from the authorizer's context.

use std::collections::HashMap;

use http::request::Parts;
use lambda_http::request::RequestContext;
use serde_json::Value;

use crate::{
    clock::parse_rfc3339,
    http::{
        middleware::Authenticator,
        problem::{Problem, ProblemCode},
    },
    ids::{Generation, LoginId},
    model::{Attributes, CurrentSession},
    telling::log::{Event, Fields, log},
};
/// Builds the session from `requestContext.authorizer` alone. It reads no table, and no header that a client could set.
#[derive(Debug, Clone, Copy)]
pub struct ByGatewayContext;

impl Authenticator for ByGatewayContext {
    type Found = CurrentSession;

    async fn authenticate(&self, request: &Parts) -> Result<CurrentSession, Problem> {
        let context = match request.extensions.get::<RequestContext>() {
            Some(RequestContext::ApiGatewayV1(context)) => session(&context.authorizer.fields),
            _ => None,
        };
        context.ok_or_else(|| {
            log(Event::ContextMissing, Fields::of(&request.extensions), None);
            ProblemCode::Internal.into()
        })
    }
}

fn session(context: &HashMap<String, Value>) -> Option<CurrentSession> {
    let text = |name: &str| context.get(name)?.as_str();
    Some(CurrentSession {
        user_id: text("user_id").filter(|user_id| !user_id.is_empty())?.to_owned(),
        login_id: LoginId::parse(text("login_id")?).ok()?,
        generation: Generation::new(text("generation")?.parse().ok()?)?,
        access_token_expires_at: parse_rfc3339(text("access_token_expires_at")?)?,
        refresh_token_expires_at: parse_rfc3339(text("refresh_token_expires_at")?)?,
        attributes: Attributes::of_context(context.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))),
    })
}
