//! `AWS::Serverless::Function` as plain data.

use std::{collections::BTreeMap, time::Duration};

use super::{TemplateError, node::Node, scope::arn_of};

/// A function that the template declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its name in the template.
    pub logical_id: String,
    /// The Rust binary it is built from (`Metadata.BuildProperties.Binary`).
    pub binary: String,
    /// Its environment, including the template's `Globals`.
    pub environment: BTreeMap<String, String>,
    pub timeout: Duration,
}

impl Function {
    /// Its ARN on a laptop.
    #[must_use]
    pub fn arn(&self) -> String {
        arn_of(&self.logical_id)
    }
}

/// Lambda's default (seconds).
const DEFAULT_TIMEOUT: u64 = 3;

/// `globals` is `Globals.Function`.
pub(super) fn function(logical_id: &str, resource: &Node<'_>, globals: Option<&Node<'_>>) -> Result<Function, TemplateError> {
    let properties = resource.required("Properties")?;
    let mut environment = BTreeMap::new();
    let mut timeout = DEFAULT_TIMEOUT;
    for source in globals.into_iter().chain([&properties]) {
        if let Some(seconds) = source.get("Timeout")? {
            timeout = seconds.number()?;
        }
        if let Some(variables) = source.at(&["Environment", "Variables"])? {
            for (name, value) in variables.entries()? {
                environment.insert(name, value.text()?);
            }
        }
    }
    Ok(Function {
        logical_id: logical_id.to_owned(),
        binary: resource.required("Metadata")?.required("BuildProperties")?.required("Binary")?.text()?,
        environment,
        timeout: Duration::from_secs(timeout),
    })
}

/// The events that invoke a function.
pub(super) fn events<'a>(resource: &Node<'a>) -> Result<Vec<Node<'a>>, TemplateError> {
    match resource.at(&["Properties", "Events"])? {
        Some(events) => Ok(events.entries()?.into_iter().map(|(_, event)| event).collect()),
        None => Ok(Vec::new()),
    }
}
