//! The events of every kind of gateway, with the fields that the authorizer needs.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-input.html>,
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html>

use std::collections::HashMap;

use latchkey::{http::bearer::presented_in, operations::Presented};
use serde::Deserialize;

/// An authorizer event, of any gateway.
#[derive(Deserialize)]
#[serde(from = "Fields")]
pub struct AuthorizerEvent {
    pub(crate) gateway: Gateway,
    request_id: Option<String>,
}

/// The kinds of gateways. Each sends the credentials in its own place, and accepts one form of answer.
pub(crate) enum Gateway {
    /// A REST API with a `TOKEN` authorizer: one value, and a policy.
    Token { authorization: Option<String>, method_arn: Option<String> },
    /// A REST or WebSocket API with a `REQUEST` authorizer, or an HTTP API with payload 1.0: the headers, and a policy.
    Request { headers: Headers, method_arn: Option<String> },
    /// An HTTP API with payload 2.0: the headers, and a simple response.
    HttpApi { headers: Headers, route_arn: Option<String> },
}

/// The headers of a request, with names in any case.
pub(crate) enum Headers {
    /// One value each.
    Single(HashMap<String, Option<String>>),
    /// All values each.
    Multi(HashMap<String, Option<Vec<String>>>),
}

/// What any gateway sends. Every field is optional: missing fields are handled here, not by serde.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields {
    #[serde(rename = "type")]
    kind: Option<String>,
    version: Option<String>,
    authorization_token: Option<String>,
    method_arn: Option<String>,
    route_arn: Option<String>,
    headers: Option<HashMap<String, Option<String>>>,
    multi_value_headers: Option<HashMap<String, Option<Vec<String>>>>,
    request_context: Option<RequestContext>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext {
    request_id: Option<String>,
}

impl From<Fields> for AuthorizerEvent {
    fn from(fields: Fields) -> Self {
        let Fields { kind, version, authorization_token, method_arn, route_arn, headers, multi_value_headers, request_context } = fields;
        // The multi-value map, if present, has every value of the other map.
        let headers = || match multi_value_headers {
            Some(headers) => Headers::Multi(headers),
            None => Headers::Single(headers.unwrap_or_default()),
        };
        let gateway = match (kind.as_deref(), version.as_deref()) {
            (Some("TOKEN"), _) => Gateway::Token { authorization: authorization_token, method_arn },
            (_, Some("2.0")) => Gateway::HttpApi { headers: headers(), route_arn },
            _ => Gateway::Request { headers: headers(), method_arn },
        };
        Self { gateway, request_id: request_context.and_then(|context| context.request_id) }
    }
}

impl AuthorizerEvent {
    pub(crate) fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// The credentials. Two `Authorization` headers are refused.
    pub(crate) fn presented(&self) -> Presented<'_> {
        match &self.gateway {
            Gateway::Token { authorization, .. } => authorization.as_deref().map_or(Presented::Nothing, presented_in),
            Gateway::Request { headers, .. } | Gateway::HttpApi { headers, .. } => headers.presented(),
        }
    }
}

impl Headers {
    fn presented(&self) -> Presented<'_> {
        let mut values = match self {
            Self::Single(headers) => values_of(headers, |value| value.iter().collect()),
            Self::Multi(headers) => values_of(headers, |values| values.iter().flatten().collect()),
        }
        .into_iter();
        match (values.next(), values.next()) {
            (None, _) => Presented::Nothing,
            (Some(value), None) => presented_in(value),
            (Some(_), Some(_)) => Presented::Unusable,
        }
    }
}

fn values_of<V>(headers: &HashMap<String, V>, values: impl Fn(&V) -> Vec<&String>) -> Vec<&str> {
    let named = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    named.flat_map(|(_, value)| values(value)).map(String::as_str).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn seen(event: serde_json::Value) -> String {
        let event: AuthorizerEvent = serde_json::from_value(event).unwrap();
        match event.presented() {
            Presented::Nothing => "nothing".into(),
            Presented::Unusable => "unusable".into(),
            Presented::Token(token) => token.into(),
        }
    }

    /// A2, B3: every event format, and two headers in one request.
    #[test]
    fn credentials_are_found_in_every_shape() {
        assert_eq!(seen(json!({"type": "TOKEN", "authorizationToken": "bearer a"})), "a");
        assert_eq!(seen(json!({"type": "TOKEN"})), "nothing");
        assert_eq!(seen(json!({"type": "REQUEST", "headers": {"AUTHORIZATION": "Bearer a"}})), "a");
        assert_eq!(seen(json!({"type": "REQUEST", "headers": null, "multiValueHeaders": {"authorization": ["Bearer a"]}})), "a");
        assert_eq!(
            seen(
                json!({"type": "REQUEST", "headers": {"Authorization": "Bearer b"}, "multiValueHeaders": {"Authorization": ["Bearer a", "Bearer b"]}})
            ),
            "unusable"
        );
        assert_eq!(seen(json!({"headers": {"Authorization": "Bearer a", "authorization": "Bearer b"}})), "unusable");
        assert_eq!(seen(json!({"version": "2.0", "headers": {"authorization": "Bearer a,Bearer b"}})), "a,Bearer b", "joined: no token");
        assert_eq!(seen(json!({"type": "REQUEST", "headers": null})), "nothing");
        assert_eq!(seen(json!({})), "nothing");
    }

    /// B4: a token outside the header counts as absent.
    #[test]
    fn a_token_in_the_query_is_not_looked_at() {
        assert_eq!(seen(json!({"type": "REQUEST", "queryStringParameters": {"access_token": "a"}, "headers": {}})), "nothing");
        assert_eq!(
            seen(json!({"version": "1.0", "identitySource": "Bearer a", "authorizationToken": "Bearer a", "headers": {}})),
            "nothing"
        );
    }

    #[test]
    fn a_request_is_known_by_the_gateways_id() {
        let id = |event: serde_json::Value| serde_json::from_value::<AuthorizerEvent>(event).unwrap().request_id().map(str::to_owned);
        assert_eq!(id(json!({"requestContext": {"requestId": "c6af9ac6"}})).as_deref(), Some("c6af9ac6"));
        assert_eq!(id(json!({"requestContext": {}})), None);
        assert_eq!(id(json!({})), None);
    }
}
