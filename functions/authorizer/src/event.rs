//! The events of every door, with the fields that the authorizer needs.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-input.html>,
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html>,
//! <https://docs.aws.amazon.com/appsync/latest/devguide/security-authz.html>,
//! <https://docs.aws.amazon.com/appsync/latest/eventapi/configure-event-api-auth.html>

use latchkey::{
    http::bearer::{presented_in, presented_with_or_without_scheme},
    operations::Presented,
};
use serde::Deserialize;

use crate::headers::{Headers, is_there};

/// An event, of any door.
#[derive(Deserialize)]
#[serde(from = "Fields")]
pub struct AuthorizerEvent {
    pub(crate) door: Door,
    request_id: Option<String>,
}

/// The kinds of doors. Each sends the credentials in its own place, and accepts one form of answer.
pub(crate) enum Door {
    /// A REST API with a `TOKEN` authorizer: one value, and a policy.
    Token { authorization: Option<String>, method_arn: Option<String> },
    /// A REST API with a `REQUEST` authorizer, or an HTTP API with payload 1.0: the headers, and a policy.
    Request { headers: Headers, method_arn: Option<String> },
    /// `$connect` of a WebSocket API: the headers of the handshake, and a policy.
    WebSocket { headers: Headers, method_arn: Option<String> },
    /// An HTTP API with payload 2.0: the headers, and a simple response.
    HttpApi { headers: Headers, route_arn: Option<String> },
    /// AppSync: one value with or without a scheme, and a simple response of its own.
    AppSync { authorization: Option<String>, api: AppSyncApi },
    /// No door: a client's request itself, because this function is the target of a function URL, a load balancer, VPC Lattice or a route.
    Target { answers_in_lists: bool },
}

/// The two kinds of APIs that AppSync has. They name the context differently.
#[derive(Clone, Copy)]
pub(crate) enum AppSyncApi {
    GraphQl,
    Events,
}

/// What any door sends. Every field is optional: missing fields are handled here, not by serde.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields {
    #[serde(rename = "type")]
    kind: Option<String>,
    version: Option<String>,
    authorization_token: Option<String>,
    method_arn: Option<String>,
    route_arn: Option<String>,
    headers: Option<Headers>,
    multi_value_headers: Option<Headers>,
    request_context: Option<RequestContext>,
    /// The method of a request through a load balancer, or through a REST API.
    #[serde(default, deserialize_with = "is_there")]
    http_method: bool,
    /// The path of a request through VPC Lattice, event version 1.0.
    #[serde(default, rename = "raw_path", deserialize_with = "is_there")]
    raw_path: bool,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext {
    request_id: Option<String>,
    route_key: Option<String>,
    api_id: Option<String>,
    /// What an AppSync Events API is asked for: `EVENT_CONNECT`, `EVENT_PUBLISH`, `EVENT_SUBSCRIBE`.
    operation: Option<String>,
    /// A function URL's request.
    #[serde(default, deserialize_with = "is_there")]
    http: bool,
    /// A load balancer's.
    #[serde(default, deserialize_with = "is_there")]
    elb: bool,
    /// VPC Lattice's, event version 2.0.
    #[serde(default, deserialize_with = "is_there")]
    service_arn: bool,
}

impl From<Fields> for AuthorizerEvent {
    fn from(fields: Fields) -> Self {
        let context = fields.request_context.unwrap_or_default();
        let names_no_route = fields.kind.is_none() && fields.method_arn.is_none() && fields.route_arn.is_none();
        let is_request = fields.http_method || fields.raw_path || context.http || context.elb || context.service_arn;
        let answers_in_lists = fields.multi_value_headers.is_some();
        // The multi-value map, if present, has every value of the other map.
        let headers = fields.multi_value_headers.or(fields.headers).unwrap_or_default();
        let door = match (fields.kind.as_deref(), fields.version.as_deref(), fields.authorization_token) {
            (Some("TOKEN"), _, authorization) => Door::Token { authorization, method_arn: fields.method_arn },
            (_, None, authorization) if names_no_route && context.api_id.is_some() && (authorization.is_some() || !is_request) => {
                let api = if context.operation.is_some_and(|asked| asked.starts_with("EVENT_")) {
                    AppSyncApi::Events
                } else {
                    AppSyncApi::GraphQl
                };
                Door::AppSync { authorization, api }
            }
            _ if names_no_route && is_request => Door::Target { answers_in_lists },
            (_, Some("2.0"), _) => Door::HttpApi { headers, route_arn: fields.route_arn },
            _ if context.route_key.as_deref() == Some("$connect") => Door::WebSocket { headers, method_arn: fields.method_arn },
            _ => Door::Request { headers, method_arn: fields.method_arn },
        };
        Self { door, request_id: context.request_id }
    }
}

impl AuthorizerEvent {
    pub(crate) fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// Whether it is a client's request, and no question about one.
    pub(crate) fn is_a_request(&self) -> bool {
        matches!(self.door, Door::Target { .. })
    }

    /// The credentials.
    pub(crate) fn presented(&self) -> Presented<'_> {
        match &self.door {
            Door::Token { authorization, .. } => authorization.as_deref().map_or(Presented::Nothing, presented_in),
            Door::Request { headers, .. } | Door::HttpApi { headers, .. } => headers.presented(),
            Door::WebSocket { headers, .. } => headers.presented_in_handshake(),
            Door::AppSync { authorization, .. } => authorization.as_deref().map_or(Presented::Nothing, presented_with_or_without_scheme),
            Door::Target { .. } => Presented::Nothing,
        }
    }
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

    /// A browser can choose the sub-protocols of a handshake, and no header. No other door takes a token from there.
    #[test]
    fn only_a_handshake_has_sub_protocols() {
        let headers = json!({"Sec-WebSocket-Protocol": "latchkey, a"});
        let handshake = json!({"type": "REQUEST", "requestContext": {"routeKey": "$connect"}, "headers": headers});
        assert_eq!(seen(handshake), "a");
        for other in [
            json!({"type": "REQUEST", "requestContext": {"routeKey": "$default"}, "headers": headers}),
            json!({"type": "REQUEST", "headers": headers}),
            json!({"version": "2.0", "routeArn": "x", "requestContext": {"routeKey": "$connect"}, "headers": headers}),
        ] {
            assert_eq!(seen(other), "nothing");
        }
    }

    #[test]
    fn a_scheme_may_be_left_out_in_appsync_only() {
        for operation in [json!(null), json!("EVENT_CONNECT")] {
            let context = json!({"apiId": "api", "operation": operation});
            assert_eq!(seen(json!({"authorizationToken": "a", "requestContext": context})), "a");
            assert_eq!(seen(json!({"authorizationToken": "Bearer a", "requestContext": context})), "a");
        }
        for other in [
            json!({"type": "TOKEN", "authorizationToken": "a", "requestContext": {"apiId": "api"}}),
            json!({"methodArn": "x", "authorizationToken": "a", "requestContext": {"apiId": "api"}}),
            json!({"version": "2.0", "authorizationToken": "a", "requestContext": {"apiId": "api"}}),
            json!({"authorizationToken": "a", "requestContext": {}}),
        ] {
            assert_eq!(seen(other), "nothing");
        }
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
