//! A proxy that simulates a more distant DynamoDB: it forwards requests and delays every answer.

use std::time::Duration;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};

use crate::{error::LoadError, server::Endpoint};

/// A running proxy.
pub struct Delayed {
    /// Its URL.
    pub url: String,
}

#[derive(Clone)]
struct Behind {
    http: reqwest::Client,
    endpoint: Endpoint,
    delay: Duration,
}

/// The largest answer of DynamoDB is 16 MB.
const LARGEST: usize = 16 << 20;

impl Delayed {
    /// Starts a proxy for a DynamoDB. It takes any access key.
    ///
    /// # Errors
    /// [`LoadError`] if it can't listen.
    pub async fn start(endpoint: &Endpoint, delay: Duration) -> Result<Self, LoadError> {
        let io = |source| LoadError::Io { what: "listening for DynamoDB calls", source };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.map_err(io)?;
        let here = format!("http://{}", listener.local_addr().map_err(io)?);
        let router = Router::new().fallback(hand_on).with_state(Behind { http: reqwest::Client::new(), endpoint: endpoint.clone(), delay });
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { url: here })
    }
}

async fn hand_on(State(behind): State<Behind>, request: Request) -> Response {
    match handed_on(&behind, request).await {
        Ok(answer) => answer,
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}

async fn handed_on(behind: &Behind, request: Request) -> Result<Response, Box<dyn std::error::Error + Send + Sync>> {
    let (parts, body) = request.into_parts();
    let mut headers = parts.headers;
    headers.remove("host");
    headers.insert("authorization", behind.endpoint.authorization().parse()?);
    let body = to_bytes(body, LARGEST).await?;
    let answer = behind.http.request(parts.method, &behind.endpoint.url).headers(headers).body(body).send().await?;
    let mut handed = Response::builder().status(answer.status());
    if let Some(kind) = answer.headers().get("content-type") {
        handed = handed.header("content-type", kind);
    }
    let body = answer.bytes().await?;
    // On its own thread, because the runtime's timer counts whole milliseconds.
    let delay = behind.delay;
    tokio::task::spawn_blocking(move || std::thread::sleep(delay)).await?;
    Ok(handed.body(Body::from(body))?)
}
