//! Which fault each call gets.

use std::collections::BTreeMap;

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use serde_json::Value;

use super::Fault;

/// How many calls a fault affects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The call's first attempt; the retry succeeds.
    OneAttempt,
    /// All attempts of the call.
    OneCall,
    /// The call, and all later ones of the operation.
    FromThenOn,
}

/// A fault and the calls it affects.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The operation, as DynamoDB names it.
    pub operation: &'static str,
    /// Which call of the operation, from 1. A retry doesn't count as a call.
    pub nth: usize,
    /// Which attempts and later calls it also affects.
    pub reach: Reach,
    pub fault: Fault,
}

impl Rule {
    /// Whether the fault affects this attempt.
    #[must_use]
    pub fn meets(&self, call: &Call) -> bool {
        self.operation == call.operation
            && match self.reach {
                Reach::OneAttempt => (call.nth, call.attempt) == (self.nth, 1),
                Reach::OneCall => call.nth == self.nth,
                Reach::FromThenOn => call.nth >= self.nth,
            }
    }
}

/// One attempt of one call, as it passed the tap.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The operation, as DynamoDB names it.
    pub operation: String,
    /// Which call of the operation, from 1.
    pub nth: usize,
    /// Which attempt of the call, from 1.
    pub attempt: usize,
    /// The index that it queries, if any.
    pub index: Option<String>,
    /// The capacity units that it consumed, if the tap asked for them and DynamoDB answered.
    pub capacity: Option<f64>,
}

#[derive(Debug, Default)]
pub(super) struct Plan {
    rules: Vec<Rule>,
    invocations: BTreeMap<String, Vec<String>>,
    calls: Vec<Call>,
    armings: u64,
    pub(super) count_capacity: bool,
}

/// The position of a call in the record, to add facts from its answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    arming: u64,
    index: usize,
}

impl Plan {
    pub(super) fn arm(&mut self, rules: Vec<Rule>) {
        self.rules = rules;
        self.invocations.clear();
        self.calls.clear();
        self.armings += 1;
    }

    pub(super) fn disarm(&mut self) -> Vec<Call> {
        self.rules.clear();
        std::mem::take(&mut self.calls)
    }

    /// Records an attempt and finds its fault.
    pub(super) fn meet(&mut self, operation: &str, request: &HttpRequest, body: &Value) -> (Place, Option<Fault>) {
        // All attempts of a call have one id.
        let header = |name| request.headers().get(name).unwrap_or_default().to_owned();
        let id = header("amz-sdk-invocation-id");
        let invocations = self.invocations.entry(operation.to_owned()).or_default();
        let place = invocations.iter().position(|known| *known == id).unwrap_or_else(|| {
            invocations.push(id);
            invocations.len() - 1
        });
        let attempt = header("amz-sdk-request").split(';').find_map(|part| part.trim().strip_prefix("attempt=")?.parse().ok()).unwrap_or(1);
        let index = body["IndexName"].as_str().map(str::to_owned);
        let call = Call { operation: operation.to_owned(), nth: place + 1, attempt, index, capacity: None };
        let fault = self.rules.iter().find(|rule| rule.meets(&call)).map(|rule| rule.fault.clone());
        self.calls.push(call);
        (Place { arming: self.armings, index: self.calls.len() - 1 }, fault)
    }

    pub(super) fn consumed(&mut self, place: Place, units: f64) {
        if place.arming == self.armings
            && let Some(call) = self.calls.get_mut(place.index)
        {
            call.capacity = Some(units);
        }
    }
}
