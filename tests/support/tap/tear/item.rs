//! Items in DynamoDB's requests and answers.

use serde_json::{Value, json};

/// An item, by its table and its key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ItemKey {
    table: String,
    partition: String,
    /// Empty in a table without a sort key.
    sort: String,
}

impl ItemKey {
    /// From a key, or from a whole item.
    pub(super) fn of(table: &Value, attributes: &Value) -> Self {
        let text = |name: &str| attributes[name]["S"].as_str().map(str::to_owned);
        let partition = text("user_key").or_else(|| text("username")).or_else(|| text("subject"));
        Self {
            table: table.as_str().unwrap_or_default().to_owned(),
            partition: partition.expect("the partition key of one of our tables"),
            sort: text("sk").unwrap_or_default(),
        }
    }

    /// The request that reads this item.
    pub(super) fn get(&self) -> Value {
        assert!(!self.sort.is_empty(), "a transaction writes into the sessions table alone: {self:?}");
        json!({
            "TableName": self.table,
            "Key": {"user_key": {"S": self.partition}, "sk": {"S": self.sort}},
            "ConsistentRead": true,
        })
    }
}

/// An item of a transaction.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) key: ItemKey,
    /// False for a condition check.
    pub(super) is_written: bool,
}

/// The items of a transaction, in the order of its request.
pub(super) fn parts_of(transaction: &Value) -> Vec<Part> {
    let parts = transaction["TransactItems"].as_array().expect("the items of a transaction").iter().filter_map(Value::as_object).flatten();
    parts
        .map(|(action, part)| {
            let attributes = if action == "Put" { &part["Item"] } else { &part["Key"] };
            Part { key: ItemKey::of(&part["TableName"], attributes), is_written: action != "ConditionCheck" }
        })
        .collect()
}

/// What a read asks for: items of one partition.
#[derive(Debug, Clone)]
pub(super) struct Range {
    table: String,
    partition: String,
    sort: Sort,
}

/// Their sort keys.
#[derive(Debug, Clone)]
enum Sort {
    Is(String),
    BeginsWith(String),
    IsAfter(String),
}

impl Range {
    /// From a query or the read of one item. A read of an index shows what it likes anyway.
    pub(super) fn of(read: &Value) -> Option<Self> {
        if read["IndexName"].is_string() {
            return None;
        }
        let table = read["TableName"].as_str().unwrap_or_default().to_owned();
        if read["Key"].is_object() {
            let ItemKey { partition, sort, .. } = ItemKey::of(&read["TableName"], &read["Key"]);
            return Some(Self { table, partition, sort: Sort::Is(sort) });
        }
        let value = |name: &str| read["ExpressionAttributeValues"][name]["S"].as_str().map(str::to_owned);
        let partition = value(":user_key").expect("a query of the sessions table");
        let sort = value(":devices").map_or_else(|| Sort::BeginsWith(value(":login_id").unwrap_or_default()), Sort::IsAfter);
        Some(Self { table, partition, sort })
    }

    pub(super) fn contains(&self, key: &ItemKey) -> bool {
        let is_of_these = match &self.sort {
            Sort::Is(sort) => key.sort == *sort,
            Sort::BeginsWith(sort) => key.sort.starts_with(sort),
            Sort::IsAfter(sort) => key.sort > *sort,
        };
        (&self.table, &self.partition) == (&key.table, &key.partition) && is_of_these
    }
}

/// Puts earlier states of items into the answer of a read. `None` is the state of an item that didn't exist.
pub(super) fn show(answer: &mut Value, before: &[(ItemKey, Option<Value>)]) {
    let Some(items) = answer["Items"].as_array_mut() else {
        // The read of one item.
        for (_, state) in before {
            match state {
                Some(item) => answer["Item"] = item.clone(),
                None => drop(answer.as_object_mut().and_then(|answer| answer.remove("Item"))),
            }
        }
        return;
    };
    let sort_key = |item: &Value| item["sk"]["S"].as_str().unwrap_or_default().to_owned();
    for (key, state) in before {
        items.retain(|item| sort_key(item) != key.sort);
        items.extend(state.clone());
    }
    items.sort_by_key(sort_key);
    let count = json!(items.len());
    answer["ScannedCount"] = count.clone();
    answer["Count"] = count;
}
