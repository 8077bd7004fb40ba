//! Connections to DynamoDB: HTTP/1.1, kept open, each for one request at a time.

use std::{
    error::Error,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
};
use aws_smithy_types::{body::SdkBody, retry::ErrorKind};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, Uri, header::HOST};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::ServerName};
use tokio::{
    net::{TcpStream, lookup_host},
    time::Instant,
};
use tokio_rustls::TlsConnector;

use crate::config::ConfigError;

/// How an idle connection is treated.
#[derive(Debug, Clone, Copy)]
struct Idling {
    /// After this time it isn't used again: a gateway between may have dropped it silently.
    longest: Duration,
    /// After this time the runtime looks for its end first. Lambda freezes an environment between two requests, and DynamoDB may
    /// close the connection meanwhile:
    ///
    /// 1. The environment thaws with the next event. The connection's end waits in the kernel.
    /// 2. Without a look, the request is written to it, and the end is read after that.
    /// 3. DynamoDB may have seen the request, as far as anyone can tell. So it is sent again only after a pause.
    looked_at_after: Duration,
}

impl Idling {
    const PRODUCTION: Self = Self { longest: Duration::from_secs(90), looked_at_after: Duration::from_secs(1) };
}

/// All connections to one endpoint.
#[derive(Debug, Clone)]
pub(super) struct Connections(Arc<State>);

#[derive(Debug)]
struct State {
    host: String,
    port: u16,
    authority: HeaderValue,
    tls: Option<(Tls, ServerName<'static>)>,
    within: Duration,
    idling: Idling,
    idle: Mutex<Vec<Idle>>,
}

struct Tls(TlsConnector);

#[derive(Debug)]
struct Idle {
    connection: SendRequest<Full<Bytes>>,
    since: Instant,
}

/// The name has no address. The text is the one by which `sdk_error` knows it.
#[derive(Debug, thiserror::Error)]
#[error("dns error")]
struct NoAddress(#[source] io::Error);

impl Connections {
    /// Connections to `endpoint`, each opened within `within`. A server must have a certificate of one of `roots`.
    pub(super) fn to(endpoint: &Uri, roots: RootCertStore, within: Duration) -> Result<Self, ConfigError> {
        let wrong = |problem: String| ConfigError { variable: "AWS_ENDPOINT_URL_DYNAMODB", problem, takes: "the URL of a DynamoDB".into() };
        let authority = endpoint.authority().ok_or_else(|| wrong("has no host".into()))?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let secure = endpoint.scheme_str() == Some("https");
        let tls = if secure {
            let name = ServerName::try_from(host.clone()).map_err(|_| wrong(format!("has the host {host:?}")))?;
            Some((Tls(tls(roots).map_err(|error| wrong(format!("has no TLS ({error})")))?), name))
        } else {
            None
        };
        let port = authority.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let authority = HeaderValue::from_str(authority.as_str()).map_err(|_| wrong("has a wrong host".into()))?;
        Ok(Self(Arc::new(State { host, port, authority, tls, within, idling: Idling::PRODUCTION, idle: Mutex::default() })))
    }

    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let mut request = self.prepared(request)?;
        while let Some(connection) = self.idle().await {
            match self.answered(connection, request).await {
                Ok(answer) => return Ok(answer),
                // DynamoDB closed the connection while it was idle, and has seen nothing of this request.
                Err((_, Some(unsent))) => request = unsent,
                Err((error, None)) => return Err(error),
            }
        }
        let opened = tokio::time::timeout(self.0.within, self.open()).await;
        let connection = opened.map_err(|elapsed| ConnectorError::timeout(elapsed.into()))?.map_err(ConnectorError::io)?;
        self.answered(connection, request).await.map_err(|(error, _)| error)
    }

    /// The request as HTTP/1.1 has it: its target is a path, and a header names the host.
    fn prepared(&self, request: HttpRequest) -> Result<Request<Full<Bytes>>, ConnectorError> {
        let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
        let (mut parts, body) = request.into_parts();
        let body = body.bytes().map(Bytes::copy_from_slice).ok_or_else(|| ConnectorError::user("a body that is a stream".into()))?;
        parts.uri = Uri::from_static("/");
        parts.headers.insert(HOST, self.0.authority.clone());
        Ok(Request::from_parts(parts, Full::new(body)))
    }

    /// A connection that is still open and has nothing under way.
    async fn idle(&self) -> Option<SendRequest<Full<Bytes>>> {
        loop {
            let Idle { mut connection, since } = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            let idle = since.elapsed();
            if idle >= self.0.idling.longest {
                continue;
            }
            if idle >= self.0.idling.looked_at_after {
                // The runtime goes on with this task after it has asked the kernel for events.
                tokio::task::yield_now().await;
            }
            if connection.ready().await.is_ok() {
                return Some(connection);
            }
        }
    }

    /// Sends the request and reads the whole answer. Beside an error comes the request, if none of it was sent.
    async fn answered(
        &self,
        mut connection: SendRequest<Full<Bytes>>,
        request: Request<Full<Bytes>>,
    ) -> Result<HttpResponse, (ConnectorError, Option<Request<Full<Bytes>>>)> {
        let sent = connection.try_send_request(request).await;
        let answer = sent.map_err(|mut error| {
            let unsent = error.take_message();
            (broken(error.into_error()), unsent)
        })?;
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.map_err(|error| (broken(error), None))?.to_bytes();
        let idle = Idle { connection, since: Instant::now() };
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).push(idle);
        Response::from_parts(parts, SdkBody::from(body))
            .try_into()
            .map_err(|error: aws_smithy_runtime_api::http::HttpError| (ConnectorError::other(error.into(), None), None))
    }

