//! The resources that only tests of the template need, such as alarms, dashboards and policies.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Template, TemplateError, document, node::Node, scope::Scope};

impl Template {
    /// The properties of the resources of one type, such as `AWS::CloudWatch::Alarm`, by logical id, with every intrinsic
    /// evaluated. Scalars are text. A name or ARN that AWS would generate is made from the logical id.
    ///
    /// # Errors
    /// As [`Template::parse`].
    pub fn properties(yaml: &str, overrides: &BTreeMap<String, String>, kind: &str) -> Result<BTreeMap<String, Value>, TemplateError> {
        let document = document::read(yaml)?;
        let scope = Scope::new(&document, overrides)?;
        let mut found = BTreeMap::new();
        for (id, resource) in scope.resources()? {
            let node = Node::new(&scope, resource, format!("Resources.{id}"));
            if node.required("Type")?.text()? == kind {
                found.insert(id.to_owned(), node.required("Properties")?.evaluated()?);
            }
        }
        Ok(found)
    }
}
