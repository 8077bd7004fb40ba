//! Calls to DynamoDB, observed at the SDK's HTTP connector: the request, its units and its duration.
//!
//! For emulators only. To get the consumed capacity it changes a request that is already signed, which AWS would refuse.

use std::{sync::Arc, time::Instant};

use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream};
use serde::Serialize;
use serde_json::{Value, json};

use super::{Exchange, Observer, Touched, keys, milliseconds};

/// One attempt of one call.
#[derive(Debug, Clone, Serialize)]
pub struct StoreCall {
    /// The function that called.
    pub function: Option<String>,
    /// DynamoDB's name of the operation.
    pub operation: String,
    /// Which attempt of the call, from 1: the SDK retries by itself.
    pub attempt: u32,
    /// The items it was about.
    pub touched: Vec<Touched>,
    /// Whether it writes. Then its units are write units.
    pub writes: bool,
    /// The units it consumed. `None` if DynamoDB didn't say.
    pub units: Option<f64>,
    /// How long it took, in milliseconds. `None` if the SDK gave up.
    pub ms: Option<f64>,
    /// `ok`, or DynamoDB's error code. `None` if there was no answer.
    pub outcome: Option<String>,
}

/// An HTTP client for the SDK that records each call in its exchange.
#[derive(Debug, Clone)]
pub struct ObservedHttp {
    inner: SharedHttpClient,
    observer: Observer,
}

impl ObservedHttp {
    /// Sends calls through `inner` and records them for `observer`.
    #[must_use]
    pub fn new(inner: SharedHttpClient, observer: Observer) -> Self {
        Self { inner, observer }
    }
}

impl HttpClient for ObservedHttp {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(ObservedConnector { inner, observer: self.observer.clone() })
    }
}

#[derive(Debug)]
struct ObservedConnector {
    inner: SharedHttpConnector,
    observer: Observer,
}

impl HttpConnector for ObservedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        match self.observer.place() {
            None => self.inner.call(request),
            Some(place) => HttpConnectorFuture::new(noted(self.inner.clone(), request, place.exchange, place.function)),
        }
    }
}

async fn noted(
    inner: SharedHttpConnector,
    mut request: HttpRequest,
    exchange: Arc<Exchange>,
    function: Option<String>,
) -> Result<HttpResponse, ConnectorError> {
    let header = |name| request.headers().get(name).unwrap_or_default();
    let operation = header("x-amz-target").split('.').nth(1).unwrap_or("-").to_owned();
    let attempt = header("amz-sdk-request").split(';').find_map(|part| part.trim().strip_prefix("attempt=")?.parse().ok()).unwrap_or(1);
    let asked: Value = request.body().bytes().and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default();
    let (touched, writes) = (keys::touched(&operation, &asked), writes(&operation));
    let call = StoreCall { function, operation, attempt, touched, writes, units: None, ms: None, outcome: None };
    // Recorded before it is sent, because the SDK drops a call that takes too long.
    let at = {
        let mut seen = exchange.lock();
        seen.store.push(call);
        seen.store.len() - 1
    };
    ask_for_capacity(&mut request, asked);
    let begun = Instant::now();
    let answer = match inner.call(request).await {
        Ok(response) => read(response).await,
        Err(error) => Err(error),
    };
    if let Some(call) = exchange.lock().store.get_mut(at) {
        call.ms = Some(milliseconds(begun));
        let read = answer.as_ref().ok().map(|(_, body)| body);
        call.units = read.and_then(units);
        call.outcome = Some(read.map_or_else(|| "no connection".to_owned(), outcome));
    }
    answer.map(|(response, _)| response)
}

fn writes(operation: &str) -> bool {
    !matches!(operation, "Query" | "Scan" | "GetItem" | "BatchGetItem" | "TransactGetItems")
}

fn ask_for_capacity(request: &mut HttpRequest, mut asked: Value) {
    if let Value::Object(members) = &mut asked {
        members.insert("ReturnConsumedCapacity".to_owned(), json!("TOTAL"));
        let body = asked.to_string();
        request.headers_mut().insert("content-length", body.len().to_string());
        *request.body_mut() = SdkBody::from(body);
    }
}

async fn read(mut response: HttpResponse) -> Result<(HttpResponse, Value), ConnectorError> {
    let body = std::mem::replace(response.body_mut(), SdkBody::empty());
    let bytes = ByteStream::new(body).collect().await.map_err(|error| ConnectorError::io(error.into()))?.into_bytes();
    let read = serde_json::from_slice(&bytes).unwrap_or_default();
    *response.body_mut() = SdkBody::from(bytes);
    Ok((response, read))
}

fn units(answer: &Value) -> Option<f64> {
    match answer.get("ConsumedCapacity")? {
        Value::Array(tables) => Some(tables.iter().filter_map(|table| table["CapacityUnits"].as_f64()).sum()),
        table => table["CapacityUnits"].as_f64(),
    }
}

/// An error's `__type` is a namespace, `#` and the code. A cancelled transaction has a code for each item.
fn outcome(answer: &Value) -> String {
    let Some(error) = answer.get("__type").and_then(Value::as_str) else { return "ok".to_owned() };
    let name = error.rsplit('#').next().unwrap_or(error).to_owned();
    let reasons = answer.get("CancellationReasons").and_then(Value::as_array);
    let codes: Vec<_> = reasons.into_iter().flatten().map(|reason| reason["Code"].as_str().unwrap_or("None")).collect();
    if codes.is_empty() { name } else { format!("{name}: {}", codes.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_call_consumed_is_the_sum_over_its_tables() {
        assert_eq!(units(&json!({"ConsumedCapacity": {"CapacityUnits": 0.5}})), Some(0.5));
        assert_eq!(units(&json!({"ConsumedCapacity": [{"CapacityUnits": 6.0}, {"CapacityUnits": 2.0}]})), Some(8.0));
        assert_eq!(units(&json!({})), None);
    }

    #[test]
    fn an_outcome_is_dynamodbs_own_name_for_it() {
        assert_eq!(outcome(&json!({"Items": []})), "ok");
        let refused = json!({"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"});
        assert_eq!(outcome(&refused), "ConditionalCheckFailedException");
        let cancelled = json!({
            "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
            "CancellationReasons": [{"Code": "None"}, {"Code": "ConditionalCheckFailed"}],
        });
        assert_eq!(outcome(&cancelled), "TransactionCanceledException: None, ConditionalCheckFailed");
    }
}
