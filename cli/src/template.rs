//! `template.yaml` as plain data: what the local gateway needs to behave like the deployed one.
//!
//! It reads the part of AWS SAM that Latchkey's template uses (the AWS SAM specification, 2016-10-31): parameters
//! and their overrides, conditions, `Globals`, tables, functions with their events, and one REST API.
//! If a wrong guess would make the laptop differ from AWS, it refuses what it doesn't know, and names the place.

mod api;
mod condition;
mod document;
mod evaluated;
mod function;
mod gateway_response;
mod node;
mod permission;
mod scope;
mod table;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::Value;

use self::{node::Node, scope::Scope};

pub use self::{
    api::{Authorizer, BackOffice, Cors, Route},
    function::Function,
    gateway_response::GatewayResponse,
    permission::{Permission, permissions},
    scope::{ACCOUNT, REGION},
    table::{AttributeType, Index, KeySchema, Projection, Table},
};

/// What the template declares.
#[derive(Debug, Clone)]
pub struct Template {
    pub tables: Vec<Table>,
    /// The functions, those of other stacks last.
    pub functions: Vec<Function>,
    /// The REST API's stage.
    pub stage: String,
    /// The variables of the REST API's stage.
    pub stage_variables: BTreeMap<String, String>,
    /// The REST API's routes, without preflight routes: [`Template::cors`] describes these.
    pub routes: Vec<Route>,
    /// The authorizer of the routes with [`Route::authorized`].
    pub authorizer: Option<Authorizer>,
    /// The answer to `OPTIONS`. `None` if the API has no `Cors`.
    pub cors: Option<Cors>,
    /// By response type: `UNAUTHORIZED`, `DEFAULT_4XX`, …
    pub gateway_responses: BTreeMap<String, GatewayResponse>,
    /// The REST API whose callers IAM knows, if the template has one.
    pub back_office: Option<BackOffice>,
}

/// What is wrong with a template.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The text isn't YAML.
    #[error("the template is not YAML")]
    Yaml(#[source] saphyr::ScanError),
    /// There isn't exactly one document.
    #[error("the template has {0} YAML documents: expected 1")]
    Documents(usize),
    /// A key that isn't text.
    #[error("the template has a key that is not text, or an alias to nothing")]
    Node,
    #[error("{place}: expected {expected}, found {found}")]
    Unexpected {
        /// Its path: `Resources.Api.Properties.StageName`.
        place: String,
        /// What the template should have there.
        expected: String,
        /// What it has there.
        found: String,
    },
    /// An intrinsic function, or a form of one, that this reader doesn't know.
    #[error("{place}: {name} is not understood here (known: Ref, Sub, GetAtt, If, Join, FindInMap, and conditions)")]
    Intrinsic { place: String, name: String },
    /// A reference to nothing.
    #[error("{place}: there is no {name}")]
    UnknownReference {
        place: String,
        /// What it refers to.
        name: String,
    },
    /// References in a circle.
    #[error("{0}: the references there go in a circle")]
    Circular(String),
    /// An invalid regular expression.
    #[error("{place}: expected a regular expression")]
    Expression {
        place: String,
        /// Why it doesn't compile.
        source: Box<regex::Error>,
    },
    /// Neither a default nor an override.
    #[error("parameter {0} has no default: it needs a value")]
    ParameterWithoutValue(String),
    /// An override of a parameter that the template doesn't have.
    #[error("the template has no parameter {0}")]
    UnknownParameter(String),
}

impl TemplateError {
    fn unexpected(place: impl Into<String>, expected: impl Into<String>, found: &Value) -> Self {
        let found = match found {
            Value::Null => "nothing".to_owned(),
            Value::Array(_) => "a list".to_owned(),
            Value::Object(_) => "a mapping".to_owned(),
            Value::String(text) => format!("{text:?}"),
            Value::Bool(_) | Value::Number(_) => found.to_string(),
        };
        Self::Unexpected { place: place.into(), expected: expected.into(), found }
    }
}

