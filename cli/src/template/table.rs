//! `AWS::DynamoDB::Table` as plain data.

use std::collections::BTreeMap;

use super::{TemplateError, node::Node};

/// A table that the template declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name in the template.
    pub logical_id: String,
    /// What a `!Ref` to it resolves to: its `TableName`, or the logical id if it has none.
    pub name: String,
    /// The key of its items.
    pub key: KeySchema,
    /// The types of all attributes that keys are made of.
    pub attributes: BTreeMap<String, AttributeType>,
    /// Its global secondary indexes.
    pub indexes: Vec<Index>,
    /// The attribute with the time, in epoch seconds, when DynamoDB deletes an item.
    pub ttl_attribute: Option<String>,
}

/// The names of a partition key and of an optional sort key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySchema {
    /// `HASH`.
    pub partition: String,
    /// `RANGE`.
    pub sort: Option<String>,
}

/// The type of a key attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttributeType {
    String,
    Number,
    Binary,
}

/// A global secondary index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    pub name: String,
    /// The key of its entries.
    pub key: KeySchema,
    /// The attributes of its entries besides the keys.
    pub projection: Projection,
}

/// Which attributes an index holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Projection {
    /// The item's and the index's keys.
    KeysOnly,
    /// The keys and these, in any order.
    Include(Vec<String>),
    /// Everything.
    All,
}

pub(super) fn table(logical_id: &str, resource: &Node<'_>) -> Result<Table, TemplateError> {
    let properties = resource.required("Properties")?;
    let table = Table {
        logical_id: logical_id.to_owned(),
        name: properties.get("TableName")?.map_or_else(|| Ok(logical_id.to_owned()), |name| name.text())?,
        key: key_schema(&properties.required("KeySchema")?)?,
        attributes: attributes(&properties.required("AttributeDefinitions")?)?,
        indexes: match properties.get("GlobalSecondaryIndexes")? {
            Some(indexes) => indexes.items()?.iter().map(index).collect::<Result<_, _>>()?,
            None => Vec::new(),
        },
        ttl_attribute: match properties.get("TimeToLiveSpecification")? {
            Some(ttl) if ttl.required("Enabled")?.boolean()? => Some(ttl.required("AttributeName")?.text()?),
            _ => None,
        },
    };
    let keys = std::iter::once(&table.key).chain(table.indexes.iter().map(|index| &index.key));
    for name in keys.flat_map(|key| std::iter::once(&key.partition).chain(&key.sort)) {
        if !table.attributes.contains_key(name) {
            return Err(properties.required("AttributeDefinitions")?.unexpected(format!("a definition of {name}")));
        }
    }
    Ok(table)
}

fn key_schema(node: &Node<'_>) -> Result<KeySchema, TemplateError> {
    let (mut partition, mut sort) = (None, None);
    for element in node.items()? {
        let name = element.required("AttributeName")?.text()?;
        let kind = element.required("KeyType")?;
        match kind.text()?.as_str() {
            "HASH" => partition = Some(name),
            "RANGE" => sort = Some(name),
            _ => return Err(kind.unexpected("HASH or RANGE")),
        }
    }
    let partition = partition.ok_or_else(|| node.unexpected("a HASH key"))?;
    Ok(KeySchema { partition, sort })
}

fn attributes(node: &Node<'_>) -> Result<BTreeMap<String, AttributeType>, TemplateError> {
    let definition = |node: Node<'_>| {
        let kind = node.required("AttributeType")?;
        let kind = match kind.text()?.as_str() {
            "S" => AttributeType::String,
            "N" => AttributeType::Number,
            "B" => AttributeType::Binary,
            _ => return Err(kind.unexpected("S, N or B")),
        };
        Ok((node.required("AttributeName")?.text()?, kind))
    };
    node.items()?.into_iter().map(definition).collect()
}

fn index(node: &Node<'_>) -> Result<Index, TemplateError> {
    let projection = node.required("Projection")?;
    let kind = projection.required("ProjectionType")?;
    Ok(Index {
        name: node.required("IndexName")?.text()?,
        key: key_schema(&node.required("KeySchema")?)?,
        projection: match kind.text()?.as_str() {
            "ALL" => Projection::All,
            "KEYS_ONLY" => Projection::KeysOnly,
            "INCLUDE" => {
                let attributes = projection.required("NonKeyAttributes")?.items()?;
                Projection::Include(attributes.iter().map(Node::text).collect::<Result<_, _>>()?)
            }
            _ => return Err(kind.unexpected("ALL, KEYS_ONLY or INCLUDE")),
        },
    })
}
