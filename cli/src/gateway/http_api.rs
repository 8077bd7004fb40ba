//! An HTTP API with Lambda proxy integrations of payload format 2.0 and a Lambda authorizer that gives simple responses.
//!
//! What API Gateway answers by itself can't be customised: a status and `{"message": …}`.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>,
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html>

mod answer;
mod authorizer;
mod event;
mod route;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::{Json, extract::Request, response::IntoResponse as _, response::Response};
use http::StatusCode;
use serde_json::json;

use self::{
    authorizer::Authorizer,
    event::Events,
    route::{Found, RouteTable},
};
use super::{
    Outcome, Platform, chain, identify,
    incoming::{Ids, Incoming, Unreadable},
    integration::IntegrationError,
};
use crate::template::{self, Template};

/// An HTTP API.
pub(super) struct HttpApi {
    routes: RouteTable,
    authorizer: Option<Authorizer>,
}

/// A request that the gateway answers by itself.
#[derive(Debug)]
struct Refusal {
    status: StatusCode,
    message: &'static str,
    /// Why, for the local log.
    reason: String,
}

impl HttpApi {
    pub(super) fn new(declared: &template::HttpApi, template: &Template) -> Self {
        Self { routes: RouteTable::new(declared, template), authorizer: Authorizer::new(declared, template) }
    }

    pub(super) async fn serve(&self, request: Request, ids: &Ids, platform: &Platform) -> Outcome {
        let found = self.routes.find(request.method(), request.uri().path());
        let route = found.as_ref().map_or("-", |found| found.route.key.as_str()).to_owned();
        let (mut response, reason) = match self.answer(request, found, ids, platform).await {
            Ok(response) => (response, None),
            Err(Refusal { status, message, reason }) => ((status, Json(json!({"message": message}))).into_response(), Some(reason)),
        };
        identify(&mut response, &[("apigw-requestid", &ids.extended)]);
        Outcome { response, route, reason }
    }

    async fn answer(&self, request: Request, found: Option<Found<'_>>, ids: &Ids, platform: &Platform) -> Result<Response, Refusal> {
        let incoming = Incoming::read(request, platform.options.clock.now()).await?;
        let found = found.ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, "Not Found", "no such route"))?;
        let events = Events { incoming: &incoming, found: &found, ids, options: &platform.options };
        let allowed = if found.route.target.authorized { Some(self.authorize(&events, platform).await?) } else { None };
        let event = events.proxy(allowed.as_ref().map(|answer| &answer.context));
        let answer = found.route.target.invoke(event, platform).await?;
        answer::http_answer(&answer).map_err(|error| Refusal::internal(&error))
    }

    async fn authorize(&self, events: &Events<'_>, platform: &Platform) -> Result<Arc<authorizer::Answer>, Refusal> {
        let missing = || Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error", "the template has no authorizer");
        self.authorizer.as_ref().ok_or_else(missing)?.authorize(events, platform).await
    }
}

impl Refusal {
    fn new(status: StatusCode, message: &'static str, reason: impl Into<String>) -> Self {
        Self { status, message, reason: reason.into() }
    }

    fn internal(error: &dyn std::error::Error) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error", chain(error))
    }
}

impl From<Unreadable> for Refusal {
    fn from(unreadable: Unreadable) -> Self {
        match unreadable {
            Unreadable::BrokeOff => Self::new(StatusCode::BAD_REQUEST, "Bad Request", chain(&unreadable)),
            Unreadable::TooLarge => Self::new(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large", chain(&unreadable)),
        }
    }
}

impl From<IntegrationError> for Refusal {
    fn from(error: IntegrationError) -> Self {
        match error {
            IntegrationError::Failed(_) | IntegrationError::NotReached(_) => Self::internal(&error),
            IntegrationError::GivenUp(_) => Self::new(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable", chain(&error)),
        }
    }
}
