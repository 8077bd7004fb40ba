//! The events that a Lambda integration and a Lambda authorizer get from an HTTP API, both in payload format 2.0.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>,
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html>. What is absent has no
//! member at all.

use serde_json::{Map, Value, json};

use super::route::Found;
use crate::{
    gateway::{
        GatewayOptions,
        incoming::{Ids, Incoming},
    },
    template::DEFAULT_STAGE,
};

/// What the events of one request are made from.
pub(super) struct Events<'a> {
    pub(super) incoming: &'a Incoming,
    pub(super) found: &'a Found<'a>,
    pub(super) ids: &'a Ids,
    pub(super) options: &'a GatewayOptions,
}

impl Events<'_> {
    /// For the integration. `authorizer` is the context that the authorizer gave, where one was asked.
    pub(super) fn proxy(&self, authorizer: Option<&Value>) -> Value {
        let mut event = self.common();
        if let (Some(given), Some(Value::Object(context))) = (authorizer, event.get_mut("requestContext")) {
            context.insert("authorizer".to_owned(), json!({"lambda": given}));
        }
        let (body, is_base64) = self.incoming.body_in_event();
        event.extend(body.map(|body| ("body".to_owned(), Value::from(body))));
        event.insert("isBase64Encoded".to_owned(), Value::from(is_base64));
        Value::Object(event)
    }

    /// For the authorizer, with the values of its identity sources.
    pub(super) fn authorizer(&self, identity: &[String]) -> Value {
        let GatewayOptions { region, account_id, api_id, .. } = self.options;
        let Incoming { method, path, .. } = self.incoming;
        let mut event = self.common();
        event.insert("type".to_owned(), Value::from("REQUEST"));
        let arn = format!("arn:aws:execute-api:{region}:{account_id}:{api_id}/{DEFAULT_STAGE}/{method}{path}");
        event.insert("routeArn".to_owned(), Value::from(arn));
        event.insert("identitySource".to_owned(), Value::from(identity));
        Value::Object(event)
    }

    /// What both have.
    fn common(&self) -> Map<String, Value> {
        let Self { incoming, found, ids, options } = self;
        let members = json!({
            "version": "2.0",
            "routeKey": found.route.key,
            "rawPath": incoming.path,
            "rawQueryString": incoming.query,
            "headers": joined(self.headers()),
            "requestContext": {
                "accountId": options.account_id,
                "apiId": options.api_id,
                "domainName": incoming.domain(),
                "domainPrefix": incoming.domain_prefix(),
                "http": {
                    "method": incoming.method.as_str(),
                    "path": incoming.path,
                    "protocol": incoming.protocol,
                    "sourceIp": incoming.source_ip.to_string(),
                    "userAgent": incoming.header("user-agent").unwrap_or_default(),
                },
                "requestId": ids.extended,
                "routeKey": found.route.key,
                "stage": DEFAULT_STAGE,
                "time": incoming.time(),
                "timeEpoch": incoming.arrived.timestamp_millis(),
            },
        });
        let cookies = self.cookies();
        let query = form_urlencoded::parse(incoming.query.as_bytes()).into_owned();
        let where_any = [
            (!cookies.is_empty()).then(|| ("cookies", json!(cookies))),
            (!incoming.query.is_empty()).then(|| ("queryStringParameters", joined(query))),
            (!found.parameters.is_empty()).then(|| ("pathParameters", json!(found.parameters))),
        ];
        let mut event = match members {
            Value::Object(members) => members,
            _ => Map::new(),
        };
        event.extend(where_any.into_iter().flatten().map(|(name, value)| (name.to_owned(), value)));
        event
    }

    /// Names in lower case. The length was dropped with the other framing headers; here API Gateway says it.
    fn headers(&self) -> impl Iterator<Item = (String, String)> {
        let sent = self.incoming.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone()));
        let length = ("content-length".to_owned(), self.incoming.body.len().to_string());
        sent.filter(|(name, _)| name != "cookie").chain([length])
    }

    fn cookies(&self) -> Vec<&str> {
        let headers = self.incoming.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("cookie"));
        headers.flat_map(|(_, value)| value.split(';')).map(str::trim).filter(|cookie| !cookie.is_empty()).collect()
    }
}

/// "Duplicate headers are combined with commas", and so are duplicate query strings.
fn joined(pairs: impl Iterator<Item = (String, String)>) -> Value {
    let mut values: Map<String, Value> = Map::new();
    for (name, value) in pairs {
        match values.get_mut(&name) {
            Some(Value::String(before)) => {
                before.push(',');
                before.push_str(&value);
            }
            _ => {
                values.insert(name, Value::from(value));
            }
        }
    }
    Value::Object(values)
}
