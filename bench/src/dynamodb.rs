//! A simulated DynamoDB behind TLS: fixed answers, a configurable delay, and counts of its requests.

use std::{
    convert::Infallible,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use bench_work::Answers;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response, StatusCode, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    },
};

use crate::error::{BenchError, While as _};

/// What it observed of one process.
#[derive(Debug, Default, Clone)]
pub struct Seen {
    /// Connections opened.
    pub connections: usize,
    /// The delay of each request, from its last byte to the answer.
    pub held: Vec<Duration>,
}

struct State {
    answers: Answers,
    delay: Mutex<Duration>,
    seen: Mutex<Seen>,
}

/// The simulated DynamoDB.
pub struct DynamoDb {
    /// For `AWS_ENDPOINT_URL_DYNAMODB`.
    pub url: String,
    state: Arc<State>,
}

impl DynamoDb {
    /// Listens on a free loopback port, with the chain and the key in `certificates`.
    ///
    /// # Errors
    /// [`BenchError`] if the directory has no such chain.
    pub async fn start(certificates: &Path, answers: Answers) -> Result<Self, BenchError> {
        let acceptor = TlsAcceptor::from(Arc::new(tls(certificates)?));
        let listener = TcpListener::bind("127.0.0.1:0").await.during("listening for DynamoDB calls")?;
        let url = format!("https://{}", listener.local_addr().during("listening for DynamoDB calls")?);
        let state = Arc::new(State { answers, delay: Mutex::default(), seen: Mutex::default() });
        tokio::spawn(accept(listener, acceptor, Arc::clone(&state)));
        Ok(Self { url, state })
    }

    /// Sets the delay of every answer from now on.
    pub fn set_delay(&self, delay: Duration) {
        *self.state.delay.lock().unwrap_or_else(PoisonError::into_inner) = delay;
    }

    /// The observations since the last call.
    #[must_use]
    pub fn take_seen(&self) -> Seen {
        std::mem::take(&mut *self.state.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Leaf, intermediate and root, as Amazon's endpoints send them.
fn tls(certificates: &Path) -> Result<ServerConfig, BenchError> {
    let setup =
        |error: &dyn std::error::Error| BenchError::Setup(format!("reading the certificates in {}: {error}", certificates.display()));
    let chain: Vec<_> =
        CertificateDer::pem_file_iter(certificates.join("chain.pem")).and_then(Iterator::collect).map_err(|error| setup(&error))?;
    let key = PrivateKeyDer::from_pem_file(certificates.join("leaf.key")).map_err(|error| setup(&error))?;
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| setup(&error))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| setup(&error))
}

impl State {
    fn saw(&self, what: impl FnOnce(&mut Seen)) {
        what(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, state: Arc<State>) {
    while let Ok((stream, _)) = listener.accept().await {
        state.saw(|seen| seen.connections += 1);
        let _without_delay = stream.set_nodelay(true);
        let (acceptor, state) = (acceptor.clone(), Arc::clone(&state));
        tokio::spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let service = service_fn(move |request| answer(request, Arc::clone(&state)));
            let _closed = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(request: Request<Incoming>, state: Arc<State>) -> Result<Response<Full<Bytes>>, Infallible> {
    let target = request.headers().get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default().to_owned();
    let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let arrived = Instant::now();
    let delay = *state.delay.lock().unwrap_or_else(PoisonError::into_inner);
    if !delay.is_zero() {
        // On its own thread, because the runtime's timer counts whole milliseconds.
        let _slept = tokio::task::spawn_blocking(move || std::thread::sleep(delay)).await;
    }
    let answer = state.answers.to(target.rsplit('.').next().unwrap_or_default(), &body);
    let mut response = Response::new(Full::new(answer.clone().unwrap_or_default()));
    if answer.is_none() {
        *response.status_mut() = StatusCode::BAD_REQUEST;
    }
    response.headers_mut().insert("content-type", hyper::header::HeaderValue::from_static("application/x-amz-json-1.0"));
    state.saw(|seen| seen.held.push(arrived.elapsed()));
    Ok(response)
}
