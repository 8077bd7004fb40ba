//! IAM in a test: each function has the permissions of its policy in `template.yaml`, and no others.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{LazyLock, Mutex, PoisonError},
};

use latchkey_cli::{
    dev::{BACK_OFFICE, TEMPLATE},
    template::{Permission, permissions},
};
use serde_json::Value;

use super::Fault;
use crate::database::Database;

/// The functions' permissions in one database, and those they have used.
#[derive(Debug)]
pub struct Guard {
    /// Logical ids by table name.
    tables: BTreeMap<String, String>,
    given: &'static BTreeSet<Permission>,
    used: Mutex<BTreeSet<Permission>>,
}

impl Guard {
    /// By the template, with or without imported tokens.
    ///
    /// # Panics
    /// If the template's policies can't be read.
    #[must_use]
    pub fn of(database: &Database, imported: bool) -> Self {
        static GIVEN: LazyLock<[BTreeSet<Permission>; 2]> = LazyLock::new(|| {
            ["false", "true"].map(|imported| {
                let parameters = BACK_OFFICE.into_iter().chain([("AcceptImportedTokens", imported)]);
                let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
                permissions(TEMPLATE, &parameters).expect("policies")
            })
        });
        let tables = database.template.tables.iter().map(|table| (table.name.clone(), table.logical_id.clone())).collect();
        Self { tables, given: &GIVEN[usize::from(imported)], used: Mutex::default() }
    }

    /// The permissions in the template.
    #[must_use]
    pub fn given(&self) -> &BTreeSet<Permission> {
        self.given
    }

    /// The permissions that were needed until now, granted or not.
    #[must_use]
    pub fn used(&self) -> BTreeSet<Permission> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// DynamoDB's answer to a call without permission.
    pub(super) fn refusal(&self, function: &str, operation: &str, body: &Value) -> Option<Fault> {
        let needed = self.needed(function, operation, body);
        let refused: Vec<_> = needed.iter().filter(|one| !self.given.contains(one)).cloned().collect();
        self.used.lock().unwrap_or_else(PoisonError::into_inner).extend(needed);
        for Permission { action, resource, .. } in &refused {
            eprintln!("template.yaml does not grant {function}: {action} on {resource}");
        }
        (!refused.is_empty()).then_some(Fault::Error(400, "AccessDeniedException"))
    }

    /// DynamoDB authorizes a transaction by its parts, a batch by its tables, and a query of an index by the index alone.
    /// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html>
    fn needed(&self, function: &str, operation: &str, body: &Value) -> Vec<Permission> {
        let permission = |operation: &str, table: &Value, index: Option<&str>, request: &Value| {
            let name = table.as_str().unwrap_or_default();
            let table = self.tables.get(name).map_or(name, String::as_str);
            let index = index.map(|index| format!("/index/{index}")).unwrap_or_default();
            let of_all = Permission {
                function: function.to_owned(),
                action: format!("dynamodb:{operation}"),
                resource: format!("{table}.Arn{index}"),
                attributes: Vec::new(),
                conditional: false,
            };
            let touched = attributes(request);
            let limited = self.given.iter().find(|one| {
                Permission { attributes: Vec::new(), ..(*one).clone() } == of_all
                    && touched.iter().all(|name| one.attributes.contains(name))
            });
            limited.cloned().unwrap_or(of_all)
        };
        if let Some(tables) = body["RequestItems"].as_object() {
            return tables.keys().map(|table| permission(operation, &Value::from(table.as_str()), None, &Value::Null)).collect();
        }
        let Some(parts) = body["TransactItems"].as_array() else {
            return vec![permission(operation, &body["TableName"], body["IndexName"].as_str(), body)];
        };
        let parts = parts.iter().filter_map(Value::as_object).flatten();
        parts
            .map(|(part, item)| {
                let operation = if part == "ConditionCheck" { "ConditionCheckItem".to_owned() } else { format!("{part}Item") };
                permission(&operation, &item["TableName"], None, item)
            })
            .collect()
    }
}

/// The attributes that a single write names: its key, and what its expressions read and write.
fn attributes(request: &Value) -> BTreeSet<String> {
    const KEYWORDS: [&str; 8] = ["SET", "ADD", "REMOVE", "DELETE", "AND", "OR", "attribute_exists", "attribute_not_exists"];
    let key = request["Key"].as_object().into_iter().flat_map(|key| key.keys().cloned());
    let expressions = ["UpdateExpression", "ConditionExpression"].map(|name| request[name].as_str().unwrap_or_default());
    let words =
        expressions.into_iter().flat_map(|text| text.split(|letter: char| !letter.is_ascii_alphanumeric() && !"_#:".contains(letter)));
    let named = words.filter(|word| !word.is_empty() && !word.starts_with(':') && !KEYWORDS.contains(word)).map(|word| {
        let alias = request["ExpressionAttributeNames"][word].as_str();
        alias.unwrap_or(word).to_owned()
    });
    key.chain(named).collect()
}
