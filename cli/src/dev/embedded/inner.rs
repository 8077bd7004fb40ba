//! The library's own HTTP server, which answers every request that reaches it.
//!
//! It can only be had with a listener of its own, and its listener would be open to every page in the browser. So it listens
//! no longer than it takes to make one connection, and that one is ours.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{body::Body, extract::Request, response::Response};
use bytes::Bytes;
use dynoxide::{Database, server::serve_with_shutdown};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

type Connection = SendRequest<Full<Bytes>>;

/// The server, and the connections to it that no request uses at the moment.
#[derive(Clone)]
pub(super) struct Inner {
    database: Database,
    idle: Arc<Mutex<Vec<Connection>>>,
}

/// Larger than any request of DynamoDB's.
const BODY_LIMIT: usize = 17 * 1024 * 1024;

impl Inner {
    pub(super) fn new(database: Database) -> Self {
        Self { database, idle: Arc::default() }
    }

    pub(super) async fn answer(&self, request: Request) -> io::Result<Response> {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, BODY_LIMIT).await.map_err(io::Error::other)?;
        let mut connection = self.connection().await?;
        let answer = connection.send_request(http::Request::from_parts(parts, Full::new(body))).await.map_err(io::Error::other)?;
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        Ok(Response::from_parts(parts, Body::from(body)))
    }

    async fn connection(&self) -> io::Result<Connection> {
        loop {
            let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some(mut connection) = idle else { return connect(self.database.clone()).await };
            if connection.ready().await.is_ok() {
                return Ok(connection);
            }
        }
    }
}

/// Opens a listener for one connection, and closes it once that one is answered. The connection stays.
async fn connect(database: Database) -> io::Result<Connection> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let accepting = tokio::spawn(serve_with_shutdown(listener, database, std::future::pending()));
    let greeted = async {
        let (mut connection, serving) = handshake(TokioIo::new(TcpStream::connect(address).await?)).await.map_err(io::Error::other)?;
        tokio::spawn(serving);
        // Its health check. An answer shows that the connection was accepted.
        let health = http::Request::get("/").header(http::header::HOST, "localhost").body(Full::default()).map_err(io::Error::other)?;
        let answer = connection.send_request(health).await.map_err(io::Error::other)?;
        answer.into_body().collect().await.map_err(io::Error::other)?;
        Ok(connection)
    };
    let greeted = greeted.await;
    // It drops the listener. Connections are served by tasks of their own, until they end.
    accepting.abort();
    let _aborted = accepting.await;
    greeted
}
