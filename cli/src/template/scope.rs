//! The evaluation of a template's intrinsic functions.
//!
//! A value is evaluated only when it is read. So properties that this program doesn't read (policies, alarms, outputs) may use any
//! intrinsic. Known: `Ref`, `Fn::Sub`, `Fn::GetAtt`, `Fn::If`, `Fn::Join`, `Fn::FindInMap`, and those of [`super::condition`].

use std::{borrow::Cow, cell::Cell, collections::BTreeMap, sync::LazyLock};

use regex::{Captures, Regex};
use serde_json::{Map, Value};

use super::TemplateError;

/// The region of a laptop.
pub const REGION: &str = "us-east-1";
/// The account of a laptop: the one in AWS's examples.
pub const ACCOUNT: &str = "123456789012";

/// The parts of a template that intrinsic functions refer to.
pub(super) struct Scope<'a> {
    parameters: BTreeMap<String, String>,
    pub(super) conditions: Option<&'a Map<String, Value>>,
    mappings: Option<&'a Value>,
    resources: &'a Map<String, Value>,
    depth: Cell<u8>,
}

/// The deepest chain of references. CloudFormation refuses circles; without this limit one would overflow the stack here.
const MAX_DEPTH: u8 = 32;

impl<'a> Scope<'a> {
    /// Parameters take their value from `overrides`, else their `Default`; one with neither is an error.
    pub(super) fn new(document: &'a Value, overrides: &BTreeMap<String, String>) -> Result<Self, TemplateError> {
        let declared = document.get("Parameters").and_then(Value::as_object);
        let mut parameters = BTreeMap::new();
        for (name, declaration) in declared.into_iter().flatten() {
            let value = overrides.get(name).cloned().or_else(|| declaration.get("Default").map(text_of));
            let value = value.ok_or_else(|| TemplateError::ParameterWithoutValue(name.clone()))?;
            let allowed = declaration.get("AllowedValues").and_then(Value::as_array);
            if let Some(allowed) = allowed.filter(|allowed| !allowed.iter().any(|one| text_of(one) == value)) {
                let allowed: Vec<String> = allowed.iter().map(text_of).collect();
                return Err(TemplateError::unexpected(
                    format!("Parameters.{name}"),
                    format!("one of {}", allowed.join(", ")),
                    &Value::String(value),
                ));
            }
            parameters.insert(name.clone(), value);
        }
        if let Some(unknown) = overrides.keys().find(|name| !parameters.contains_key(*name)) {
            return Err(TemplateError::UnknownParameter(unknown.clone()));
        }
        Ok(Self {
            parameters,
            conditions: document.get("Conditions").and_then(Value::as_object),
            mappings: document.get("Mappings"),
            resources: document
                .get("Resources")
                .and_then(Value::as_object)
                .ok_or_else(|| TemplateError::unexpected("Resources", "a mapping", document.get("Resources").unwrap_or(&Value::Null)))?,
            depth: Cell::new(0),
        })
    }

    /// The resources by name, without those whose `Condition` is false.
    pub(super) fn resources(&self) -> Result<Vec<(&'a str, &'a Value)>, TemplateError> {
        let mut present = Vec::new();
        for (name, resource) in self.resources {
            let place = format!("Resources.{name}.Condition");
            let holds = match resource.get("Condition").and_then(Value::as_str) {
                Some(condition) => self.condition(condition, &place)?,
                None => true,
            };
            if holds {
                present.push((name.as_str(), resource));
            }
        }
        Ok(present)
    }

