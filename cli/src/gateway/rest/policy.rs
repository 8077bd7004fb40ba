//! A Lambda authorizer's answer, and whether its policy allows a method.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html>

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

/// An authorizer's answer, parsed.
#[derive(Debug, Clone)]
pub(super) struct Policy {
    principal_id: String,
    statements: Vec<Statement>,
    context: BTreeMap<String, String>,
}

/// Why an answer is invalid. API Gateway calls it a configuration error.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PolicyError {
    #[error("the authorizer's answer is no policy: {0}")]
    Shape(String),
    #[error("the authorizer's policy has {0}, which the local gateway does not evaluate")]
    Unsupported(&'static str),
    #[error("the authorizer's context has {0}: only strings, numbers and booleans go through")]
    Nested(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    principal_id: String,
    policy_document: Document,
    #[serde(default)]
    context: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    statement: OneOrMore<Statement>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    effect: Effect,
    action: Option<OneOrMore<String>>,
    resource: Option<OneOrMore<String>>,
    not_action: Option<Value>,
    not_resource: Option<Value>,
    condition: Option<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Effect {
    Allow,
    Deny,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum OneOrMore<T> {
    More(Vec<T>),
    One(T),
}

impl<T> OneOrMore<T> {
    fn as_slice(&self) -> &[T] {
        match self {
            Self::More(all) => all,
            Self::One(one) => std::slice::from_ref(one),
        }
    }
}

impl Policy {
    /// Parses an authorizer's answer.
    pub(super) fn read(answer: &Value) -> Result<Self, PolicyError> {
        // serde's messages for these shapes name fields and types, not values.
        let answer = Answer::deserialize(answer).map_err(|error| PolicyError::Shape(error.to_string()))?;
        let statements = answer.policy_document.statement.as_slice().to_vec();
        for statement in &statements {
            let unsupported = [
                (statement.not_action.is_some(), "a NotAction"),
                (statement.not_resource.is_some(), "a NotResource"),
                (statement.condition.is_some(), "a Condition"),
            ];
            if let Some((_, what)) = unsupported.iter().find(|(present, _)| *present) {
                return Err(PolicyError::Unsupported(what));
            }
            if statement.action.is_none() || statement.resource.is_none() {
                return Err(PolicyError::Shape("a statement without Action or Resource".to_owned()));
            }
        }
        Ok(Self { principal_id: answer.principal_id, statements, context: flat(answer.context.unwrap_or_default())? })
    }

    /// Whether a statement allows `method_arn` and none denies it.
    pub(super) fn allows(&self, method_arn: &str) -> bool {
        let says = |effect| self.statements.iter().any(|one| one.effect == effect && one.covers(method_arn));
        says(Effect::Allow) && !says(Effect::Deny)
    }

    /// `requestContext.authorizer`: the context, every value a string, with `principalId`.
    pub(super) fn request_context(&self) -> Map<String, Value> {
        let entries = self.context.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str())));
        entries.chain([("principalId".to_owned(), Value::from(self.principal_id.as_str()))]).collect()
    }
}

impl Statement {
    fn covers(&self, method_arn: &str) -> bool {
        let any = |patterns: &Option<OneOrMore<String>>, test: &dyn Fn(&str) -> bool| {
            patterns.as_ref().is_some_and(|patterns| patterns.as_slice().iter().any(|pattern| test(pattern)))
        };
        // Case matters in resources and not in actions (IAM JSON policy reference).
        any(&self.action, &|pattern| matches(&pattern.to_lowercase(), "execute-api:invoke"))
            && any(&self.resource, &|pattern| matches(pattern, method_arn))
    }
}

fn flat(context: Map<String, Value>) -> Result<BTreeMap<String, String>, PolicyError> {
    let entry = |(name, value): (String, Value)| match value {
        Value::String(text) => Ok((name, text)),
        Value::Number(number) => Ok((name, number.to_string())),
        Value::Bool(yes) => Ok((name, yes.to_string())),
        Value::Null => Err(PolicyError::Nested(format!("null under {name}"))),
        Value::Array(_) => Err(PolicyError::Nested(format!("a list under {name}"))),
        Value::Object(_) => Err(PolicyError::Nested(format!("an object under {name}"))),
    };
    context.into_iter().map(entry).collect()
}

/// Whether `text` is as `pattern` says: `*` for any characters, slashes included, `?` for exactly one.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // The place of the last `*`, and how far it has matched. On a mismatch it takes one more character.
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                retry = Some((p, t));
                p += 1;
            }
            Some(expected) if *expected == '?' || Some(expected) == text.get(t) => {
                p += 1;
                t += 1;
            }
            _ => match retry {
                Some((star, reached)) => {
                    retry = Some((star, reached + 1));
                    p = star + 1;
                    t = reached + 1;
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|rest| *rest == '*')
}

#[cfg(test)]
mod tests;
