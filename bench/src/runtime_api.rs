//! A simulated Lambda Runtime API, as far as a runtime client needs it.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::{
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response, StatusCode, body::Incoming, header::HeaderValue, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use latchkey::clock::Clock;
use tokio::{
    net::TcpListener,
    sync::{Mutex, mpsc, oneshot},
};

use crate::error::{BenchError, While as _};

/// Lambda's maximum for an authorizer.
const FUNCTION_TIMEOUT: Duration = Duration::from_secs(30);

/// A message of a runtime client.
#[derive(Debug)]
pub enum Said {
    /// It requests the next event.
    Next {
        /// When the request arrived.
        at: Instant,
        /// The channel for the event.
        event: oneshot::Sender<Bytes>,
    },
    /// The function's answer to the event.
    Answer {
        /// When the whole answer had arrived.
        at: Instant,
        /// The answer.
        body: Bytes,
    },
    /// The function reports an error, of an event or of its start.
    Failed(String),
}

/// One Lambda environment's API. `AWS_LAMBDA_RUNTIME_API` passes its address to the process.
pub struct RuntimeApi {
    /// Host and port.
    pub address: String,
    said: mpsc::UnboundedReceiver<Said>,
}

impl RuntimeApi {
    /// Listens on a free loopback port until it is dropped.
    ///
    /// # Errors
    /// [`BenchError::Io`].
    pub async fn start() -> Result<Self, BenchError> {
        let listener = TcpListener::bind("127.0.0.1:0").await.during("listening for the Runtime API")?;
        let address = listener.local_addr().during("listening for the Runtime API")?.to_string();
        let (sender, said) = mpsc::unbounded_channel();
        tokio::spawn(accept(listener, sender));
        Ok(Self { address, said })
    }

    /// The process's next message; `None` after half a minute without one.
    pub async fn said(&mut self) -> Option<Said> {
        tokio::time::timeout(Duration::from_secs(30), self.said.recv()).await.ok().flatten()
    }
}

async fn accept(listener: TcpListener, sender: mpsc::UnboundedSender<Said>) {
    let invocations = Arc::new(Mutex::new(0_u64));
    loop {
        tokio::select! {
            () = sender.closed() => return,
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { return };
                let _without_delay = stream.set_nodelay(true);
                let (sender, invocations) = (sender.clone(), Arc::clone(&invocations));
                let service = service_fn(move |request| answer(request, sender.clone(), Arc::clone(&invocations)));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        }
    }
}

async fn answer(
    request: Request<Incoming>,
    sender: mpsc::UnboundedSender<Said>,
    invocations: Arc<Mutex<u64>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    if path.ends_with("/invocation/next") {
        let (event, handed) = oneshot::channel();
        let _nobody_listens = sender.send(Said::Next { at: Instant::now(), event });
        // The last request of a measurement is never answered: the process is ended while it waits, just as Lambda freezes
        // it.
        let Ok(event) = handed.await else { return Ok(status(StatusCode::GONE)) };
        let mut invocations = invocations.lock().await;
        *invocations += 1;
        return Ok(invocation(*invocations, event));
    }
    if let Some(extension) = path.strip_prefix("/2020-01-01/extension/") {
        if extension == "event/next" {
            // No events, as it asked for none.
            std::future::pending::<()>().await;
        }
        let _events = request.into_body().collect().await;
        return Ok(registered());
    }
    let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let at = Instant::now();
    let said = if path.ends_with("/response") {
        Said::Answer { at, body }
    } else {
        Said::Failed(format!("{path}: {}", String::from_utf8_lossy(&body)))
    };
    let _nobody_listens = sender.send(said);
    Ok(status(StatusCode::ACCEPTED))
}

fn invocation(number: u64, event: Bytes) -> Response<Full<Bytes>> {
    let deadline = Clock::system().now() + FUNCTION_TIMEOUT;
    let mut response = Response::new(Full::new(event));
    let mut header = |name: &'static str, value: String| {
        if let Ok(value) = value.try_into() {
            response.headers_mut().insert(name, value);
        }
    };
    header("content-type", "application/json".into());
    header("lambda-runtime-aws-request-id", format!("00000000-0000-4000-8000-{number:012}"));
    header("lambda-runtime-deadline-ms", deadline.timestamp_millis().to_string());
    header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-central-1:123456789012:function:bench".into());
    header("lambda-runtime-trace-id", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0".into());
    response
}

/// The answer to an extension within the function (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html>).
fn registered() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(b"{}")));
    response.headers_mut().insert("lambda-extension-identifier", HeaderValue::from_static("00000000-0000-4000-8000-000000000000"));
    response
}

fn status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(b"{\"status\":\"OK\"}")));
    *response.status_mut() = status;
    response
}
