//! Gateway responses: the answers of API Gateway itself, as the template customises them.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-gatewayResponse-definition.html> and
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html>. A type that the
//! template leaves out takes `DEFAULT_4XX` or `DEFAULT_5XX`, and keeps its own status unless that one sets a status.
//! Bodies may contain variables and no other velocity: `$context.…` is replaced, and a variable that isn't known here becomes empty.

use std::{borrow::Cow, collections::BTreeMap, sync::LazyLock};

use axum::{body::Body, response::Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use regex::{Captures, Regex};
use serde_json::Value;

use latchkey::telling::log::chain;

use crate::template::GatewayResponse;

/// The types that the local gateway uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ResponseType {
    AccessDenied,
    AuthorizerConfigurationError,
    AuthorizerFailure,
    BadRequestBody,
    Default5xx,
    ExpiredSignature,
    IncompleteSignature,
    IntegrationFailure,
    IntegrationTimeout,
    InvalidSignature,
    MissingAuthenticationToken,
    RequestTooLarge,
    Unauthorized,
    UnrecognizedClient,
}

impl ResponseType {
    /// Its name, its status without a template, `$context.error.message` (null for none) and `x-amzn-ErrorType`.
    ///
    /// `DEFAULT_5XX` has no status of its own; 502 is what a Lambda integration gives it for a failed function.
    fn facts(self) -> (&'static str, u16, Option<&'static str>, &'static str) {
        match self {
            Self::AccessDenied => ("ACCESS_DENIED", 403, Some("User is not authorized to access this resource"), "AccessDeniedException"),
            Self::AuthorizerConfigurationError => ("AUTHORIZER_CONFIGURATION_ERROR", 500, None, "AuthorizerConfigurationException"),
            Self::AuthorizerFailure => ("AUTHORIZER_FAILURE", 500, None, "AuthorizerFailureException"),
            Self::BadRequestBody => ("BAD_REQUEST_BODY", 400, Some("Invalid request body"), "BadRequestException"),
            Self::Default5xx => ("DEFAULT_5XX", 502, Some("Internal server error"), "InternalServerErrorException"),
            Self::IntegrationFailure => ("INTEGRATION_FAILURE", 504, Some("Internal server error"), "IntegrationFailureException"),
            Self::IntegrationTimeout => ("INTEGRATION_TIMEOUT", 504, Some("Endpoint request timed out"), "InternalServerErrorException"),
            Self::ExpiredSignature => ("EXPIRED_TOKEN", 403, Some("Signature expired"), "InvalidSignatureException"),
            Self::IncompleteSignature => ("INVALID_SIGNATURE", 403, Some("Incomplete signature"), "IncompleteSignatureException"),
            Self::InvalidSignature => ("INVALID_SIGNATURE", 403, Some("Invalid signature"), "InvalidSignatureException"),
            Self::UnrecognizedClient => ("INVALID_SIGNATURE", 403, Some("Unknown access key"), "UnrecognizedClientException"),
            Self::MissingAuthenticationToken => {
                ("MISSING_AUTHENTICATION_TOKEN", 403, Some("Missing Authentication Token"), "MissingAuthenticationTokenException")
            }
            Self::RequestTooLarge => ("REQUEST_TOO_LARGE", 413, Some("Request Too Long"), "RequestTooLargeException"),
            Self::Unauthorized => ("UNAUTHORIZED", 401, Some("Unauthorized"), "UnauthorizedException"),
        }
    }
}

/// A request that the gateway answers itself.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) kind: ResponseType,
    /// Why, for the local log.
    pub(super) reason: String,
    /// The `detail`, where refusals of one kind differ in it.
    pub(super) message: Option<String>,
}

impl Refusal {
    pub(super) fn new(kind: ResponseType, reason: impl Into<String>) -> Self {
        Self { kind, reason: reason.into(), message: None }
    }

    /// The same, with `error` and its causes as the reason.
    pub(super) fn caused_by(kind: ResponseType, error: &dyn std::error::Error) -> Self {
        Self { kind, reason: chain(error), message: None }
    }
}

/// The `$context` variables of one request, without the error's own.
pub(super) type Variables = BTreeMap<&'static str, String>;

const DEFAULT_BODY: &str = r#"{"message":$context.error.messageString}"#;
const JSON: &str = "application/json";

/// The answer for a refusal, after the template's `customised` responses.
pub(super) fn render(refusal: &Refusal, customised: &BTreeMap<String, GatewayResponse>, variables: &Variables) -> Response {
    let (name, own_status, message, error_type) = refusal.kind.facts();
    let message = refusal.message.as_deref().or(message);
    let default = if own_status < 500 { "DEFAULT_4XX" } else { "DEFAULT_5XX" };
    let response = customised.get(name).or_else(|| customised.get(default)).map_or_else(Cow::default, Cow::Borrowed);
    let (content_type, body) = body_of(&response);

    let mut variables = variables.clone();
    variables.insert("error.message", message.unwrap_or_default().to_owned());
    variables.insert("error.messageString", message.map_or(Value::Null, Value::from).to_string());
    variables.insert("error.responseType", name.to_owned());

    let mut answer = Response::new(Body::from(substitute(body, &variables)));
    *answer.status_mut() = StatusCode::from_u16(response.status.unwrap_or(own_status)).unwrap_or_default();
    let headers = answer.headers_mut();
    headers.insert(HeaderName::from_static("x-amzn-errortype"), HeaderValue::from_static(error_type));
    if let Ok(content_type) = HeaderValue::from_str(content_type) {
        headers.insert(header::CONTENT_TYPE, content_type);
    }
    for (name, value) in &response.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
    answer
}

/// The JSON template if there is one. Which of several API Gateway takes isn't documented.
fn body_of(response: &GatewayResponse) -> (&str, &str) {
    let chosen = response.bodies.get_key_value(JSON).or_else(|| response.bodies.iter().next());
    chosen.map_or((JSON, DEFAULT_BODY), |(content_type, body)| (content_type, body))
}

fn substitute(body: &str, variables: &Variables) -> String {
    static VARIABLE: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"\$(?:\{context\.([A-Za-z.]+)\}|context\.([A-Za-z]+(?:\.[A-Za-z]+)*))").ok());
    let Some(variable) = VARIABLE.as_ref() else { return body.to_owned() };
    let replaced = variable.replace_all(body, |found: &Captures<'_>| {
        let name = found.get(1).or_else(|| found.get(2)).map_or("", |name| name.as_str());
        variables.get(name).cloned().unwrap_or_default()
    });
    replaced.into_owned()
}
