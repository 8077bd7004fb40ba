//! `AWS::Serverless::Function` as plain data.

use std::{collections::BTreeMap, time::Duration};

use super::{
    TemplateError,
    api::{Route, route},
    node::Node,
};

/// A function that the template declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its name in the template.
    pub logical_id: String,
    /// The Rust binary it is built from (`Metadata.BuildProperties.Binary`).
    pub binary: String,
    /// Its environment, the template's `Globals` included.
    pub environment: BTreeMap<String, String>,
    /// How long it may run.
    pub timeout: Duration,
}

/// What Lambda takes where the template says nothing (seconds).
const DEFAULT_TIMEOUT: u64 = 3;

/// A function and the routes that lead to it. `globals` is `Globals.Function`.
pub(super) fn function(
    logical_id: &str,
    resource: &Node<'_>,
    globals: Option<&Node<'_>>,
    default_authorizer: Option<&str>,
) -> Result<(Function, Vec<Route>), TemplateError> {
    let properties = resource.required("Properties")?;
    let sources: Vec<&Node<'_>> = globals.into_iter().chain([&properties]).collect();
    let mut environment = BTreeMap::new();
    let mut timeout = DEFAULT_TIMEOUT;
    for source in sources {
        if let Some(seconds) = source.get("Timeout")? {
            timeout = seconds.number()?;
        }
        if let Some(variables) = source.at(&["Environment", "Variables"])? {
            for (name, value) in variables.entries()? {
                environment.insert(name, value.text()?);
            }
        }
    }
    let function = Function {
        logical_id: logical_id.to_owned(),
        binary: resource.required("Metadata")?.required("BuildProperties")?.required("Binary")?.text()?,
        environment,
        timeout: Duration::from_secs(timeout),
    };
    let mut routes = Vec::new();
    if let Some(events) = properties.get("Events")? {
        for (_, event) in events.entries()? {
            routes.extend(route(logical_id, &event, default_authorizer)?);
        }
    }
    Ok((function, routes))
}
