//! API Gateway on a laptop: HTTP in, REST API events to the functions, their answers back.
//!
//! A request goes: read, find its resource, preflight or method, authorizer, function, answer; a [`response::Refusal`]
//! at any step is rendered as the gateway response that the template gives that type. It does as a REST API of API
//! Gateway with Lambda proxy integrations does, where that is known. It differs, on purpose, in this:
//! - Nothing is throttled: no usage plans, no method settings, no 429 of its own. No WAF, no resource policy, no API keys,
//!   no request validators, no 10,240-byte limit on headers (the HTTP library's own is larger), no limit on a method's ARN.
//! - The stage is in the events and ARNs, not in the URL, as behind a custom domain.
//! - Header names are lower-case, because the HTTP library keeps no spelling.
//! - Bodies that aren't UTF-8 are Base64 both ways without `BinaryMediaTypes`.
//! - The validation expression is in the `regex` crate's dialect, not Java's.

mod answer;
mod authorizer;
mod event;
mod incoming;
mod policy;
mod preflight;
mod response;
mod route;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::{Request, State},
    response::Response,
};
use http::{HeaderName, HeaderValue, Method};
use latchkey::clock::Clock;

use self::{
    authorizer::Authorizer,
    event::Destination,
    incoming::{Ids, Incoming},
    response::{Refusal, ResponseType, Variables},
    route::{Resource, RouteTable, Target},
};
use crate::{
    invoke::{FunctionError, Invoker},
    template::{ACCOUNT, Cors, GatewayResponse, REGION, Template},
};

/// Where the gateway pretends to stand.
#[derive(Debug, Clone)]
pub struct GatewayOptions {
    /// The region in ARNs.
    pub region: String,
    /// The account in ARNs and events.
    pub account_id: String,
    /// The API's id in ARNs and events.
    pub api_id: String,
    /// How long API Gateway waits for a function, whatever the function's own timeout.
    pub integration_timeout: Duration,
    /// What stamps the events' times.
    pub clock: Clock,
}

/// The integration timeout of a REST API, default and, without a quota increase, maximum
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html>).
const INTEGRATION_TIMEOUT: Duration = Duration::from_secs(29);

impl Default for GatewayOptions {
    fn default() -> Self {
        Self {
            region: REGION.to_owned(),
            account_id: ACCOUNT.to_owned(),
            api_id: "latchkey00".to_owned(),
            integration_timeout: INTEGRATION_TIMEOUT,
            clock: Clock::system(),
        }
    }
}

/// The API of a template, ready to serve.
pub struct Gateway {
    routes: RouteTable,
    authorizer: Option<Authorizer>,
    cors: Option<Cors>,
    responses: BTreeMap<String, GatewayResponse>,
    stage: String,
    invoker: Invoker,
    options: GatewayOptions,
}

impl Gateway {
    /// A gateway for `template` whose functions `invoker` runs.
    #[must_use]
    pub fn new(template: &Template, invoker: Invoker, options: GatewayOptions) -> Self {
        Self {
            routes: RouteTable::new(template),
            authorizer: Authorizer::new(template, options.integration_timeout),
            cors: template.cors.clone(),
            responses: template.gateway_responses.clone(),
            stage: template.stage.clone(),
            invoker,
            options,
        }
    }

    /// The gateway as a service for every path and method.
    ///
    /// Serve it with `into_make_service_with_connect_info::<SocketAddr>()`: without that, `sourceIp` is 127.0.0.1.
    pub fn into_router(self) -> Router {
        let serve = |State(gateway): State<Arc<Self>>, request: Request| async move { gateway.serve(request).await };
        Router::new().fallback(serve).with_state(Arc::new(self))
    }

