//! API Gateway on a laptop: it turns HTTP requests into events for the functions, and their answers into HTTP.
//!
//! It serves the REST API of a template with Lambda proxy integrations, and the back office's beside it. A request goes: read,
//! find its route, authorizer or signature, function, answer. The gateway behaves as API Gateway does, as far as that is known. It differs on purpose in these points:
//! - Nothing is throttled: no usage plans, no route or method settings, no 429 of its own. No WAF, no resource policy, no
//!   API keys, no request validators, no 10,240-byte limit on headers (the HTTP library's own is larger), no limit on a
//!   method's ARN.
//! - The stage is in the events and ARNs, not in the URL, as behind a custom domain.
//! - Header names are lower-case, because the HTTP library keeps no spelling.
//! - Bodies that aren't UTF-8 are Base64 both ways, and no others: without regard to `BinaryMediaTypes` or Content-Type.
//! - The validation expression is in the `regex` crate's dialect, not Java's.

mod answer;
mod iam;
mod incoming;
mod integration;
mod kept;
mod path;
mod rest;
#[cfg(test)]
mod stand;

use std::{
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

pub use self::iam::Principal;
use self::{incoming::Ids, rest::RestApi};
use crate::{
    client::{EMULATOR_KEY, Signer},
    invoke::Invoker,
    template::{ACCOUNT, REGION, Template},
};

/// Region, account and API id used in ARNs, and the gateway's time limit and clock.
#[derive(Debug, Clone)]
pub struct GatewayOptions {
    /// The region in ARNs.
    pub region: String,
    /// The account in ARNs and events.
    pub account_id: String,
    /// The API's id in ARNs and events.
    pub api_id: String,
    /// How long API Gateway waits for a function, regardless of the function's own timeout.
    pub integration_timeout: Duration,
    /// The clock for the times in events and signatures.
    pub clock: Clock,
    /// Who may sign requests to the back office.
    pub principal: Principal,
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
            principal: Principal::local(EMULATOR_KEY, EMULATOR_KEY),
        }
    }
}

/// The API of a template, ready to serve.
pub struct Gateway {
    api: RestApi,
    /// On AWS it has an address of its own.
    back_office: Option<RestApi>,
    platform: Platform,
}

/// The state behind the routes.
struct Platform {
    invoker: Invoker,
    options: GatewayOptions,
}

/// What the gateway knows of an answer and doesn't send. It is an extension of the answer.
#[derive(Debug, Clone)]
pub struct Answered {
    /// The request's route as the template has it; `-` if no route matches.
    pub route: String,
    /// Why the gateway answered itself.
    pub reason: Option<String>,
}

/// The answer to a request.
struct Outcome {
    response: Response,
    /// As the template has it; `-` where there is none.
    route: String,
    /// Why the gateway answered itself, for the local log.
    reason: Option<String>,
}

impl Gateway {
    /// A gateway for `template` whose functions `invoker` runs.
    #[must_use]
    pub fn new(template: &Template, invoker: Invoker, options: GatewayOptions) -> Self {
        let back_office = template.back_office.as_ref().map(|office| RestApi::back_office(office, template));
        Self { api: RestApi::new(template), back_office, platform: Platform { invoker, options } }
    }

    /// What a request to the back office is signed with.
    #[must_use]
    pub fn signer(&self) -> Signer {
        let options = &self.platform.options;
        Signer { credentials: options.principal.credentials.clone(), region: options.region.clone() }
    }

    /// The gateway as a service for every path and method.
    ///
    /// Serve it with `into_make_service_with_connect_info::<SocketAddr>()`: without that, `sourceIp` is 127.0.0.1.
    pub fn into_router(self) -> Router {
        let serve = |State(gateway): State<Arc<Self>>, request: Request| async move { gateway.serve(request).await };
        Router::new().fallback(serve).with_state(Arc::new(self))
    }

    async fn serve(&self, request: Request) -> Response {
        let (started, ids, method) = (Instant::now(), Ids::random(), request.method().clone());
        let back_office = self.back_office.as_ref().filter(|office| office.has_root_of(request.uri().path()));
        let outcome = back_office.unwrap_or(&self.api).serve(request, &ids, &self.platform).await;
        log(&method, &outcome, started.elapsed());
        let Outcome { mut response, route, reason } = outcome;
        response.extensions_mut().insert(Answered { route, reason });
        response
    }
}

/// Adds the gateway's ids of the request to the answer.
fn identify(response: &mut Response, ids: &[(&'static str, &str)]) {
    for (name, value) in ids {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
}

/// Logs one line for each request. It contains the route's path and not the request's, because a URL may contain a credential by
/// mistake.
fn log(method: &Method, outcome: &Outcome, took: Duration) {
    let Outcome { response, route, reason } = outcome;
    let (status, ms) = (response.status().as_u16(), u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
    let (route, reason) = (route.as_str(), reason.as_deref());
    if response.status().is_server_error() {
        tracing::error!(%method, route, status, ms, reason, "request");
    } else {
        tracing::info!(%method, route, status, ms, reason, "request");
    }
}
