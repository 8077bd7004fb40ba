//! The REST proxy event, made safe for lambda_http.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::HeaderValue;
use lambda_http::aws_lambda_events::apigw::ApiGatewayProxyRequest;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, value::RawValue};

use crate::dpop::NormalUrl;

/// The most bytes that API Gateway accepts in a request's line and headers together
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html>).
const REQUEST_LINE_BYTES: usize = 10_240;

/// A REST proxy event, or the request id of one that can't be read.
#[derive(Debug)]
pub struct GatewayEvent(Result<Box<ApiGatewayProxyRequest>, Malformed>);

/// The URLs that the client may have called, never from a header that a client can set: the one that the gateway saw, with its stage or
/// base path. Or the route below the base URLs of the stage variable `dpopUrls`, where clients don't call the gateway itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestUrls(pub Vec<NormalUrl>);

impl RequestUrls {
    fn of(event: &ApiGatewayProxyRequest) -> Self {
        let context = &event.request_context;
        let bases = event.stage_variables.get(BASE_URLS).map_or("", String::as_str);
        if !bases.is_empty() {
            let route = context.resource_path.as_deref().unwrap_or_default();
            return Self(bases.split(',').filter_map(|base| NormalUrl::below(base, route)).collect());
        }
        let called = context.domain_name.as_ref().zip(context.path.as_ref());
        Self(called.and_then(|(domain, path)| NormalUrl::parse(&format!("https://{domain}{path}"))).into_iter().collect())
    }
}

/// The stage variable, with commas between the URLs.
const BASE_URLS: &str = "dpopUrls";

/// An event that is no HTTP request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub(super) struct Malformed {
    pub(super) detail: &'static str,
    pub(super) request_id: Option<String>,
}

impl<'de> Deserialize<'de> for GatewayEvent {
    /// Doesn't fail on any JSON. An invalid header comes from the client, and the client must get an answer.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let event = serde_json::from_str(raw.get()).or_else(|_| without_impossible_headers(raw.get()));
        Ok(Self(event.map(Box::new)))
    }
}

/// Parses an event again, with `?` for each invalid header value. The value isn't removed, so that a second `Authorization` is still
/// noticed.
fn without_impossible_headers(event: &str) -> Result<ApiGatewayProxyRequest, Malformed> {
    let mut event: Value = serde_json::from_str(event).unwrap_or_default();
    for map in ["headers", "multiValueHeaders"] {
        let values = event.get_mut(map).and_then(Value::as_object_mut).into_iter().flat_map(|headers| headers.values_mut());
        for value in values {
            let each = match value {
                Value::Array(several) => several.iter_mut().collect(),
                one => vec![one],
            };
            for value in each.into_iter().filter(|value| value.as_str().is_some_and(|text| HeaderValue::from_str(text).is_err())) {
                *value = Value::from("?");
            }
        }
    }
    let request_id = event.pointer("/requestContext/requestId").and_then(Value::as_str).map(str::to_owned);
    serde_json::from_value(event).map_err(|_| Malformed { detail: "the event is no request of a REST API", request_id })
}

impl GatewayEvent {
    /// The event, made safe for lambda_http.
    pub(super) fn into_request(self) -> Result<(ApiGatewayProxyRequest, RequestUrls), Malformed> {
        let mut event = *self.0?;
        let decodes = |body: &str| STANDARD.decode(body).is_ok();
        if event.is_base64_encoded && !event.body.as_deref().is_none_or(decodes) {
            return Err(Malformed { detail: "the body is not the base64 it claims to be", request_id: event.request_context.request_id });
        }
        if path_and_query_bytes(&event) > REQUEST_LINE_BYTES {
            let detail = "path and query are longer than any that API Gateway takes";
            return Err(Malformed { detail, request_id: event.request_context.request_id });
        }
        if event.path.as_deref().is_some_and(|path| !path.starts_with('/')) {
            return Err(Malformed { detail: "the path doesn't begin with a slash", request_id: event.request_context.request_id });
        }
        // lambda_http lets the single-valued map overwrite the multi-valued one, which is complete where it is there. And it
        // panics where Host and X-Forwarded-Proto make no URI: it looks for them in the single-valued map only. Without
        // that map the URI is the path, and nothing else of it is used.
        let single = std::mem::take(&mut event.headers);
        for name in single.keys().filter(|name| !event.multi_value_headers.contains_key(*name)).cloned().collect::<Vec<_>>() {
            for value in single.get_all(&name) {
                event.multi_value_headers.append(&name, value.clone());
            }
        }
        let urls = RequestUrls::of(&event);
        // lambda_http would make the request's own URL of it.
        event.request_context.domain_name = None;
        Ok((event, urls))
    }
}

/// lambda_http prefers the multi-valued map if there is one.
fn path_and_query_bytes(event: &ApiGatewayProxyRequest) -> usize {
    let (single, multi) = (&event.query_string_parameters, &event.multi_value_query_string_parameters);
    let query = if multi.is_empty() { single } else { multi };
    event.path.as_deref().map_or(0, str::len) + query.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>()
}
