//! The event of a Lambda proxy integration of a REST API.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html#api-gateway-simple-proxy-for-lambda-input-format>

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use serde_json::{Map, Value, json};

use crate::gateway::{
    GatewayOptions,
    iam::Principal,
    incoming::{Ids, Incoming},
};

/// The resource that a request matched.
pub(super) struct Destination<'a> {
    /// The resource's path, parameters in braces.
    pub(super) resource: &'a str,
    pub(super) parameters: &'a BTreeMap<String, String>,
    pub(super) stage: &'a str,
    pub(super) variables: &'a BTreeMap<String, String>,
}

/// `arn:aws:execute-api:{region}:{account}:{api}/{stage}/{METHOD}/{path}`.
pub(super) fn method_arn(incoming: &Incoming, stage: &str, options: &GatewayOptions) -> String {
    let GatewayOptions { region, account_id, api_id, .. } = options;
    format!("arn:aws:execute-api:{region}:{account_id}:{api_id}/{stage}/{}{}", incoming.method, incoming.path)
}

/// Who was let in, as the event says it.
pub(super) enum Admitted<'a> {
    /// Every caller: the route has no authorization.
    Open,
    /// Who the Lambda authorizer says it is.
    ByAuthorizer(Map<String, Value>),
    /// Who signed the request.
    ByIam(&'a Principal),
}

pub(super) fn proxy_event(
    incoming: &Incoming,
    destination: &Destination<'_>,
    admitted: Admitted<'_>,
    ids: &Ids,
    options: &GatewayOptions,
) -> Value {
    let (body, is_base64) = incoming.body_in_event();
    let query = query_pairs(&incoming.query);
    json!({
        "resource": destination.resource,
        "path": incoming.path,
        "httpMethod": incoming.method.as_str(),
        "headers": last_values(&incoming.headers),
        "multiValueHeaders": all_values(&incoming.headers),
        "queryStringParameters": last_values(&query),
        "multiValueQueryStringParameters": all_values(&query),
        "pathParameters": (!destination.parameters.is_empty()).then_some(destination.parameters),
        "stageVariables": (!destination.variables.is_empty()).then_some(destination.variables),
        "requestContext": request_context(incoming, destination, admitted, ids, options),
        "body": body,
        "isBase64Encoded": is_base64,
    })
}

fn request_context(
    incoming: &Incoming,
    destination: &Destination<'_>,
    admitted: Admitted<'_>,
    ids: &Ids,
    options: &GatewayOptions,
) -> Value {
    let mut context = json!({
        "resourceId": resource_id(destination.resource),
        "resourcePath": destination.resource,
        "httpMethod": incoming.method.as_str(),
        "extendedRequestId": ids.extended,
        "requestTime": incoming.time(),
        "requestTimeEpoch": incoming.arrived.timestamp_millis(),
        "path": format!("/{}{}", destination.stage, incoming.path),
        "accountId": options.account_id,
        "protocol": incoming.protocol,
        "stage": destination.stage,
        "domainPrefix": incoming.domain_prefix(),
        "domainName": incoming.domain(),
        "requestId": ids.request,
        "apiId": options.api_id,
        "identity": {
            "cognitoIdentityPoolId": null,
            "accountId": null,
            "cognitoIdentityId": null,
            "caller": null,
            "sourceIp": incoming.source_ip.to_string(),
            "principalOrgId": null,
            "accessKey": null,
            "cognitoAuthenticationType": null,
            "cognitoAuthenticationProvider": null,
            "userArn": null,
            "userAgent": incoming.header("user-agent"),
            "user": null,
        },
    });
    match admitted {
        Admitted::Open => {}
        Admitted::ByAuthorizer(authorizer) => context["authorizer"] = Value::Object(authorizer),
        Admitted::ByIam(principal) => {
            let identity = &mut context["identity"];
            identity["accountId"] = Value::from(options.account_id.as_str());
            identity["accessKey"] = Value::from(principal.credentials.access_key_id());
            identity["userArn"] = Value::from(principal.arn.as_str());
            for name in ["caller", "user"] {
                identity[name] = Value::from(principal.id.as_str());
            }
        }
    }
    context
}

/// A semicolon separates parameters like an ampersand, as API Gateway's notes on REST APIs say.
fn query_pairs(query: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(query.replace(';', "&").as_bytes()).into_owned().collect()
}

fn last_values(pairs: &[(String, String)]) -> Value {
    let values: Map<_, _> = pairs.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
    null_if_empty(values)
}

fn all_values(pairs: &[(String, String)]) -> Value {
    let mut values = Map::new();
    for (name, value) in pairs {
        let list = values.entry(name.clone()).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(list) = list {
            list.push(Value::from(value.as_str()));
        }
    }
    null_if_empty(values)
}

fn null_if_empty(values: Map<String, Value>) -> Value {
    if values.is_empty() { Value::Null } else { Value::Object(values) }
}

/// Six characters, the same for the same path.
fn resource_id(path: &str) -> String {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    let digits = format!("{:016x}", hasher.finish());
    digits.chars().take(6).collect()
}
