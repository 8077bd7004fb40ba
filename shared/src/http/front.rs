//! The front between Lambda's events and an HTTP service. It corrects what lambda_http's own adapter gets wrong.
//!
//! * A body that claims to be base64 and isn't would panic in lambda_http; here it is a 400.
//! * Of two `Authorization` headers lambda_http keeps one; here both arrive, so that they can be refused.
//! * A Host or scheme that makes no URI would panic there as well, and so would a path that begins with no slash, or a path
//!   or query too long for a URI once it is encoded again; here the first is ignored and the others get 400.
//! * An event with headers that no HTTP library accepts would be a function error; here it is a 400.
//!
//! It ends every request after [`Limits::request`], and gives it the gateway's request id.

mod event;

pub use event::{GatewayEvent, RequestUrls};

use std::{convert::Infallible, future::Future, pin::Pin, task, time::Duration};

use http::{HeaderValue, StatusCode, header};
use lambda_http::{
    Body, Request, Response,
    aws_lambda_events::apigw::ApiGatewayProxyResponse,
    request::{LambdaRequest, RequestContext},
};
use lambda_runtime::LambdaEvent;
use tower_service::Service;

use crate::{
    entropy::Random,
    http::problem::{Problem, ProblemCode},
    limits::Limits,
    telling::{
        log::{Event, Fields, RequestId, log},
        signals::Signals,
    },
};

/// Where a request came from, as the gateway saw it.
#[derive(Debug, Clone, Default)]
pub struct Source {
    /// The peer's address. It never comes from a header that a client can set.
    pub ip: Option<String>,
    /// The User-Agent.
    pub user_agent: Option<String>,
}

/// An HTTP service as a Lambda function behind a REST API.
#[derive(Debug, Clone)]
pub struct Front<S> {
    service: S,
    cors_allow_origin: Option<HeaderValue>,
    budget: Duration,
    random: Random,
}

impl<S> Front<S> {
    /// Serves requests with `service`, each within `limits.request`; answers carry CORS headers for `cors_allow_origin`.
    /// The pause that a 503 asks for is drawn from `random`.
    pub fn new(service: S, cors_allow_origin: Option<&str>, limits: Limits, random: Random) -> Self {
        let cors_allow_origin = cors_allow_origin.and_then(|origin| HeaderValue::from_str(origin).ok());
        Self { service, cors_allow_origin, budget: limits.request, random }
    }
}

impl<S> Service<LambdaEvent<GatewayEvent>> for Front<S>
where
    S: Service<Request, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = ApiGatewayProxyResponse;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut task::Context<'_>) -> task::Poll<Result<(), Infallible>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, event: LambdaEvent<GatewayEvent>) -> Self::Future {
        let clone = self.service.clone();
        let service = std::mem::replace(&mut self.service, clone);
        let (cors_allow_origin, budget, random) = (self.cors_allow_origin.clone(), self.budget, self.random.clone());
        Box::pin(async move {
            let mut response = answer(service, event.payload, budget).await;
            spread(&mut response, &random);
            Ok(gateway_response(response, cors_allow_origin))
        })
    }
}

async fn answer<S>(mut service: S, event: GatewayEvent, budget: Duration) -> Response<Body>
where
    S: Service<Request, Response = Response<Body>, Error = Infallible>,
{
    let (event, urls) = match event.into_request() {
        Ok(read) => read,
        Err(malformed) => {
            let reason = malformed.to_string();
            log(
                Event::RequestMalformed,
                Fields { request_id: malformed.request_id.as_deref(), reason: Some(&reason), ..Fields::default() },
                None,
            );
            return Problem::invalid_request(malformed.detail).into_response();
        }
    };
    let mut request: Request = LambdaRequest::ApiGatewayV1(event).into();
    request.extensions_mut().insert(urls);
    let request_id = leave_source(&mut request);
    match tokio::time::timeout(budget, service.call(request)).await {
        Ok(Ok(response)) => response,
        Err(_elapsed) => {
            log(Event::DeadlinePassed, Fields { request_id: request_id.as_deref(), ..Fields::default() }, None);
            Problem::from(ProblemCode::Unavailable).into_response()
        }
    }
}

/// The longest pause that a 503 asks for, in seconds.
const LONGEST_PAUSE: u64 = 5;

/// Draws the pause that a 503 asks for. Clients that failed together must not come back together. A 429 keeps its own: it says
/// when the wait is over.
fn spread(response: &mut Response<Body>, random: &Random) {
    if response.status() == StatusCode::SERVICE_UNAVAILABLE
        && let Ok(drawn) = random.bytes().map(u64::from_be_bytes)
    {
        response.headers_mut().insert(header::RETRY_AFTER, (1 + drawn % LONGEST_PAUSE).into());
    }
}

/// Takes the source and the request id from the gateway's request context.
fn leave_source(request: &mut Request) -> Option<String> {
    let Some(RequestContext::ApiGatewayV1(context)) = request.extensions().get::<RequestContext>() else {
        return None;
    };
    let source = Source { ip: context.identity.source_ip.clone(), user_agent: context.identity.user_agent.clone() };
    let request_id = context.request_id.clone();
    request.extensions_mut().insert(source);
    if let Some(request_id) = &request_id {
        request.extensions_mut().insert(RequestId(request_id.clone()));
    }
    request_id
}

fn gateway_response(response: Response<Body>, cors_allow_origin: Option<HeaderValue>) -> ApiGatewayProxyResponse {
    let (mut parts, body) = response.into_parts();
    if let Some(origin) = cors_allow_origin {
        parts.headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        parts.headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("Date, Retry-After, x-amzn-RequestId"));
    }
    let mut answer = ApiGatewayProxyResponse::default();
    answer.status_code = i64::from(parts.status.as_u16());
    answer.headers = parts.headers;
    // `Body::Empty` would be `"body": null`, which not every gateway takes.
    answer.body = Some(if matches!(body, Body::Empty) { Body::Text(String::new()) } else { body });
    answer
}

/// Runs the service as a Lambda function until the environment is shut down.
///
/// # Errors
/// What the runtime reports.
pub async fn run<S>(
    service: S,
    cors_allow_origin: Option<&str>,
    limits: Limits,
    random: Random,
    signals: Signals,
) -> Result<(), lambda_runtime::Error>
where
    S: Service<Request, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let mut front = Front::new(service, cors_allow_origin, limits, random);
    lambda_runtime::run(lambda_runtime::service_fn(move |event: LambdaEvent<GatewayEvent>| {
        let signals = signals.clone();
        let trace = event.context.xray_trace_id.clone();
        let answer = front.call(event);
        async move { signals.of_request(trace.as_deref(), answer).await }
    }))
    .await
}

#[cfg(test)]
mod tests;
