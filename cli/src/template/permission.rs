//! What the functions may do: their policies, taken apart.

use std::collections::{BTreeMap, BTreeSet};

use super::{TemplateError, document, node::Node, scope::Scope};

/// One action on one resource that a function may take.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permission {
    /// The function's binary.
    pub function: String,
    /// As IAM names it: `dynamodb:Query`.
    pub action: String,
    /// The resource's ARN; of a resource of the template its logical id with `.Arn`, and what follows the ARN:
    /// `SessionsTable.Arn/index/access_token`.
    pub resource: String,
    /// Whether it is given under a condition.
    pub conditional: bool,
}

/// The permissions that a template's functions have, with `overrides` in place of its parameters' defaults.
///
/// # Errors
/// [`TemplateError`], also for a policy that isn't written out: one of AWS's by name, a `Deny`, a `NotAction`.
pub fn permissions(yaml: &str, overrides: &BTreeMap<String, String>) -> Result<BTreeSet<Permission>, TemplateError> {
    let document = document::read(yaml)?;
    let scope = Scope::new(&document, overrides)?;
    let mut permissions = BTreeSet::new();
    for (id, resource) in scope.resources()? {
        let node = Node::new(&scope, resource, format!("Resources.{id}"));
        if node.required("Type")?.text()? != "AWS::Serverless::Function" {
            continue;
        }
        let function = node.required("Metadata")?.required("BuildProperties")?.required("Binary")?.text()?;
        let Some(policies) = node.at(&["Properties", "Policies"])? else { continue };
        for policy in policies.items()? {
            for statement in policy.required("Statement")?.items()? {
                add_statement(&mut permissions, &function, &statement)?;
            }
        }
    }
    Ok(permissions)
}

fn add_statement(permissions: &mut BTreeSet<Permission>, function: &str, statement: &Node<'_>) -> Result<(), TemplateError> {
    let effect = statement.required("Effect")?;
    if effect.text()? != "Allow" {
        return Err(effect.unexpected("Allow"));
    }
    let (actions, resources) = (texts(&statement.required("Action")?)?, texts(&statement.required("Resource")?)?);
    let conditional = statement.get("Condition")?.is_some();
    for action in &actions {
        for resource in &resources {
            let (function, action, resource) = (function.to_owned(), action.clone(), resource.clone());
            permissions.insert(Permission { function, action, resource, conditional });
        }
    }
    Ok(())
}

/// One text, or a list of them.
fn texts(node: &Node<'_>) -> Result<Vec<String>, TemplateError> {
    if node.is_text() { Ok(vec![node.text()?]) } else { node.items()?.iter().map(Node::text).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = "
Parameters: {Imported: {Type: String, Default: 'false'}}
Conditions: {Imports: !Equals [!Ref Imported, 'true']}
Resources:
  Table: {Type: AWS::DynamoDB::Table}
  Reader:
    Type: AWS::Serverless::Function
    Metadata: {BuildProperties: {Binary: reader}}
    Properties:
      Policies:
        - Statement:
            - Effect: Allow
              Action: [dynamodb:Query]
              Resource: [!GetAtt Table.Arn, !If [Imports, !Sub '${Table.Arn}/index/i', !Ref AWS::NoValue]]
            - !If
              - Imports
              - {Effect: Allow, Action: 'kms:Decrypt', Resource: 'arn:key', Condition: {StringEquals: {a: b}}}
              - !Ref AWS::NoValue
";

    fn read(yaml: &str, imported: &str) -> Result<Vec<String>, TemplateError> {
        let overrides = [("Imported".to_owned(), imported.to_owned())].into();
        let told = |one: Permission| format!("{} {} {} {}", one.function, one.action, one.resource, one.conditional);
        Ok(permissions(yaml, &overrides)?.into_iter().map(told).collect())
    }

    #[test]
    fn a_condition_of_the_template_decides_what_is_given() {
        assert_eq!(read(TEMPLATE, "false").unwrap(), ["reader dynamodb:Query Table.Arn false"]);
        let with = ["dynamodb:Query Table.Arn false", "dynamodb:Query Table.Arn/index/i false", "kms:Decrypt arn:key true"];
        assert_eq!(read(TEMPLATE, "true").unwrap(), with.map(|rest| format!("reader {rest}")));
    }

    #[test]
    fn what_is_not_written_out_is_refused() {
        for (from, to) in [
            ("- Statement:", "- AmazonDynamoDBFullAccess\n        - Statement:"),
            ("Effect: Allow\n", "Effect: Deny\n"),
            ("Action: [", "NotAction: ["),
        ] {
            assert!(read(&TEMPLATE.replacen(from, to, 1), "true").is_err(), "{to}");
        }
    }
}
