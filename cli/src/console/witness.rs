//! A layer before the gateway that records requests and answers.

use std::{sync::Arc, time::Instant};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use latchkey::clock::rfc3339;
use serde::Serialize;

use super::{
    Console,
    exchanges::{Named, Told, read},
};
use crate::{
    gateway::Answered,
    observed::{Seen, milliseconds},
};

/// One request, its answer, and what the service did in between.
#[derive(Debug, Serialize)]
struct Line {
    at: String,
    method: String,
    /// The route, as the template writes it.
    route: String,
    /// Whether the query was `?keep=current`.
    keeps_current: bool,
    presented: Option<Named>,
    status: u16,
    #[serde(flatten)]
    told: Told,
    request_id: Option<String>,
    /// Why the gateway answered itself.
    gateway: Option<String>,
    ms: f64,
    #[serde(flatten)]
    seen: Seen,
}

pub(super) async fn witness(State(console): State<Console>, request: Request, next: Next) -> Response {
    let (at, begun, method) = (rfc3339(console.clock.now()), Instant::now(), request.method().to_string());
    let keeps_current = request.uri().query() == Some("keep=current");
    let presented = Named::presented(&request);
    let exchange = console.observer.begin();
    let response = Arc::clone(&exchange).scope(next.run(request)).await;
    let ms = milliseconds(begun);
    let (mut response, told) = read(response).await;
    let Answered { route, reason: gateway } =
        response.extensions_mut().remove().unwrap_or_else(|| Answered { route: "-".to_owned(), reason: None });
    let request_id = response.headers().get("x-amzn-requestid").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let status = response.status().as_u16();
    let line = Line { at, method, route, keeps_current, presented, status, told, request_id, gateway, ms, seen: exchange.seen() };
    console.journal.write(serde_json::to_string(&line).unwrap_or_default());
    response
}
