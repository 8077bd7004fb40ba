//! A REST API with Lambda proxy integrations, and a `TOKEN` authorizer or IAM before them.
//!
//! A [`Refusal`] at any step is rendered as the gateway response that the template gives that type.

mod answer;
mod authorizer;
mod event;
mod policy;
mod preflight;
mod response;
mod route;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use axum::{extract::Request, response::Response};
use http::Method;
use serde_json::{Map, Value};

use self::{
    authorizer::Authorizer,
    event::{Admitted, Destination},
    response::{Refusal, ResponseType, Variables},
    route::{Resource, RouteTable},
};
use super::{
    Outcome, Platform,
    iam::{self, Unsigned},
    identify,
    incoming::{Ids, Incoming, Unreadable},
    integration::IntegrationError,
};
use crate::template::{BackOffice, Cors, GatewayResponse, Template};

pub(super) struct RestApi {
    routes: RouteTable,
    authorizer: Option<Authorizer>,
    cors: Option<Cors>,
    responses: BTreeMap<String, GatewayResponse>,
    stage: String,
    stage_variables: BTreeMap<String, String>,
    /// Whether callers sign with AWS credentials, on every route.
    by_iam: bool,
}

impl RestApi {
    pub(super) fn new(template: &Template) -> Self {
        Self {
            routes: RouteTable::new(&template.routes, template),
            authorizer: Authorizer::new(template),
            cors: template.cors.clone(),
            responses: template.gateway_responses.clone(),
            stage: template.stage.clone(),
            stage_variables: template.stage_variables.clone(),
            by_iam: false,
        }
    }

    /// The API of the back office, whose functions are in `template`.
    pub(super) fn back_office(office: &BackOffice, template: &Template) -> Self {
        Self {
            routes: RouteTable::new(&office.routes, template),
            authorizer: None,
            cors: None,
            responses: office.gateway_responses.clone(),
            stage: office.stage.clone(),
            stage_variables: BTreeMap::new(),
            by_iam: true,
        }
    }

    /// Whether a path of this API begins as `path` does. On a laptop both APIs have one address.
    pub(super) fn has_root_of(&self, path: &str) -> bool {
        self.routes.has_root_of(path)
    }

    pub(super) async fn serve(&self, request: Request, ids: &Ids, platform: &Platform) -> Outcome {
        let found = self.routes.find(request.uri().path());
        let route = found.as_ref().map_or("-", |(resource, _)| resource.path.as_str()).to_owned();
        let variables = Variables::from([
            ("requestId", ids.request.clone()),
            ("extendedRequestId", ids.extended.clone()),
            ("httpMethod", request.method().to_string()),
            ("resourcePath", route.clone()),
            ("path", format!("/{}{}", self.stage, request.uri().path())),
            ("stage", self.stage.clone()),
            ("apiId", platform.options.api_id.clone()),
        ]);
        let found = found.as_ref().map(|(resource, parameters)| (*resource, parameters));
        let (mut response, reason) = match self.answer(request, found, ids, platform).await {
            Ok(response) => (response, None),
            Err(refusal) => (response::render(&refusal, &self.responses, &variables), Some(refusal.reason)),
        };
        identify(&mut response, &[("x-amzn-requestid", &ids.request), ("x-amz-apigw-id", &ids.extended)]);
        Outcome { response, route, reason }
    }

    async fn answer(
        &self,
        request: Request,
        found: Option<(&Resource, &BTreeMap<String, String>)>,
        ids: &Ids,
        platform: &Platform,
    ) -> Result<Response, Refusal> {
        let incoming = Incoming::read(request, platform.options.clock.now()).await?;
        // API Gateway's name for "there is no such resource or method".
        let no_route = || Refusal::new(ResponseType::MissingAuthenticationToken, "no such route");
        let (resource, parameters) = found.ok_or_else(no_route)?;
        if incoming.method == Method::OPTIONS
            && resource.own_target("OPTIONS").is_none()
            && let Some(cors) = &self.cors
        {
            if cors.authorized {
                self.authorize(&incoming, platform).await?;
            }
            return Ok(preflight::preflight(cors, resource));
        }
        let target = resource.target(incoming.method.as_str()).ok_or_else(no_route)?;
        let admitted = if self.by_iam {
            iam::verify(&incoming, &platform.options.principal, &platform.options.region, platform.options.clock.now())?;
            Admitted::ByIam(&platform.options.principal)
        } else if target.authorized {
            Admitted::ByAuthorizer(self.authorize(&incoming, platform).await?)
        } else {
            Admitted::Open
        };
        let destination = Destination { resource: &resource.path, parameters, stage: &self.stage, variables: &self.stage_variables };
        let event = event::proxy_event(&incoming, &destination, admitted, ids, &platform.options);
        let answer = target.invoke(event, platform).await?;
        answer::http_answer(&answer).map_err(|error| Refusal::caused_by(ResponseType::Default5xx, &error))
    }

    async fn authorize(&self, incoming: &Incoming, platform: &Platform) -> Result<Map<String, Value>, Refusal> {
        let missing = || Refusal::new(ResponseType::AuthorizerConfigurationError, "the template has no authorizer");
        let authorizer = self.authorizer.as_ref().ok_or_else(missing)?;
        let method_arn = event::method_arn(incoming, &self.stage, &platform.options);
        authorizer.authorize(incoming, &method_arn, platform).await
    }
}

impl From<Unreadable> for Refusal {
    fn from(unreadable: Unreadable) -> Self {
        let kind = match unreadable {
            Unreadable::BrokeOff => ResponseType::BadRequestBody,
            Unreadable::TooLarge => ResponseType::RequestTooLarge,
        };
        Self::caused_by(kind, &unreadable)
    }
}

impl From<Unsigned> for Refusal {
    fn from(unsigned: Unsigned) -> Self {
        let kind = match unsigned {
            Unsigned::Missing => ResponseType::MissingAuthenticationToken,
            Unsigned::Incomplete | Unsigned::HostNotSigned => ResponseType::IncompleteSignature,
            Unsigned::UnknownKey => ResponseType::UnrecognizedClient,
            Unsigned::Expired | Unsigned::NotYetCurrent => ResponseType::ExpiredSignature,
            Unsigned::Scope | Unsigned::Mismatch => ResponseType::InvalidSignature,
        };
        Self { message: Some(unsigned.to_string()), ..Self::caused_by(kind, &unsigned) }
    }
}

impl From<IntegrationError> for Refusal {
    /// A function that runs into its own timeout has failed (502); one that API Gateway won't wait for hasn't (504).
    fn from(error: IntegrationError) -> Self {
        let kind = match error {
            IntegrationError::Failed(_) => ResponseType::Default5xx,
            IntegrationError::GivenUp(_) => ResponseType::IntegrationTimeout,
            IntegrationError::NotReached(_) => ResponseType::IntegrationFailure,
        };
        Self::caused_by(kind, &error)
    }
}