impl Template {
    /// Reads the text of a template, with `overrides` in place of its parameters' defaults.
    ///
    /// # Errors
    /// [`TemplateError`], which names the place in the template and what it should hold.
    pub fn parse(yaml: &str, overrides: &BTreeMap<String, String>) -> Result<Self, TemplateError> {
        Self::parse_beside(yaml, overrides, &[])
    }

    /// Reads the template of a stack that may name the `functions` of other stacks by ARN.
    ///
    /// # Errors
    /// As [`Template::parse`].
    pub fn parse_beside(yaml: &str, overrides: &BTreeMap<String, String>, functions: &[Function]) -> Result<Self, TemplateError> {
        let document = document::read(yaml)?;
        let scope = Scope::new(&document, overrides)?;
        let root = Node::new(&scope, &document, "template");
        let function_globals = root.at(&["Globals", "Function"])?;

        let (mut apis, mut declared_functions, mut tables) = (Vec::new(), Vec::new(), Vec::new());
        for (id, resource) in scope.resources()? {
            let node = Node::new(&scope, resource, format!("Resources.{id}"));
            match node.required("Type")?.text()?.as_str() {
                "AWS::DynamoDB::Table" => tables.push(table::table(id, &node)?),
                "AWS::Serverless::Function" => declared_functions.push((id, node)),
                "AWS::Serverless::Api" => apis.push((id, node)),
                "AWS::Serverless::HttpApi" => return Err(node.unexpected("no HTTP API: the local gateway serves REST APIs only")),
                _ => {}
            }
        }
        let api_globals = root.at(&["Globals", "Api"])?;
        let (mut main, mut office) = (None, None);
        for (id, node) in &apis {
            let api = api::api(Some(node), api_globals.as_ref())?;
            let slot = if api.is_of_iam() { &mut office } else { &mut main };
            if slot.replace((*id, api)).is_some() {
                return Err(node.unexpected("no second API of its kind"));
            }
        }
        let api = match main {
            Some((_, api)) => api,
            None => api::api(None, api_globals.as_ref())?,
        };

        let (mut own_functions, mut routes, mut office_routes) = (Vec::new(), Vec::new(), Vec::new());
        for (id, node) in declared_functions {
            own_functions.push(function::function(id, &node, function_globals.as_ref())?);
            for event in function::events(&node)? {
                let kind = event.required("Type")?;
                match kind.text()?.as_str() {
                    "Api" => {
                        let of = api::api_of(&event)?;
                        match office.as_ref().filter(|(office, _)| of.as_deref() == Some(office)) {
                            Some((_, office)) => office_routes.push(api::route(id, &event, office.default_authorizer.as_deref())?),
                            None => routes.push(api::route(id, &event, api.default_authorizer.as_deref())?),
                        }
                    }
                    "HttpApi" => return Err(kind.unexpected("an event of the REST API")),
                    _ => {}
                }
            }
        }
        let template = Self {
            tables,
            functions: own_functions.into_iter().chain(functions.iter().cloned()).collect(),
            stage: api.stage,
            stage_variables: api.stage_variables,
            routes,
            authorizer: api.authorizer,
            cors: api.cors,
            gateway_responses: api.gateway_responses,
            back_office: office.map(|(_, api)| BackOffice {
                stage: api.stage,
                routes: office_routes,
                gateway_responses: api.gateway_responses,
            }),
        };
        template.check_authorizer()?;
        Ok(template)
    }

    /// The function with this logical id.
    #[must_use]
    pub fn function(&self, logical_id: &str) -> Option<&Function> {
        self.functions.iter().find(|function| function.logical_id == logical_id)
    }

    fn check_authorizer(&self) -> Result<(), TemplateError> {
        let missing = |name: &str| TemplateError::UnknownReference { place: "the API's Auth".to_owned(), name: name.to_owned() };
        match self.authorizer.as_ref().map(|authorizer| authorizer.function.as_str()) {
            Some(function) if self.function(function).is_none() => Err(missing(function)),
            None if self.routes.iter().any(|route| route.authorized) => Err(missing("authorizer for its routes")),
            _ => Ok(()),
        }
    }
}
