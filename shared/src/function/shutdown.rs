//! The shutdown of an environment.
//!
//! Lambda ends an environment that it no longer needs with SIGKILL. It sends SIGTERM first, some hundred milliseconds before, only where an
//! extension is registered. An extension inside the process that asks for no events is enough, and takes part in no invocation
//! (<https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-shutdown>).

use std::{error::Error, future::pending, time::Duration};

use bytes::Bytes;
use http::{Request, Response, StatusCode, header::HOST};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::Incoming,
    client::conn::http1::{SendRequest, handshake},
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
// Lambda is never Windows, but developers' machines are.
#[cfg(windows)]
use tokio::signal::windows::{CtrlShutdown as Signal, ctrl_shutdown};

use crate::{
    config::Environment,
    telling::log::{Event, Fields, log},
};

/// Only an emulator that doesn't answer at all takes so long.
const REGISTRATION: Duration = Duration::from_secs(3);

/// SIGTERM, if Lambda sends it.
#[derive(Debug)]
pub struct Shutdown(Option<Signal>);

impl Shutdown {
    /// Registers the extension (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html>), which has to be done before
    /// the first event is asked for. Nothing is registered without metrics, because then there is nothing to do at a shutdown, or at an
    /// emulator without that API.
    pub async fn register(environment: &Environment<'_>) -> Self {
        let Some(api) = environment.get("METRICS_NAMESPACE").and_then(|_| environment.get("AWS_LAMBDA_RUNTIME_API")) else {
            return Self(None);
        };
        // A task, because Lambda waits until a registered extension has asked for its first event, however late its registration was
        // answered.
        let registration = tokio::spawn(registered(api));
        match tokio::time::timeout(REGISTRATION, registration).await {
            Ok(Ok(Ok(()))) => sigterm().map_or_else(|error| Self::unregistered(&error), |sigterm| Self(Some(sigterm))),
            Ok(Ok(Err(NotRegistered::Refused(StatusCode::NOT_FOUND)))) => Self(None),
            Ok(Ok(Err(error))) => Self::unregistered(&error),
            Ok(Err(error)) => Self::unregistered(&error),
            Err(late) => Self::unregistered(&late),
        }
    }

    fn unregistered(error: &(dyn Error + 'static)) -> Self {
        log(Event::ShutdownUnregistered, Fields::default(), Some(error));
        Self(None)
    }

    /// Whether SIGTERM comes before the end.
    #[must_use]
    pub fn is_registered(&self) -> bool {
        self.0.is_some()
    }

    /// Waits for the shutdown, for ever if there is no SIGTERM.
    pub async fn wait(&mut self) {
        match &mut self.0 {
            Some(sigterm) => drop(sigterm.recv().await),
            None => pending().await,
        }
    }
}

type Connection = SendRequest<Full<Bytes>>;

/// Why the extension isn't registered.
#[derive(Debug, thiserror::Error)]
enum NotRegistered {
    #[error("Lambda's API answered {0}")]
    Refused(StatusCode),
    #[error("Lambda's API is out of reach")]
    Unreachable(#[from] std::io::Error),
    #[error("Lambda's API gave no answer")]
    NoAnswer(#[from] hyper::Error),
    #[error("no request can be made for Lambda's API")]
    Request(#[from] http::Error),
}

async fn registered(api: String) -> Result<(), NotRegistered> {
    let mut connection = connect(&api).await?;
    let registration = Request::post("/2020-01-01/extension/register")
        .header(HOST, &api)
        .header("Lambda-Extension-Name", "latchkey-shutdown")
        .body(Full::new(Bytes::from_static(br#"{"events":[]}"#)))?;
    let answer = connection.send_request(registration).await?;
    let Some(identifier) = answer.headers().get("Lambda-Extension-Identifier").filter(|_| answer.status() == StatusCode::OK) else {
        return Err(NotRegistered::Refused(answer.status()));
    };
    let next = Request::get("/2020-01-01/extension/event/next")
        .header(HOST, &api)
        .header("Lambda-Extension-Identifier", identifier)
        .body(Full::default())?;
    tokio::spawn(async move {
        if let Err(error) = ask(next, answer, connection, api).await {
            log(Event::ShutdownUnregistered, Fields::default(), Some(&error));
        }
    });
    Ok(())
}

/// Asks for an event, which is never answered, because there are none.
async fn ask(
    next: Request<Full<Bytes>>,
    registered: Response<Incoming>,
    mut connection: Connection,
    api: String,
) -> Result<(), NotRegistered> {
    // The connection is free when the last answer has been read, if the other side keeps it open.
    registered.into_body().collect().await?;
    if connection.ready().await.is_err() {
        connection = connect(&api).await?;
    }
    let answer = connection.send_request(next).await?;
    Err(NotRegistered::Refused(answer.status()))
}

async fn connect(api: &str) -> Result<Connection, NotRegistered> {
    let (connection, serving) = handshake(TokioIo::new(TcpStream::connect(api).await?)).await?;
    tokio::spawn(serving);
    Ok(connection)
}

#[cfg(unix)]
fn sigterm() -> std::io::Result<Signal> {
    signal(SignalKind::terminate())
}

#[cfg(windows)]
fn sigterm() -> std::io::Result<Signal> {
    ctrl_shutdown()
}
