//! What the functions may do: the policies of their roles, taken apart.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{TemplateError, document, node::Node, scope::Scope};

/// One action on one resource that a function may take.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permission {
    pub function: String,
    /// As IAM names it: `dynamodb:Query`.
    pub action: String,
    /// The resource's ARN; of a resource of the template its logical id with `.Arn`, and what follows the ARN:
    /// `SessionsTable.Arn/index/access_token`.
    pub resource: String,
    /// The only attributes that the action may touch, by `dynamodb:Attributes`; none where it may touch all.
    pub attributes: Vec<String>,
    /// Whether it is given under another condition.
    pub conditional: bool,
}

/// The permissions that a template's functions have, with `overrides` in place of its parameters' defaults.
///
/// # Errors
/// [`TemplateError`], also for a policy that isn't written out: one of AWS's by name, a `Deny`, a `NotAction`. A function without a
/// role of the template has such a policy: SAM generates a role that may write to every log group.
pub fn permissions(yaml: &str, overrides: &BTreeMap<String, String>) -> Result<BTreeSet<Permission>, TemplateError> {
    let document = document::read(yaml)?;
    let scope = Scope::new(&document, overrides)?;
    let resources: BTreeMap<_, _> = scope.resources()?.into_iter().collect();
    let mut permissions = BTreeSet::new();
    for (id, resource) in &resources {
        let node = Node::new(&scope, resource, format!("Resources.{id}"));
        if node.required("Type")?.text()? != "AWS::Serverless::Function" {
            continue;
        }
        let function = node.required("Metadata")?.required("BuildProperties")?.required("Binary")?.text()?;
        for policy in role(&scope, &resources, &node.required("Properties")?)?.required("Policies")?.items()? {
            for statement in policy.required("PolicyDocument")?.required("Statement")?.items()? {
                add_statement(&mut permissions, &function, &statement)?;
            }
        }
    }
    Ok(permissions)
}

/// The properties of a function's role, which is a resource of the template: `Role: !GetAtt LoginRole.Arn`.
fn role<'a>(scope: &'a Scope<'a>, resources: &BTreeMap<&str, &'a Value>, function: &Node<'_>) -> Result<Node<'a>, TemplateError> {
    let role = function.required("Role")?;
    let arn = role.text()?;
    let found = arn.strip_suffix(".Arn").and_then(|id| resources.get_key_value(id));
    let (id, resource) = found.ok_or_else(|| role.unexpected("!GetAtt of a role of this template"))?;
    let properties = Node::new(scope, resource, format!("Resources.{id}")).required("Properties")?;
    match properties.get("ManagedPolicyArns")? {
        Some(policies) => Err(policies.unexpected("no managed policies")),
        None => Ok(properties),
    }
}

fn add_statement(permissions: &mut BTreeSet<Permission>, function: &str, statement: &Node<'_>) -> Result<(), TemplateError> {
    let effect = statement.required("Effect")?;
    if effect.text()? != "Allow" {
        return Err(effect.unexpected("Allow"));
    }
    let (actions, resources) = (texts(&statement.required("Action")?)?, texts(&statement.required("Resource")?)?);
    let condition = statement.get("Condition")?;
    let attributes = match &condition {
        Some(condition) => match condition.get("ForAllValues:StringEquals")? {
            Some(values) => values.get("dynamodb:Attributes")?.map(|attributes| texts(&attributes)).transpose()?.unwrap_or_default(),
            None => Vec::new(),
        },
        None => Vec::new(),
    };
    let conditional = condition.is_some() && attributes.is_empty();
    for action in &actions {
        for resource in &resources {
            let (function, action, resource) = (function.to_owned(), action.clone(), resource.clone());
            permissions.insert(Permission { function, action, resource, attributes: attributes.clone(), conditional });
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
      Role: !GetAtt Role.Arn
  Role:
    Type: AWS::IAM::Role
    Properties:
      Policies:
        - PolicyDocument:
            Statement:
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
    fn a_permission_may_be_limited_to_attributes() {
        let limit = "Condition: {'ForAllValues:StringEquals': {'dynamodb:Attributes': [pk, mark]}}";
        let yaml = TEMPLATE.replacen("Action: [dynamodb:Query]", &format!("Action: [dynamodb:UpdateItem]\n                {limit}"), 1);
        let given = permissions(&yaml, &BTreeMap::new()).unwrap();
        assert_eq!(
            given.iter().map(|one| (&one.attributes[..], one.conditional)).collect::<Vec<_>>(),
            [(&["pk".into(), "mark".into()][..], false)]
        );
    }

    #[test]
    fn what_is_not_written_out_is_refused() {
        for (from, to) in [
            ("      Policies:\n", "      ManagedPolicyArns: [AmazonDynamoDBFullAccess]\n      Policies:\n"),
            ("      Role: !GetAtt Role.Arn\n", "      Policies: [AmazonDynamoDBFullAccess]\n"),
            ("!GetAtt Role.Arn", "arn:aws:iam::123456789012:role/other"),
            ("Effect: Allow\n", "Effect: Deny\n"),
            ("Action: [", "NotAction: ["),
        ] {
            assert!(read(&TEMPLATE.replacen(from, to, 1), "true").is_err(), "{to}");
        }
    }
}
