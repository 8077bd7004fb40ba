//! The HTTP connector that the client of DynamoDB calls.

use std::time::Duration;

use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream};
use serde_json::{Value, json};

use super::{
    Fault, Hold, Line, Tap, Tear,
    fault::{Forwarded, response},
    plan::Place,
};

impl HttpClient for Tap {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(TapConnector { tap: self.clone(), inner })
    }
}

#[derive(Debug)]
struct TapConnector {
    tap: Tap,
    inner: SharedHttpConnector,
}

/// What is known of a call before it is sent.
struct Passage {
    line: Line,
    hold: Option<Hold>,
    fault: Option<Fault>,
    tear: Option<Tear>,
    place: Place,
    count_capacity: bool,
}

impl Tap {
    fn enter(&self, request: &HttpRequest) -> Passage {
        let operation = request.headers().get("x-amz-target").and_then(|target| target.split('.').nth(1)).unwrap_or("-").to_owned();
        let mut state = self.state();
        let place = state.holds.iter().position(|hold| hold.operation == operation);
        let hold = place.and_then(|place| state.holds.remove(place));
        let body = request.body().bytes().and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default();
        let (place, fault) = state.plan.meet(&operation, request, &body);
        let refusal = self.function.as_ref().and_then(|(function, guard)| guard.refusal(function, &operation, &body));
        let fault = refusal.or(fault);
        state.calls.push(operation);
        Passage { line: state.line, hold, fault, tear: state.tear.clone(), place, count_capacity: state.plan.count_capacity }
    }
}

impl HttpConnector for TapConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let passage = self.tap.enter(&request);
        let (tap, inner) = (self.tap.clone(), self.inner.clone());
        HttpConnectorFuture::new(async move {
            if let Some(hold) = passage.hold {
                let _ = hold.reached.send(());
                let _ = hold.release.await;
            }
            match passage.line {
                Line::Open => {}
                Line::Refused => return Err(lost()),
                Line::Silent => return Err(timed_out()),
            }
            match (passage.fault, passage.tear) {
                (Some(fault), _) => befall(&tap, &inner, request, fault).await,
                (None, Some(tear)) => tear.carry(&inner, request, &tap.late).await,
                (None, None) if passage.count_capacity => counted(&tap, &inner, request, passage.place).await,
                (None, None) => inner.call(request).await,
            }
        })
    }
}

async fn befall(tap: &Tap, inner: &SharedHttpConnector, request: HttpRequest, fault: Fault) -> Result<HttpResponse, ConnectorError> {
    match fault {
        Fault::Delay(delay) => {
            tokio::time::sleep(delay).await;
            inner.call(request).await
        }
        Fault::LostBefore => Err(lost()),
        Fault::LostAfter => {
            inner.call(request).await?;
            Err(lost())
        }
        Fault::SilentBefore => Err(timed_out()),
        Fault::SilentAfter => {
            inner.call(request).await?;
            Err(timed_out())
        }
        Fault::ArrivesLate(delay) => {
            send(tap, inner, request, delay);
            Err(timed_out())
        }
        Fault::Error(..) | Fault::Cancelled(_) | Fault::Answer(_) => fault.answer().ok_or_else(lost),
        Fault::ErrorAfter(..) => {
            inner.call(request).await?;
            fault.answer().ok_or_else(lost)
        }
        Fault::WithoutLogin | Fault::WithoutSession => thinned(inner.call(request).await?, fault.keeps()).await,
        Fault::Stand(forwarded) => {
            match forwarded {
                Forwarded::No => {}
                Forwarded::Sent => send(tap, inner, request, Duration::ZERO),
                Forwarded::Answered => drop(inner.call(request).await?),
            }
            tap.standing.notify_one();
            never().await
        }
    }
}

/// Sends the call although its caller has given up.
fn send(tap: &Tap, inner: &SharedHttpConnector, request: HttpRequest, delay: Duration) {
    let inner = inner.clone();
    let call = tokio::spawn(async move {
        tokio::time::sleep(delay).await;
        let _ = inner.call(request).await;
    });
    tap.late.add(call);
}

/// The caller's error for a missing answer. It is returned at once, so that a test need not wait for a timeout.
fn timed_out() -> ConnectorError {
    ConnectorError::timeout("no answer in time".into())
}

pub(super) fn lost() -> ConnectorError {
    ConnectorError::io("the connection broke".into())
}

async fn never() -> Result<HttpResponse, ConnectorError> {
    std::future::pending().await
}

pub(super) async fn body_of(response: HttpResponse) -> Result<(u16, Value), ConnectorError> {
    let status = response.status().as_u16();
    let bytes = ByteStream::new(response.into_body()).collect().await.map_err(|error| ConnectorError::io(error.into()))?;
    Ok((status, serde_json::from_slice(&bytes.into_bytes()).unwrap_or_default()))
}

/// Removes from a query's answer the items whose sort key isn't kept.
async fn thinned(answer: HttpResponse, keeps: Option<fn(&str) -> bool>) -> Result<HttpResponse, ConnectorError> {
    let (status, mut body) = body_of(answer).await?;
    if let (Some(keeps), Some(items)) = (keeps, body["Items"].as_array_mut()) {
        items.retain(|item| item["sk"]["S"].as_str().is_none_or(keeps));
        body["Count"] = json!(items.len());
    }
    Ok(response(status, &body))
}

/// Asks DynamoDB to return the consumed capacity.
async fn counted(tap: &Tap, inner: &SharedHttpConnector, mut request: HttpRequest, place: Place) -> Result<HttpResponse, ConnectorError> {
    let asked = request.body().bytes().and_then(|bytes| serde_json::from_slice::<Value>(bytes).ok());
    if let Some(mut asked) = asked {
        asked["ReturnConsumedCapacity"] = json!("TOTAL");
        let body = asked.to_string();
        request.headers_mut().insert("content-length", body.len().to_string());
        *request.body_mut() = SdkBody::from(body);
    }
    let (status, body) = body_of(inner.call(request).await?).await?;
    let units = |consumed: &Value| consumed["CapacityUnits"].as_f64().unwrap_or_default();
    let consumed = match &body["ConsumedCapacity"] {
        Value::Array(tables) => tables.iter().map(units).sum(),
        table => units(table),
    };
    tap.state().plan.consumed(place, consumed);
    Ok(response(status, &body))
}
