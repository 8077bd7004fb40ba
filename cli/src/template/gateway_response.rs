//! `GatewayResponses` of an API as plain data.

use std::collections::BTreeMap;

use super::{TemplateError, node::Node};

/// An answer of the gateway itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GatewayResponse {
    /// `None` for the default status of the type.
    pub status: Option<u16>,
    pub headers: BTreeMap<String, String>,
    /// Bodies by content type.
    pub bodies: BTreeMap<String, String>,
}

/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html>
const RESPONSE_TYPES: [&str; 21] = [
    "ACCESS_DENIED",
    "API_CONFIGURATION_ERROR",
    "AUTHORIZER_CONFIGURATION_ERROR",
    "AUTHORIZER_FAILURE",
    "BAD_REQUEST_BODY",
    "BAD_REQUEST_PARAMETERS",
    "DEFAULT_4XX",
    "DEFAULT_5XX",
    "EXPIRED_TOKEN",
    "INTEGRATION_FAILURE",
    "INTEGRATION_TIMEOUT",
    "INVALID_API_KEY",
    "INVALID_SIGNATURE",
    "MISSING_AUTHENTICATION_TOKEN",
    "QUOTA_EXCEEDED",
    "REQUEST_TOO_LARGE",
    "RESOURCE_NOT_FOUND",
    "THROTTLED",
    "UNAUTHORIZED",
    "UNSUPPORTED_MEDIA_TYPE",
    "WAF_FILTERED",
];

/// The response of the type `kind`.
pub(super) fn gateway_response((kind, node): (String, Node<'_>)) -> Result<(String, GatewayResponse), TemplateError> {
    if !RESPONSE_TYPES.contains(&kind.as_str()) {
        return Err(node.unexpected("to stand under a response type of API Gateway"));
    }
    let mut response = GatewayResponse::default();
    if let Some(status) = node.get("StatusCode")? {
        let code: u16 = status.number()?;
        response.status = Some(code).filter(|code| (100..=599).contains(code));
        if response.status.is_none() {
            return Err(status.unexpected("an HTTP status"));
        }
    }
    if let Some(headers) = node.at(&["ResponseParameters", "Headers"])? {
        for (name, value) in headers.entries()? {
            response.headers.insert(name, value.quoted()?);
        }
    }
    if let Some(bodies) = node.get("ResponseTemplates")? {
        for (content_type, body) in bodies.entries()? {
            response.bodies.insert(content_type, body.text()?);
        }
    }
    Ok((kind, response))
}
