//! The OpenAPI documents in their exact form, as JSON, and how to follow its references.

use jsonschema::{Draft, Validator};
use saphyr::{LoadableYamlNode as _, Scalar, Yaml};
use serde_json::Value;

/// Derived from docs/openapi.yaml and docs/admin.openapi.yaml by scripts/contract/exact.py.
const OF_THE_SERVICE: &str = include_str!("exact.yaml");
const OF_THE_BACK_OFFICE: &str = include_str!("admin.exact.yaml");

/// The service's document, as JSON.
///
/// # Panics
/// If it is not YAML, or has values that JSON can't represent.
#[must_use]
pub fn document() -> Value {
    read(OF_THE_SERVICE)
}

/// The back office's.
///
/// # Panics
/// Likewise.
#[must_use]
pub fn back_office_document() -> Value {
    read(OF_THE_BACK_OFFICE)
}

fn read(text: &str) -> Value {
    let documents = Yaml::load_from_str(text).expect("it is YAML");
    json(documents.first().expect("a document"))
}

fn json(yaml: &Yaml<'_>) -> Value {
    match yaml {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(yes)) => Value::from(*yes),
        Yaml::Value(Scalar::Integer(number)) => Value::from(*number),
        Yaml::Value(Scalar::String(text)) => Value::from(text.as_ref()),
        Yaml::Sequence(items) => items.iter().map(json).collect(),
        Yaml::Mapping(entries) => {
            let name = |key: &Yaml<'_>| key.as_str().expect("a name").to_owned();
            entries.iter().map(|(key, item)| (name(key), json(item))).collect()
        }
        other => unreachable!("JSON has no such value: {other:?}"),
    }
}

/// A position in the document.
#[derive(Debug, Clone)]
pub struct Node<'a> {
    document: &'a Value,
    pointer: String,
    /// The value at this position, or null.
    pub value: &'a Value,
}

impl<'a> Node<'a> {
    /// The root of the document.
    #[must_use]
    pub fn root(document: &'a Value) -> Self {
        Self { document, pointer: String::new(), value: document }
    }

    /// The value of `key`, after following references.
    ///
    /// # Panics
    /// If a reference leads nowhere.
    #[must_use]
    pub fn at(&self, key: &str) -> Self {
        let pointer = format!("{}/{}", self.pointer, key.replace('~', "~0").replace('/', "~1"));
        let here = self.document.pointer(&pointer).unwrap_or(&Value::Null);
        match here["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
            None => Self { document: self.document, pointer, value: here },
            Some(there) => {
                let value = self.document.pointer(there).expect("a reference with a target");
                Self { document: self.document, pointer: there.to_owned(), value }
            }
        }
    }

    /// The entries of a mapping by key, or of a list by index.
    #[must_use]
    pub fn entries(&self) -> Vec<(String, Self)> {
        let keys: Vec<String> = match self.value {
            Value::Object(entries) => entries.keys().cloned().collect(),
            Value::Array(items) => (0..items.len()).map(|place| place.to_string()).collect(),
            _ => Vec::new(),
        };
        keys.into_iter().map(|key| (key.clone(), self.at(&key))).collect()
    }

    /// The schema at this position. The document is its root, so that its references resolve.
    ///
    /// # Panics
    /// If it is not a schema.
    #[must_use]
    pub fn schema(&self) -> Validator {
        let mut schema = self.document.clone();
        schema["$ref"] = Value::from(format!("#{}", self.pointer.replace('{', "%7B").replace('}', "%7D")));
        let options = jsonschema::options().with_draft(Draft::Draft202012).should_validate_formats(true);
        options.build(&schema).expect("a schema")
    }
}
