//! `AWS::Serverless::Api` as plain data: routes, authorizer, CORS.
//!
//! Sources: the SAM specification of `Api`, `ApiAuth`, `LambdaTokenAuthorizer` and `CorsConfiguration`.

use std::{collections::BTreeMap, time::Duration};

use regex::Regex;

use super::{
    TemplateError,
    gateway_response::{GatewayResponse, gateway_response},
    node::Node,
    scope::function_of,
};

/// A method of a path, and the function that answers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// `GET`, …, or `ANY`.
    pub method: String,
    /// As the template has it: `/sessions/{login_id}`.
    pub path: String,
    /// The function's logical id.
    pub function: String,
    /// Whether the authorizer is asked first.
    pub authorized: bool,
}

/// A REST API of its own whose callers sign with AWS credentials, on every route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackOffice {
    pub stage: String,
    pub routes: Vec<Route>,
    /// By response type.
    pub gateway_responses: BTreeMap<String, GatewayResponse>,
}

/// A Lambda authorizer of type `TOKEN`.
#[derive(Debug, Clone)]
pub struct Authorizer {
    /// The function's logical id.
    pub function: String,
    /// The header that carries the identity, in any case.
    pub header: String,
    /// The whole identity must match this. Otherwise the gateway refuses without asking the authorizer.
    pub validation: Option<Regex>,
    /// How long the gateway caches an answer for the same identity. Zero disables the cache.
    pub result_ttl: Duration,
}

/// The answer to a preflight request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cors {
    /// `Access-Control-Allow-Origin`. `None` if no page may call the API.
    pub allow_origin: Option<String>,
    /// `Access-Control-Allow-Methods`. By default the methods of the path.
    pub allow_methods: Option<String>,
    /// `Access-Control-Allow-Headers`.
    pub allow_headers: Option<String>,
    /// `Access-Control-Max-Age`, seconds.
    pub max_age: Option<String>,
    /// `Access-Control-Allow-Credentials`.
    pub allow_credentials: bool,
    /// Whether the authorizer is asked before a preflight (`AddDefaultAuthorizerToCorsPreflight`, on unless switched off).
    pub authorized: bool,
}

/// Everything about the API that is not a route.
pub(super) struct Api {
    pub(super) stage: String,
    pub(super) stage_variables: BTreeMap<String, String>,
    pub(super) authorizer: Option<Authorizer>,
    pub(super) default_authorizer: Option<String>,
    pub(super) cors: Option<Cors>,
    pub(super) gateway_responses: BTreeMap<String, GatewayResponse>,
}

/// SAM's name for authorization by IAM.
const IAM: &str = "AWS_IAM";

impl Api {
    /// Whether IAM authorizes its callers.
    pub(super) fn is_of_iam(&self) -> bool {
        self.default_authorizer.as_deref() == Some(IAM)
    }
}

/// API Gateway's default (seconds; AWS API reference, `CreateAuthorizer`).
const DEFAULT_RESULT_TTL: u64 = 300;

/// `resource` is the `AWS::Serverless::Api`, `globals` is `Globals.Api`; either may be missing.
pub(super) fn api(resource: Option<&Node<'_>>, globals: Option<&Node<'_>>) -> Result<Api, TemplateError> {
    let properties = resource.map(|resource| resource.required("Properties")).transpose()?;
    let find = |key: &str| {
        let own = properties.as_ref().map_or(Ok(None), |own| own.get(key))?;
        own.map_or_else(|| globals.map_or(Ok(None), |globals| globals.get(key)), |own| Ok(Some(own)))
    };
    for definition in ["DefinitionBody", "DefinitionUri"] {
        if let Some(found) = find(definition)? {
            return Err(found.unexpected("no API definition: routes are read from the functions' events"));
        }
    }
    let auth = find("Auth")?;
    let (mut authorizer, mut default_authorizer, mut preflight_authorized) = (None, None, false);
    if let Some(auth) = &auth {
        default_authorizer = auth.get("DefaultAuthorizer")?.map(|name| name.text()).transpose()?;
        let asked = auth.get("AddDefaultAuthorizerToCorsPreflight")?.map_or(Ok(true), |add| add.boolean())?;
        preflight_authorized = default_authorizer.is_some() && asked;
        if let Some(all) = auth.get("Authorizers")? {
            authorizer = match all.entries()?.as_slice() {
                [] => None,
                [(_, one)] => Some(token_authorizer(one)?),
                _ => return Err(all.unexpected("one authorizer")),
            };
        }
    }
    Ok(Api {
        stage: find("StageName")?.map_or_else(|| Ok("Prod".to_owned()), |stage| stage.text())?,
        stage_variables: match find("Variables")? {
            Some(all) => all.entries()?.into_iter().map(|(name, value)| Ok((name, value.text()?))).collect::<Result<_, _>>()?,
            None => BTreeMap::new(),
        },
        authorizer,
        default_authorizer,
        cors: find("Cors")?.map(|cors| read_cors(&cors, preflight_authorized)).transpose()?,
        gateway_responses: match find("GatewayResponses")? {
            Some(all) => all.entries()?.into_iter().map(gateway_response).collect::<Result<_, _>>()?,
            None => BTreeMap::new(),
        },
    })
}

