//! The events of every kind of gateway, with the fields that the authorizer needs.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-input.html>,
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html>

use std::collections::HashMap;

use latchkey::{http::bearer::presented_in, operations::Presented};
use serde::Deserialize;

/// An authorizer event. Every field is optional: missing fields are handled here, not by serde.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthorizerEvent {
    #[serde(rename = "type")]
    kind: Option<String>,
    version: Option<String>,
    authorization_token: Option<String>,
    pub(crate) method_arn: Option<String>,
    pub(crate) route_arn: Option<String>,
    headers: Option<HashMap<String, Option<String>>>,
    multi_value_headers: Option<HashMap<String, Option<Vec<String>>>>,
    request_context: Option<RequestContext>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext {
    request_id: Option<String>,
}

impl AuthorizerEvent {
    /// HTTP API payload 2.0: the only format that accepts a simple response.
    pub(crate) fn wants_simple_response(&self) -> bool {
        self.version.as_deref() == Some("2.0")
    }

    pub(crate) fn request_id(&self) -> Option<&str> {
        self.request_context.as_ref()?.request_id.as_deref()
    }

    /// The credentials. A `TOKEN` authorizer receives a single value. Every other kind receives the headers, with names in
    /// any case; two `Authorization` headers are refused.
    pub(crate) fn presented(&self) -> Presented<'_> {
        if self.kind.as_deref() == Some("TOKEN") {
            return self.authorization_token.as_deref().map_or(Presented::Nothing, presented_in);
        }
        // The multi-value map, if present, has every value of the other map.
        let mut values = match &self.multi_value_headers {
            Some(headers) => values_of(headers, |values| values.iter().flatten().collect()),
            None => self.headers.as_ref().map(|headers| values_of(headers, |value| value.iter().collect())).unwrap_or_default(),
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