    async fn open(&self) -> Result<SendRequest<Full<Bytes>>, Box<dyn Error + Send + Sync>> {
        let stream = self.connect().await?;
        match &self.0.tls {
            None => opened(stream).await,
            Some((Tls(tls), name)) => opened(tls.connect(name.clone(), stream).await?).await,
        }
    }

    async fn connect(&self) -> Result<TcpStream, Box<dyn Error + Send + Sync>> {
        let addresses = lookup_host((self.0.host.as_str(), self.0.port)).await.map_err(NoAddress)?;
        let mut refused: Option<io::Error> = None;
        for address in addresses {
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    return Ok(stream);
                }
                Err(error) => refused = Some(error),
            }
        }
        Err(refused.map_or_else(|| NoAddress(io::ErrorKind::NotFound.into()).into(), Into::into))
    }
}

async fn opened<S>(stream: S) -> Result<SendRequest<Full<Bytes>>, Box<dyn Error + Send + Sync>>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    let (connection, driver) = handshake(TokioIo::new(stream)).await?;
    // It ends when either side closes the connection. A request that is under way learns of it by its own error.
    tokio::spawn(async move { driver.await.unwrap_or_default() });
    Ok(connection)
}

/// ring: aws-lc gathers CPU jitter at the first handshake, tens of milliseconds that a small Lambda pays tenfold.
fn tls(roots: RootCertStore) -> Result<TlsConnector, rustls::Error> {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions()?.with_root_certificates(roots).with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// What a broken connection is to the SDK, whose classifiers know what is worth another attempt.
fn broken(error: hyper::Error) -> ConnectorError {
    if error.is_user() {
        ConnectorError::user(error.into())
    } else if error.is_incomplete_message() {
        ConnectorError::other(error.into(), Some(ErrorKind::TransientError))
    } else {
        ConnectorError::io(error.into())
    }
}

impl HttpConnector for Connections {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let connections = self.clone();
        HttpConnectorFuture::new(async move { connections.exchange(request).await })
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Tls")
    }
}

#[cfg(test)]
mod tests;