/// The API that an event of type `Api` names.
pub(super) fn api_of(event: &Node<'_>) -> Result<Option<String>, TemplateError> {
    event.required("Properties")?.get("RestApiId")?.map(|id| id.text()).transpose()
}

/// The route of an event of type `Api`.
pub(super) fn route(function: &str, event: &Node<'_>, default_authorizer: Option<&str>) -> Result<Route, TemplateError> {
    let properties = event.required("Properties")?;
    let authorizer = match properties.at(&["Auth", "Authorizer"])? {
        Some(name) => Some(name.text()?),
        None => default_authorizer.map(str::to_owned),
    };
    Ok(Route {
        method: properties.required("Method")?.text()?.to_uppercase(),
        path: properties.required("Path")?.text()?,
        function: function.to_owned(),
        authorized: authorizer.is_some_and(|name| name != "NONE"),
    })
}

fn token_authorizer(node: &Node<'_>) -> Result<Authorizer, TemplateError> {
    if let Some(kind) = node.get("FunctionPayloadType")?
        && kind.text()? != "TOKEN"
    {
        return Err(kind.unexpected("TOKEN"));
    }
    let arn = node.required("FunctionArn")?;
    let function = function_of(&arn.text()?).map(str::to_owned);
    let validation = node.at(&["Identity", "ValidationExpression"])?;
    Ok(Authorizer {
        function: function.ok_or_else(|| arn.unexpected("the ARN of a function: !GetAtt Function.Arn"))?,
        header: node.at(&["Identity", "Header"])?.map_or_else(|| Ok("Authorization".to_owned()), |name| name.text())?,
        validation: validation.as_ref().map(whole_match).transpose()?,
        result_ttl: Duration::from_secs(
            node.at(&["Identity", "ReauthorizeEvery"])?.map_or(Ok(DEFAULT_RESULT_TTL), |seconds| seconds.number())?,
        ),
    })
}

/// API Gateway takes Java's regular expressions; this one's dialect has no look-around and no back-references, and says so.
fn whole_match(node: &Node<'_>) -> Result<Regex, TemplateError> {
    let expression = node.text()?;
    Regex::new(&format!(r"\A(?:{expression})\z"))
        .map_err(|error| TemplateError::Expression { place: node.place().to_owned(), source: Box::new(error) })
}

fn read_cors(node: &Node<'_>, authorized: bool) -> Result<Cors, TemplateError> {
    let quoted = |key: &str| node.get(key)?.map(|value| value.quoted()).transpose();
    let allow_origin = match (node.is_text(), node.has("AllowOrigin")) {
        (true, _) => Some(node.quoted()?),
        (false, true) => quoted("AllowOrigin")?,
        // SAM's default. It isn't used for `AWS::NoValue`, which CloudFormation evaluates after SAM.
        (false, false) => Some("*".to_owned()),
    };
    Ok(Cors {
        allow_origin,
        allow_methods: quoted("AllowMethods")?,
        allow_headers: quoted("AllowHeaders")?,
        max_age: quoted("MaxAge")?,
        allow_credentials: node.get("AllowCredentials")?.map_or(Ok(false), |allow| allow.boolean())?,
        authorized,
    })
}
