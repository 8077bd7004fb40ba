//! A table that exists, held against the template's.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{self, KeySchemaElement, ProjectionType, ScalarAttributeType, TableDescription};

use super::{TablesError, scalar};
use crate::template::{KeySchema, Projection, Table};

/// Whether it is another table than the template's: it has another key, where that could be read.
pub(crate) fn has_another_key(table: &Table, description: &TableDescription) -> bool {
    let expected = std::iter::once(&table.key.partition).chain(&table.key.sort);
    let found = description.key_schema();
    !found.is_empty() && !found.iter().map(KeySchemaElement::attribute_name).eq(expected.map(String::as_str))
}

/// Nothing if key and indexes are the template's. Further indexes don't matter.
pub(crate) fn check(table: &Table, description: &TableDescription) -> Result<(), TablesError> {
    let differs = |what: String, found: String, expected: String| {
        if found == expected {
            return Ok(());
        }
        Err(TablesError::Differs { table: table.name.clone(), what, found, expected })
    };
    let types: BTreeMap<&str, &ScalarAttributeType> =
        description.attribute_definitions().iter().map(|one| (one.attribute_name(), one.attribute_type())).collect();
    let expected_key = |key: &KeySchema| {
        let names = std::iter::once(&key.partition).chain(&key.sort);
        key_text(names.map(|name| (name.as_str(), table.attributes.get(name).copied().map(scalar))))
    };
    let found_key = |elements: &[KeySchemaElement]| {
        // The partition key comes first in a key schema, always.
        key_text(elements.iter().map(|one| (one.attribute_name(), types.get(one.attribute_name()).copied().cloned())))
    };
    differs("the key".to_owned(), found_key(description.key_schema()), expected_key(&table.key))?;
    for index in &table.indexes {
        let there = description.global_secondary_indexes().iter().find(|one| one.index_name() == Some(&index.name));
        let found = there.map_or_else(
            || "missing".to_owned(),
            |there| format!("{} with {}", found_key(there.key_schema()), found_projection(there.projection())),
        );
        let expected = format!("{} with {}", expected_key(&index.key), projection_text(&index.projection));
        differs(format!("index {}", index.name), found, expected)?;
    }
    Ok(())
}

fn key_text<'a>(parts: impl Iterator<Item = (&'a str, Option<ScalarAttributeType>)>) -> String {
    let part =
        |(name, kind): (&str, Option<ScalarAttributeType>)| format!("{name} ({})", kind.as_ref().map_or("?", ScalarAttributeType::as_str));
    parts.map(part).collect::<Vec<_>>().join(", ")
}

fn projection_text(projection: &Projection) -> String {
    match projection {
        Projection::All => "ALL".to_owned(),
        Projection::KeysOnly => "KEYS_ONLY".to_owned(),
        Projection::Include(attributes) => {
            let mut sorted = attributes.clone();
            sorted.sort();
            format!("INCLUDE {}", sorted.join(", "))
        }
    }
}

fn found_projection(projection: Option<&types::Projection>) -> String {
    match projection.and_then(types::Projection::projection_type) {
        Some(ProjectionType::All) => projection_text(&Projection::All),
        Some(ProjectionType::KeysOnly) => projection_text(&Projection::KeysOnly),
        Some(ProjectionType::Include) => {
            let attributes = projection.map(|found| found.non_key_attributes().to_vec()).unwrap_or_default();
            projection_text(&Projection::Include(attributes))
        }
        other => format!("{other:?}"),
    }
}
