//! The metric lines of one service, parsed as CloudWatch parses them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use latchkey::telling::signals::{Function, Signals};
use serde_json::Value;

/// The metrics namespace of a test.
const NAMESPACE: &str = "Latchkey/test";

/// A metric with its dimensions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Series {
    pub metric: String,
    /// The values of the dimensions.
    pub dimensions: BTreeMap<String, String>,
}

/// The metrics that the functions of a service emitted.
#[derive(Debug, Clone, Default)]
pub struct Emitted(Arc<Mutex<Vec<String>>>);

impl Emitted {
    /// Signals for a function, which write to this buffer.
    #[must_use]
    pub fn signals(&self, function: Function) -> Signals {
        let lines = Arc::clone(&self.0);
        Signals::to(NAMESPACE, function, move |line| lines.lock().unwrap_or_else(PoisonError::into_inner).push(line.to_owned()))
    }

    /// Takes the lines so far out of the buffer.
    #[must_use]
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The metrics in a line, with the sum of their values.
///
/// # Panics
/// If the line isn't in the embedded metric format.
#[must_use]
pub fn series(line: &str) -> BTreeMap<Series, f64> {
    let document: Value = serde_json::from_str(line).expect("a JSON object");
    let mut found = BTreeMap::new();
    for directive in document["_aws"]["CloudWatchMetrics"].as_array().expect("directives") {
        assert_eq!(directive["Namespace"], NAMESPACE);
        for set in directive["Dimensions"].as_array().expect("dimensions") {
            let names: BTreeSet<_> = set.as_array().expect("a set").iter().map(|name| name.as_str().expect("a name")).collect();
            let dimensions: BTreeMap<_, _> =
                names.iter().map(|name| ((*name).to_owned(), document[name].as_str().expect("a dimension's value").to_owned())).collect();
            for metric in directive["Metrics"].as_array().expect("metrics") {
                let metric = metric["Name"].as_str().expect("a name").to_owned();
                let sum = match &document[&metric] {
                    Value::Array(values) => values.iter().map(|value| value.as_f64().expect("a number")).sum(),
                    value => value.as_f64().expect("a number"),
                };
                found.insert(Series { metric, dimensions: dimensions.clone() }, sum);
            }
        }
    }
    found
}
