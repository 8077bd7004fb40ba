//! The answers, in the format of each door.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html>,
//! <https://docs.aws.amazon.com/appsync/latest/devguide/security-authz.html>

use std::{borrow::Cow, collections::BTreeMap};

use latchkey::{clock::rfc3339, model::CurrentSession};
use serde::Serialize;

use crate::{
    event::{AppSyncApi, AuthorizerEvent, Door},
    misrouted::Misrouted,
};

/// A policy, a simple response, or an HTTP answer to a request that came to the wrong function.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// REST, WebSocket and HTTP API payload 1.0.
    #[serde(rename_all = "camelCase")]
    Policy {
        /// The user, or `anonymous`.
        principal_id: String,
        /// A policy of one statement.
        policy_document: PolicyDocument,
        /// The context for the backend; `None` if refused.
        #[serde(skip_serializing_if = "Option::is_none")]
        context: Option<Context>,
    },
    /// HTTP API payload 2.0.
    #[serde(rename_all = "camelCase")]
    Simple {
        is_authorized: bool,
        /// The context for the backend; `None` if refused.
        #[serde(skip_serializing_if = "Option::is_none")]
        context: Option<Context>,
    },
    /// AppSync. The context is `resolverContext` for a GraphQL API and `handlerContext` for an Events API.
    #[serde(rename_all = "camelCase")]
    AppSync {
        is_authorized: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        resolver_context: Option<Context>,
        #[serde(skip_serializing_if = "Option::is_none")]
        handler_context: Option<Context>,
        /// Seconds for which AppSync may keep the answer. An answer that is kept would be a delay of every end.
        ttl_override: u8,
    },
    /// The event is a client's request.
    Misrouted(Misrouted),
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PolicyDocument {
    version: &'static str,
    statement: [Statement; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    action: &'static str,
    effect: &'static str,
    resource: String,
}

/// The values that the backend reads from `requestContext.authorizer`. They are flat strings, the only type that every
/// gateway passes on.
#[derive(Serialize)]
pub struct Context {
    user_id: String,
    login_id: String,
    generation: String,
    access_token_expires_at: String,
    refresh_token_expires_at: String,
    /// `scope`, `auth_time`, `amr`, `acr`, `act`, and the team's own as `attr_<name>`.
    #[serde(flatten)]
    attributes: BTreeMap<Cow<'static, str>, String>,
}

impl From<CurrentSession> for Context {
    fn from(session: CurrentSession) -> Self {
        Self {
            login_id: session.login_id.to_string(),
            generation: session.generation.number().to_string(),
            access_token_expires_at: rfc3339(session.access_token_expires_at),
            refresh_token_expires_at: rfc3339(session.refresh_token_expires_at),
            attributes: session.attributes.in_context().map(|(name, value)| (name, value.to_owned())).collect(),
            user_id: session.user_id,
        }
    }
}

impl Answer {
    /// The verdict in the format that fits the event; `None` if the event names nothing to authorize.
    pub(crate) fn new(event: &AuthorizerEvent, session: Option<CurrentSession>) -> Option<Self> {
        let context: Option<Context> = session.map(Context::from);
        let method_arn = match &event.door {
            Door::HttpApi { route_arn, .. } => {
                route_arn.as_ref()?;
                return Some(Self::Simple { is_authorized: context.is_some(), context });
            }
            Door::AppSync { api, .. } => return Some(Self::app_sync(*api, context)),
            Door::Target { answers_in_lists } => return Some(Self::Misrouted(Misrouted::new(*answers_in_lists))),
            Door::Token { method_arn, .. } | Door::Request { method_arn, .. } | Door::WebSocket { method_arn, .. } => {
                method_arn.as_deref()?
            }
        };
        let statement = Statement {
            action: "execute-api:Invoke",
            effect: if context.is_some() { "Allow" } else { "Deny" },
            resource: whole_stage(method_arn)?,
        };
        let principal_id = context.as_ref().map_or_else(|| "anonymous".to_owned(), |context| context.user_id.clone());
        Some(Self::Policy { principal_id, policy_document: PolicyDocument { version: "2012-10-17", statement: [statement] }, context })
    }

    fn app_sync(api: AppSyncApi, context: Option<Context>) -> Self {
        let is_authorized = context.is_some();
        let (resolver_context, handler_context) = match api {
            AppSyncApi::GraphQl => (context, None),
            AppSyncApi::Events => (None, context),
        };
        Self::AppSync { is_authorized, resolver_context, handler_context, ttl_override: 0 }
    }
}

/// The ARN of the whole stage: a cached policy that named one method would refuse the next (case A1).
fn whole_stage(method_arn: &str) -> Option<String> {
    let mut parts = method_arn.splitn(3, '/');
    let (api, stage) = (parts.next()?, parts.next()?);
    (api.starts_with("arn:") && !stage.is_empty()).then(|| format!("{api}/{stage}/*"))
}

#[cfg(test)]
mod tests {
    use latchkey::{
        clock::parse_rfc3339,
        ids::{Generation, LoginId},
        model::Attributes,
    };
    use serde_json::{Value, json};

    use super::*;

    const ARN: &str = "arn:aws:execute-api:eu-central-1:123456789012:abc/dev/GET/me";

    fn answer(event: Value, session: Option<CurrentSession>) -> Option<Value> {
        let event: AuthorizerEvent = serde_json::from_value(event).unwrap();
        Answer::new(&event, session).map(|answer| serde_json::to_value(answer).unwrap())
    }

    fn session() -> CurrentSession {
        CurrentSession {
            user_id: "user-1".into(),
            login_id: LoginId::parse("0123456789-_abcdefghiw").unwrap(),
            generation: Generation::new(7).unwrap(),
            access_token_expires_at: parse_rfc3339("2026-11-23T16:30:09.123Z").unwrap(),
            refresh_token_expires_at: parse_rfc3339("2026-11-30T16:25:09.123Z").unwrap(),
            attributes: Attributes::default(),
        }
    }

    fn context() -> Value {
        json!({
            "user_id": "user-1",
            "login_id": "0123456789-_abcdefghiw",
            "generation": "7",
            "access_token_expires_at": "2026-11-23T16:30:09.123Z",
            "refresh_token_expires_at": "2026-11-30T16:25:09.123Z",
        })
    }

    fn policy(effect: &str) -> Value {
        let resource = "arn:aws:execute-api:eu-central-1:123456789012:abc/dev/*";
        json!({"Version": "2012-10-17", "Statement": [{"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}]})
    }

    #[test]
    fn a_verdict_is_told_as_its_gateway_takes_it() {
        for event in [json!({"type": "TOKEN", "methodArn": ARN}), json!({"version": "1.0", "methodArn": ARN, "routeArn": ARN})] {
            let allowed = json!({"principalId": "user-1", "policyDocument": policy("Allow"), "context": context()});
            assert_eq!(answer(event.clone(), Some(session())), Some(allowed));
            assert_eq!(answer(event, None), Some(json!({"principalId": "anonymous", "policyDocument": policy("Deny")})));
        }
        let simple = json!({"version": "2.0", "routeArn": ARN});
        assert_eq!(answer(simple.clone(), Some(session())), Some(json!({"isAuthorized": true, "context": context()})));
        assert_eq!(answer(simple, None), Some(json!({"isAuthorized": false})));
    }

    #[test]
    fn appsync_is_told_to_keep_no_answer() {
        let context_of = [(json!(null), "resolverContext"), (json!("EVENT_SUBSCRIBE"), "handlerContext")];
        for (operation, name) in context_of {
            let event = json!({"authorizationToken": "a", "requestContext": {"apiId": "api", "operation": operation}});
            let allowed = json!({"isAuthorized": true, name: context(), "ttlOverride": 0});
            assert_eq!(answer(event.clone(), Some(session())), Some(allowed));
            assert_eq!(answer(event, None), Some(json!({"isAuthorized": false, "ttlOverride": 0})));
        }
    }

    #[test]
    fn an_event_that_names_nothing_to_authorize_gets_no_verdict() {
        for event in
            [json!({}), json!({"version": "2.0", "methodArn": ARN}), json!({"version": "1.0", "routeArn": ARN}), json!({"methodArn": "x"})]
        {
            assert_eq!(answer(event, Some(session())), None);
        }
    }

    #[test]
    fn a_policy_names_the_whole_stage() {
        let arn = |rest: &str| format!("arn:aws:execute-api:eu-central-1:123456789012:abc/{rest}");
        assert_eq!(whole_stage(&arn("dev/GET/me")), Some(arn("dev/*")));
        assert_eq!(whole_stage(&arn("$default/POST/a/b")), Some(arn("$default/*")));
        assert_eq!(whole_stage(&arn("prod/$connect")), Some(arn("prod/*")));
        assert_eq!(
            whole_stage("arn:aws-cn:execute-api:cn-north-1:1:abc/dev/GET/"),
            Some("arn:aws-cn:execute-api:cn-north-1:1:abc/dev/*".into())
        );
        for wrong in ["", "arn:aws:execute-api:eu-central-1:123456789012:abc", "abc/dev/GET/", "arn:abc//GET"] {
            assert_eq!(whole_stage(wrong), None, "{wrong}");
        }
    }
}
