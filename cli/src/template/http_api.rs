//! `AWS::Serverless::HttpApi` as plain data: routes and a Lambda authorizer.
//!
//! Sources: the SAM specification of `HttpApi`, `HttpApiAuth`, `LambdaAuthorizer`, `LambdaAuthorizationIdentity` and of the
//! event type `HttpApi`. What the local gateway can't do is refused here, naming the place: JWT authorizers, policies as
//! answers, payload format 1.0, other stages than `$default`, stage variables, CORS, API definitions.

use std::time::Duration;

use super::{TemplateError, api::Route, node::Node, scope::function_of};

/// The one stage that is in no URL.
pub const DEFAULT_STAGE: &str = "$default";
/// The route that takes what no other takes.
pub const DEFAULT_ROUTE: &str = "$default";

/// An HTTP API.
#[derive(Debug, Clone)]
pub struct HttpApi {
    /// Its routes; a [`Route::path`] may be [`DEFAULT_ROUTE`], with the method `ANY`.
    pub routes: Vec<Route>,
    /// The one that routes marked [`Route::authorized`] ask.
    pub authorizer: Option<RequestAuthorizer>,
}

/// A Lambda authorizer of payload format 2.0 that gives simple responses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestAuthorizer {
    /// The function's logical id.
    pub function: String,
    /// What a request must have for the authorizer to be asked; also what an answer is kept by.
    pub identity: Vec<IdentitySource>,
    /// How long an answer is kept; zero for not at all.
    pub result_ttl: Duration,
}

/// Where an authorizer's identity stands in a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdentitySource {
    /// `$request.header.NAME`, the name in any case.
    Header(String),
    /// `$context.routeKey`.
    RouteKey,
}

/// Everything about the API that is not a route.
pub(super) struct Declaration {
    logical_id: String,
    /// With its name.
    authorizer: Option<(String, RequestAuthorizer)>,
    default_authorizer: Option<String>,
}

impl Declaration {
    /// `resource` is the `AWS::Serverless::HttpApi`, `globals` is `Globals.HttpApi`.
    pub(super) fn read(logical_id: &str, resource: &Node<'_>, globals: Option<&Node<'_>>) -> Result<Self, TemplateError> {
        let properties = resource.get("Properties")?;
        let find = |key: &str| {
            let own = properties.as_ref().map_or(Ok(None), |own| own.get(key))?;
            own.map_or_else(|| globals.map_or(Ok(None), |globals| globals.get(key)), |own| Ok(Some(own)))
        };
        for (unknown, expected) in [
            ("DefinitionBody", "no API definition: routes are read from the functions' events"),
            ("DefinitionUri", "no API definition: routes are read from the functions' events"),
            ("CorsConfiguration", "no CORS: the local gateway answers no preflight for an HTTP API"),
            ("StageVariables", "no stage variables: the local gateway has none"),
        ] {
            if let Some(found) = find(unknown)? {
                return Err(found.unexpected(expected));
            }
        }
        if let Some(stage) = find("StageName")?
            && stage.text()? != DEFAULT_STAGE
        {
            return Err(stage.unexpected("$default, the stage that is in no URL"));
        }
        let (mut authorizer, mut default_authorizer) = (None, None);
        if let Some(auth) = find("Auth")? {
            default_authorizer = auth.get("DefaultAuthorizer")?.map(|name| name.text()).transpose()?;
            if let Some(all) = auth.get("Authorizers")? {
                authorizer = match all.entries()?.as_slice() {
                    [] => None,
                    [(name, one)] => Some((name.clone(), lambda_authorizer(one)?)),
                    _ => return Err(all.unexpected("one authorizer")),
                };
            }
        }
        Ok(Self { logical_id: logical_id.to_owned(), authorizer, default_authorizer })
    }

