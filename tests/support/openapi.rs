//! Compares every answer that a test gets with `docs/openapi.yaml`, or with `docs/admin.openapi.yaml`.

mod document;

use std::{collections::BTreeMap, fmt, sync::LazyLock};

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::service::Answer;
pub use document::{Node, back_office_document, document};

/// Headers that HTTP itself adds to an answer.
const FRAMING: [&str; 4] = ["connection", "content-length", "date", "transfer-encoding"];

/// The label of requests outside all operations. OpenAPI has no place for them, so the document describes them under this
/// name.
pub const ANY_OTHER_ROUTE: &str = "any other route";

/// The document's operations and their answers.
pub struct Contract {
    operations: Vec<Operation>,
    any_other_route: Operation,
}

/// An operation and its answers.
pub struct Operation {
    /// Method and path, as in the document: `DELETE /sessions/{login_id}`.
    pub label: String,
    /// Whether it takes only an access token, which the gateway checks.
    pub authorized: bool,
    method: String,
    path: String,
    answers: BTreeMap<u16, Described>,
}

struct Described {
    headers: BTreeMap<String, Header>,
    /// By media type.
    bodies: BTreeMap<String, Validator>,
}

struct Header {
    required: bool,
    number: bool,
    schema: Validator,
}

impl Contract {
    /// The description in this repository.
    pub fn of_the_service() -> &'static Self {
        static CONTRACT: LazyLock<Contract> = LazyLock::new(|| Contract::new(&document()));
        &CONTRACT
    }

    /// The description of the back office.
    pub fn of_the_back_office() -> &'static Self {
        static CONTRACT: LazyLock<Contract> = LazyLock::new(|| Contract::new(&back_office_document()));
        &CONTRACT
    }

    /// The one that describes this path.
    #[must_use]
    pub fn of_path(path: &str) -> &'static Self {
        if path.starts_with("/admin") { Self::of_the_back_office() } else { Self::of_the_service() }
    }

    fn new(document: &Value) -> Self {
        let root = Node::root(document);
        let mut operations = Vec::new();
        for (path, item) in root.at("paths").entries() {
            for (method, operation) in item.entries() {
                let method = method.to_ascii_uppercase();
                operations.push(Operation::new(format!("{method} {path}"), method, path.clone(), &operation));
            }
        }
        let any_other_route = Operation::new(ANY_OTHER_ROUTE.to_owned(), String::new(), String::new(), &root.at("x-any-other-route"));
        Self { operations, any_other_route }
    }

    /// The operation for `method` and `path`. A trailing slash makes no difference, as in API Gateway.
    #[must_use]
    pub fn operation(&self, method: &str, path: &str) -> &Operation {
        let is_it = |operation: &&Operation| operation.method == method && fits(&operation.path, path);
        self.operations.iter().find(is_it).unwrap_or(&self.any_other_route)
    }

    /// Every operation, and the other routes at the end.
    pub fn operations(&self) -> impl Iterator<Item = &Operation> {
        self.operations.iter().chain([&self.any_other_route])
    }
}

fn fits(template: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (template.split('/'), path.trim_end_matches('/').split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(one), Some(other)) if one == other || (one.starts_with('{') && !other.is_empty()) => {}
            _ => return false,
        }
    }
}

impl Operation {
    fn new(label: String, method: String, path: String, node: &Node<'_>) -> Self {
        let mut answers = BTreeMap::new();
        for (status, answer) in node.at("responses").entries() {
            answers.insert(status.parse().expect("a status"), Described::new(&answer));
        }
        let authorized = node.value["security"] == json!([{"accessToken": []}]);
        Self { label, authorized, method, path, answers }
    }

    /// The statuses that the operation may answer with.
    pub fn statuses(&self) -> impl Iterator<Item = u16> {
        self.answers.keys().copied()
    }

    /// The differences between the answer and its description.
    #[must_use]
    pub fn breaches(&self, answer: &Answer) -> Vec<String> {
        match self.answers.get(&answer.status) {
            None => vec![format!("{} is not described", answer.status)],
            Some(described) => described.breaches(answer),
        }
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.label)
    }
}

impl Described {
    fn new(node: &Node<'_>) -> Self {
        let headers = node.at("headers").entries().into_iter();
        let bodies = node.at("content").entries().into_iter();
        Self {
            headers: headers.map(|(name, header)| (name.to_ascii_lowercase(), Header::new(&header))).collect(),
            bodies: bodies.map(|(media_type, body)| (media_type, body.at("schema").schema())).collect(),
        }
    }

    fn breaches(&self, answer: &Answer) -> Vec<String> {
        let mut breaches = Vec::new();
        for (name, header) in &self.headers {
            let values: Vec<_> = answer.headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default()).collect();
            match values.as_slice() {
                [] if header.required => breaches.push(format!("{name} is missing")),
                [] => {}
                [value] => breaches.extend(breach(name, &header.schema, &header.value(value))),
                several => breaches.push(format!("{name} is sent {} times", several.len())),
            }
        }
        let described = |name: &str| name == "content-type" || FRAMING.contains(&name) || self.headers.contains_key(name);
        breaches.extend(answer.headers.keys().filter(|name| !described(name.as_str())).map(|name| format!("{name} is not described")));
        if self.bodies.is_empty() {
            breaches.extend((!answer.text.is_empty()).then(|| "the answer has a body that isn't described".to_owned()));
            return breaches;
        }
        let media_type = answer.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
        match self.bodies.get(media_type) {
            Some(schema) => breaches.extend(breach("the body", schema, &answer.body)),
            None => {
                let described: Vec<_> = self.bodies.keys().map(String::as_str).collect();
                breaches.push(format!("the media type is {media_type:?}, not {}", described.join(" or ")));
            }
        }
        breaches
    }
}

impl Header {
    fn new(node: &Node<'_>) -> Self {
        let schema = node.at("schema");
        Self { required: node.value["required"] == true, number: schema.value["type"] == "integer", schema: schema.schema() }
    }

    /// Headers are text; where a number is described, the text is parsed as a number.
    fn value(&self, text: &str) -> Value {
        if self.number { serde_json::from_str(text).unwrap_or_else(|_| text.into()) } else { text.into() }
    }
}

fn breach(what: &str, schema: &Validator, value: &Value) -> Vec<String> {
    schema.iter_errors(value).map(|error| format!("{what}{}: {}", error.instance_path(), error.masked())).collect()
}
