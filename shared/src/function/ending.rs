//! The end of an environment.
//!
//! Lambda ends an environment that it no longer needs with SIGKILL. It sends SIGTERM before that, and half a second to do the rest, only where
//! an extension is registered. One inside the process that asks for no events is enough; it takes part in no invocation
//! (<https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-shutdown>).

use std::future::pending;

use bytes::Bytes;
use http::{Request, StatusCode, header::HOST};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
// Lambda is never Windows, but developers' machines are.
#[cfg(windows)]
use tokio::signal::windows::{CtrlShutdown as Signal, ctrl_shutdown};

/// Whether the process is told of its end before it comes.
#[derive(Debug, Default)]
pub struct Ending(Option<Signal>);

impl Ending {
    /// Waits until Lambda ends the environment; for ever where it doesn't tell.
    pub async fn comes(&mut self) {
        match &mut self.0 {
            Some(sigterm) => drop(sigterm.recv().await),
            None => pending().await,
        }
    }

    /// Whether it is told.
    #[must_use]
    pub fn is_told(&self) -> bool {
        self.0.is_some()
    }

    /// Registers the extension at Lambda's API, a host and a port (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html>).
    /// It has to be done before the first event is asked for. An emulator without that API doesn't tell of the end.
    pub(super) async fn told_by(api: &str) -> Self {
        match register(api).await {
            Ok(sigterm) => Self(sigterm),
            Err(_no_such_api) => Self(None),
        }
    }
}

async fn register(api: &str) -> Result<Option<Signal>, Box<dyn std::error::Error + Send + Sync>> {
    let (mut lambda, connection) = handshake(TokioIo::new(TcpStream::connect(api).await?)).await?;
    tokio::spawn(connection);
    let registration = Request::post("/2020-01-01/extension/register")
        .header(HOST, api)
        .header("Lambda-Extension-Name", "latchkey-told-of-its-end")
        .body(Full::new(Bytes::from_static(br#"{"events":[]}"#)))?;
    let answer = lambda.send_request(registration).await?;
    let (StatusCode::OK, Some(identifier)) = (answer.status(), answer.headers().get("Lambda-Extension-Identifier").cloned()) else {
        return Ok(None);
    };
    answer.into_body().collect().await?;
    let next = Request::get("/2020-01-01/extension/event/next")
        .header(HOST, api)
        .header("Lambda-Extension-Identifier", identifier)
        .body(Full::default())?;
    #[cfg(unix)]
    let sigterm = signal(SignalKind::terminate())?;
    #[cfg(windows)]
    let sigterm = ctrl_shutdown()?;
    lambda.ready().await?;
    // Lambda's init phase is over when the extension asks, too. There is never an answer, because there are no events.
    tokio::spawn(async move { lambda.send_request(next).await });
    Ok(Some(sigterm))
}