    /// The value at `place`, with its outermost intrinsic evaluated. `None` for null and `AWS::NoValue`.
    pub(super) fn resolve<'v>(&self, value: &'v Value, place: &str) -> Result<Option<Cow<'v, Value>>, TemplateError> {
        let Some((name, argument)) = as_intrinsic(value) else {
            return Ok(Some(value).filter(|value| !value.is_null()).map(Cow::Borrowed));
        };
        match name {
            "Ref" if argument == "AWS::NoValue" => Ok(None),
            "Fn::If" => match argument.as_array().map(Vec::as_slice) {
                Some([Value::String(condition), yes, no]) => {
                    let branch = if self.condition(condition, place)? { yes } else { no };
                    self.resolve(branch, place)
                }
                _ => Err(TemplateError::unexpected(place, "Fn::If: [condition, then, else]", argument)),
            },
            _ => self.text_function(name, argument, place).map(|text| Some(Cow::Owned(Value::String(text)))),
        }
    }

    /// `follow`, one reference further in.
    pub(super) fn following<T>(&self, place: &str, follow: impl FnOnce() -> Result<T, TemplateError>) -> Result<T, TemplateError> {
        let depth = self.depth.get();
        if depth == MAX_DEPTH {
            return Err(TemplateError::Circular(place.to_owned()));
        }
        self.depth.set(depth + 1);
        let followed = follow();
        self.depth.set(depth);
        followed
    }

    pub(super) fn text(&self, value: &Value, place: &str) -> Result<String, TemplateError> {
        match self.resolve(value, place)?.as_deref() {
            Some(Value::String(text)) => Ok(text.clone()),
            other => Err(TemplateError::unexpected(place, "text", other.unwrap_or(&Value::Null))),
        }
    }

    fn text_function(&self, name: &str, argument: &Value, place: &str) -> Result<String, TemplateError> {
        match (name, argument) {
            ("Ref", Value::String(target)) => self.reference(target, place),
            ("Fn::GetAtt", Value::String(target)) => self.reference(target, place),
            ("Fn::GetAtt", Value::Array(path)) => {
                let path: Vec<String> = path.iter().map(|part| self.text(part, place)).collect::<Result<_, _>>()?;
                self.reference(&path.join("."), place)
            }
            ("Fn::Sub", Value::String(pattern)) => self.substitute(pattern, &Map::new(), place),
            ("Fn::Sub", Value::Array(parts)) => match parts.as_slice() {
                [Value::String(pattern), Value::Object(variables)] => self.substitute(pattern, variables, place),
                _ => Err(TemplateError::unexpected(place, "Fn::Sub: [text, variables]", argument)),
            },
            ("Fn::Join", Value::Array(parts)) => match parts.as_slice() {
                [Value::String(separator), Value::Array(items)] => {
                    let items: Vec<String> = items.iter().map(|item| self.text(item, place)).collect::<Result<_, _>>()?;
                    Ok(items.join(separator))
                }
                _ => Err(TemplateError::unexpected(place, "Fn::Join: [separator, list]", argument)),
            },
            ("Fn::FindInMap", Value::Array(path)) => {
                let path: Vec<String> = path.iter().map(|part| self.text(part, place)).collect::<Result<_, _>>()?;
                let found = self.mappings.and_then(|all| path.iter().try_fold(all, |at, key| at.get(key)));
                found.map(text_of).ok_or_else(|| TemplateError::unexpected(place, "a key of Mappings", argument))
            }
            _ => Err(TemplateError::Intrinsic { place: place.to_owned(), name: name.to_owned() }),
        }
    }

    /// `${Name}`, `${Resource.Attribute}`, and `${!Literal}`, which stays `${Literal}`.
    fn substitute(&self, pattern: &str, variables: &Map<String, Value>, place: &str) -> Result<String, TemplateError> {
        static VARIABLE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\$\{([^}]*)\}").ok());
        let Some(variable) = VARIABLE.as_ref() else { return Ok(pattern.to_owned()) };
        let mut failure = None;
        let text = variable.replace_all(pattern, |found: &Captures<'_>| {
            let name = found.get(1).map_or("", |name| name.as_str());
            if let Some(literal) = name.strip_prefix('!') {
                return format!("${{{literal}}}");
            }
            let value = match variables.get(name) {
                Some(value) => self.text(value, place),
                None => self.reference(name, place),
            };
            value.unwrap_or_else(|error| {
                failure.get_or_insert(error);
                String::new()
            })
        });
        match failure {
            Some(error) => Err(error),
            None => Ok(text.into_owned()),
        }
    }

    /// The text of a parameter, a pseudo parameter, a resource or its attribute.
    ///
    /// Names and ARNs that AWS would generate are made from the logical id, so that [`function_of`] can find it again.
    fn reference(&self, target: &str, place: &str) -> Result<String, TemplateError> {
        if let Some(value) = self.parameters.get(target).map(String::as_str).or_else(|| pseudo_parameter(target)) {
            return Ok(value.to_owned());
        }
        let (id, attribute) = target.split_once('.').map_or((target, None), |(id, rest)| (id, Some(rest)));
        let resource =
            self.resources.get(id).ok_or_else(|| TemplateError::UnknownReference { place: place.to_owned(), name: target.to_owned() })?;
        let kind = resource.get("Type").and_then(Value::as_str).unwrap_or_default();
        Ok(match (kind, attribute) {
            ("AWS::DynamoDB::Table", None) => match resource.pointer("/Properties/TableName") {
                Some(name) => {
                    let place = format!("Resources.{id}.Properties.TableName");
                    self.following(&place, || self.text(name, &place))?
                }
                None => id.to_owned(),
            },
            // SAM's `!Ref Function.Alias` and `!Ref Function.Version` are ARNs too.
            ("AWS::Serverless::Function", Some("Arn" | "Alias" | "Version")) => arn_of(id),
            (_, None) => id.to_owned(),
            (_, Some(attribute)) => format!("{id}.{attribute}"),
        })
    }
}

/// The ARN of the function with this logical id.
pub(super) fn arn_of(function: &str) -> String {
    format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}")
}

/// The logical id of the function that an ARN made by [`arn_of`] names, with or without an alias.
pub(super) fn function_of(arn: &str) -> Option<&str> {
    arn.split(':').nth(6)
}

fn pseudo_parameter(name: &str) -> Option<&'static str> {
    match name {
        "AWS::Region" => Some(REGION),
        "AWS::AccountId" => Some(ACCOUNT),
        "AWS::Partition" => Some("aws"),
        "AWS::URLSuffix" => Some("amazonaws.com"),
        "AWS::StackName" => Some("latchkey"),
        _ => None,
    }
}

pub(super) fn as_intrinsic(value: &Value) -> Option<(&str, &Value)> {
    let entries = value.as_object().filter(|entries| entries.len() == 1)?;
    let (name, argument) = entries.iter().next()?;
    let is_intrinsic = name == "Ref" || name == "Condition" || name.starts_with("Fn::");
    is_intrinsic.then_some((name.as_str(), argument))
}

/// A scalar's text; a list's members joined by commas, as a `CommaDelimitedList` is written.
fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text_of).collect::<Vec<_>>().join(","),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