    async fn serve(&self, request: Request) -> Response {
        let started = Instant::now();
        let ids = Ids::random();
        let method = request.method().clone();
        let found = self.routes.find(request.uri().path());
        let route = found.as_ref().map_or("-", |(resource, _)| resource.path.as_str());
        let mut variables = Variables::from([
            ("requestId", ids.request.clone()),
            ("extendedRequestId", ids.extended.clone()),
            ("httpMethod", method.to_string()),
            ("resourcePath", route.to_owned()),
            ("stage", self.stage.clone()),
            ("apiId", self.options.api_id.clone()),
        ]);
        variables.insert("path", format!("/{}{}", self.stage, request.uri().path()));

        let found = found.as_ref().map(|(resource, parameters)| (*resource, parameters));
        let outcome = self.answer(request, found, &ids).await;
        let (mut response, reason) = match outcome {
            Ok(response) => (response, None),
            Err(Refusal { kind, reason }) => (response::render(kind, &self.responses, &variables), Some(reason)),
        };
        let headers = response.headers_mut();
        for (name, value) in [("x-amzn-requestid", &ids.request), ("x-amz-apigw-id", &ids.extended)] {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        log(&method, route, &response, started.elapsed(), reason.as_deref());
        response
    }

    async fn answer(
        &self,
        request: Request,
        found: Option<(&Resource, &BTreeMap<String, String>)>,
        ids: &Ids,
    ) -> Result<Response, Refusal> {
        let incoming = Incoming::read(request, self.options.clock.now()).await?;
        // API Gateway's name for "there is no such resource or method".
        let no_route = || Refusal::new(ResponseType::MissingAuthenticationToken, "no such route");
        let (resource, parameters) = found.ok_or_else(no_route)?;
        if incoming.method == Method::OPTIONS
            && resource.own_target("OPTIONS").is_none()
            && let Some(cors) = &self.cors
        {
            if cors.authorized {
                self.authorize(&incoming).await?;
            }
            return Ok(preflight::preflight(cors, resource));
        }
        let target = resource.target(incoming.method.as_str()).ok_or_else(no_route)?;
        let authorizer = if target.authorized { Some(self.authorize(&incoming).await?) } else { None };
        let destination = Destination { resource: &resource.path, parameters, stage: &self.stage };
        let event = event::proxy_event(&incoming, &destination, authorizer, ids, &self.options);
        let answer = self.invoke(target, event).await?;
        answer::http_answer(&answer).map_err(|error| Refusal::caused_by(ResponseType::Default5xx, &error))
    }

    async fn authorize(&self, incoming: &Incoming) -> Result<serde_json::Map<String, serde_json::Value>, Refusal> {
        let missing = || Refusal::new(ResponseType::AuthorizerConfigurationError, "the template has no authorizer");
        let authorizer = self.authorizer.as_ref().ok_or_else(missing)?;
        let method_arn = event::method_arn(incoming, &self.stage, &self.options);
        authorizer.authorize(incoming, &method_arn, &self.invoker).await
    }

    /// A function that runs into its own timeout has failed (502); one that API Gateway won't wait for hasn't (504).
    async fn invoke(&self, target: &Target, event: serde_json::Value) -> Result<serde_json::Value, Refusal> {
        let patience = self.options.integration_timeout;
        self.invoker.invoke(&target.binary, event, target.timeout.min(patience)).await.map_err(|error| {
            let kind = match &error {
                FunctionError::TimedOut(_) if patience < target.timeout => ResponseType::IntegrationTimeout,
                FunctionError::TimedOut(_) | FunctionError::Failed { .. } => ResponseType::Default5xx,
                FunctionError::Unknown(_) | FunctionError::Unreachable(_) | FunctionError::Endpoint(_) => ResponseType::IntegrationFailure,
            };
            Refusal::caused_by(kind, &error)
        })
    }
}

/// One line for each request. The resource's path, not the request's: a URL may carry a credential that went astray.
fn log(method: &Method, route: &str, response: &Response, took: Duration, reason: Option<&str>) {
    let (status, ms) = (response.status().as_u16(), u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
    if response.status().is_server_error() {
        tracing::error!(%method, route, status, ms, reason, "request");
    } else {
        tracing::info!(%method, route, status, ms, reason, "request");
    }
}