    /// The route of an event of type `HttpApi`.
    pub(super) fn route(&self, function: &str, event: &Node<'_>) -> Result<Route, TemplateError> {
        let properties = event.required("Properties")?;
        let api = properties.required("ApiId")?;
        if api.text()? != self.logical_id {
            return Err(api.unexpected(format!("!Ref {}, the template's HTTP API", self.logical_id)));
        }
        if let Some(format) = properties.get("PayloadFormatVersion")?
            && format.text()? != "2.0"
        {
            return Err(format.unexpected("2.0"));
        }
        if let Some(timeout) = properties.get("TimeoutInMillis")? {
            return Err(timeout.unexpected("no timeout of its own: the function's counts"));
        }
        Ok(Route {
            method: properties.get("Method")?.map_or_else(|| Ok("ANY".to_owned()), |method| method.text())?.to_uppercase(),
            path: properties.get("Path")?.map_or_else(|| Ok(DEFAULT_ROUTE.to_owned()), |path| path.text())?,
            function: function.to_owned(),
            authorized: self.asks(&properties)?,
        })
    }

    /// Whether the authorizer is asked before an event of these `properties`.
    fn asks(&self, properties: &Node<'_>) -> Result<bool, TemplateError> {
        let own = properties.at(&["Auth", "Authorizer"])?;
        let name = own.as_ref().map(Node::text).transpose()?.or_else(|| self.default_authorizer.clone());
        match (name.as_deref(), &self.authorizer) {
            (None | Some("NONE"), _) => Ok(false),
            (Some(name), Some((declared, _))) if name == declared => Ok(true),
            // JWT and IAM authorizers among them.
            (Some(_), _) => Err(own.as_ref().unwrap_or(properties).unexpected("NONE or the API's Lambda authorizer")),
        }
    }

    pub(super) fn with_routes(self, routes: Vec<Route>) -> HttpApi {
        HttpApi { routes, authorizer: self.authorizer.map(|(_, authorizer)| authorizer) }
    }
}

fn lambda_authorizer(node: &Node<'_>) -> Result<RequestAuthorizer, TemplateError> {
    if let Some(jwt) = node.get("JwtConfiguration")? {
        return Err(jwt.unexpected("a Lambda authorizer"));
    }
    let arn = node.required("FunctionArn")?;
    let format = node.required("AuthorizerPayloadFormatVersion")?;
    if format.text()? != "2.0" {
        return Err(format.unexpected("2.0"));
    }
    let simple = node.required("EnableSimpleResponses")?;
    if !simple.boolean()? {
        return Err(simple.unexpected("true: the local gateway takes no policy for an HTTP API"));
    }
    // For an HTTP API SAM makes the permission only when told to.
    let permission = node.required("EnableFunctionDefaultPermissions")?;
    if !permission.boolean()? {
        return Err(permission.unexpected("true: without the permission every request is a 500 on AWS"));
    }
    let identity = node.required("Identity")?;
    // The API reference names no default for an HTTP API.
    let result_ttl = Duration::from_secs(identity.required("ReauthorizeEvery")?.number()?);
    let sources = identity_sources(&identity)?;
    if sources.is_empty() && !result_ttl.is_zero() {
        return Err(identity.unexpected("an identity source to keep answers by, or ReauthorizeEvery: 0"));
    }
    Ok(RequestAuthorizer {
        function: function_of(&arn.text()?).map(str::to_owned).ok_or_else(|| arn.unexpected("the ARN of a function"))?,
        identity: sources,
        result_ttl,
    })
}

/// In the order in which SAM writes them.
fn identity_sources(identity: &Node<'_>) -> Result<Vec<IdentitySource>, TemplateError> {
    let list = |key: &str| identity.get(key)?.map_or_else(|| Ok(Vec::new()), |list| list.items());
    let headers = list("Headers")?.iter().map(|name| name.text().map(IdentitySource::Header)).collect::<Result<Vec<_>, _>>()?;
    for unknown in ["QueryStrings", "StageVariables"] {
        if let Some(found) = identity.get(unknown)? {
            return Err(found.unexpected("Headers and Context only"));
        }
    }
    let context = list("Context")?;
    let context = context.iter().map(|name| match name.text()?.as_str() {
        "routeKey" => Ok(IdentitySource::RouteKey),
        _ => Err(name.unexpected("routeKey")),
    });
    headers.into_iter().map(Ok).chain(context).collect()
}
