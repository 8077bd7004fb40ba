//! The console in the browser, which `latchkey dev` serves beside the API: requests, what the service did for them, and
//! the API's reference.
//!
//! It answers `GET` of `/`, `/docs`, and everything under `/_console/` and `/docs/`, and signs the page's requests to the back office
//! under `/_console/signed/`. All other paths and methods go to the API. Its pages run no inline script, load nothing from elsewhere and
//! keep no token outside their memory.

mod exchanges;
mod journal;
mod office;
mod pages;
mod witness;

use std::{convert::Infallible, net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::{ConnectInfo, Request, State},
    middleware::{self, Next},
    response::{
        IntoResponse as _, Response, Sse,
        sse::{Event, KeepAlive},
    },
    routing::{MethodRouter, get},
};
use futures_util::{Stream, stream};
use http::{HeaderMap, StatusCode};
use latchkey::clock::Clock;
use serde::Serialize;

use self::{
    journal::{Cursor, Journal},
    office::Office,
};
use crate::{gateway::Gateway, loopback::names_this_machine, observed::Observer};

/// What the console shows of its service.
#[derive(Debug, Clone, Serialize)]
pub struct About {
    pub version: &'static str,
    /// The demo user's name.
    pub username: &'static str,
    /// The demo user's password.
    pub password: &'static str,
    pub dynamodb: String,
    /// The URL of the functions, if they run outside this program. Then their store calls and settings are unknown.
    pub functions: Option<String>,
    /// `ACCESS_TOKEN_TTL`, in seconds.
    pub access_token_ttl: Option<u64>,
    /// `REFRESH_TOKEN_TTL`, in seconds.
    pub refresh_token_ttl: Option<u64>,
    /// `REPLAY_WINDOW`, in seconds.
    pub replay_window: Option<u64>,
    /// `DPOP`: `off`, `optional` or `required`.
    pub dpop: Option<String>,
}

/// The console of one service. A clone is the same console.
#[derive(Debug, Clone)]
pub struct Console {
    journal: Arc<Journal>,
    observer: Observer,
    clock: Clock,
}

impl Console {
    /// A console for the service whose store calls `observer` records.
    #[must_use]
    pub fn new(observer: Observer, clock: Clock) -> Self {
        Self { journal: Arc::default(), observer, clock }
    }

    /// A router with the console and the observed `gateway`.
    pub fn into_router(self, gateway: Gateway, about: &About) -> Router {
        let signer = gateway.signer();
        let api = gateway.into_router().layer(middleware::from_fn_with_state(self.clone(), witness::witness));
        // A method that the console doesn't have goes to the API, which answers it properly.
        let or_api = |pages: MethodRouter| pages.fallback_service(api.clone());
        let office = Office { api: api.clone(), signer, clock: self.clock.clone() };
        let about = serde_json::to_string(about).unwrap_or_default();
        let mut router = Router::new()
            .route("/_console/about.json", or_api(get(|| async { pages::json(about) })))
            .route("/_console/events", or_api(get(events).with_state(self)))
            .route(office::PATHS, or_api(office.into_route()));
        for page in pages::PAGES {
            router = router.route(page.path, or_api(get(move || async move { page.response() })));
        }
        for (path, asset) in pages::swagger_ui() {
            router = router.route(path, or_api(asset));
        }
        router.layer(middleware::from_fn(only_on_this_machine)).fallback_service(api)
    }

    /// Ends the streams of events. Without this, a graceful shutdown would wait for them forever.
    pub fn close(&self) {
        self.journal.close();
    }
}

/// The stream of events: first those in the journal, then new ones.
async fn events(State(console): State<Console>, headers: HeaderMap) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let cursor = console.journal.cursor(last);
    let stream = stream::unfold((console.journal, cursor), |(journal, cursor): (_, Cursor)| async move {
        let (event, cursor) = journal.next(cursor).await?;
        Some((Ok(event), (journal, cursor)))
    });
    Sse::new(stream).keep_alive(KeepAlive::default())
}

/// The console shows every request, so it is for this machine alone: neither for others in the network, where `--host` lets
/// them reach the API, nor for a page of another site that gives its own name this machine's address (DNS rebinding).
async fn only_on_this_machine(request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    if !peer.is_none_or(|peer| peer.0.ip().to_canonical().is_loopback()) {
        let text = "The console is served to the machine that it runs on, and to no other. The API is served to all.\n";
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    if !names_this_machine(request.headers()) {
        let text = "The console is served under the names 127.0.0.1 and localhost only. Open it by one of them.\n";
        return (StatusCode::MISDIRECTED_REQUEST, text).into_response();
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use tower_service::Service as _;

    use super::*;

    #[tokio::test]
    async fn only_this_machine_is_served() {
        let mut console = Router::new().route("/", get(|| async {})).layer(middleware::from_fn(only_on_this_machine));
        for (peer, host, status) in [
            ("127.0.0.1:5000", "127.0.0.1:3000", 200),
            ("[::1]:5000", "[::1]:3000", 200),
            ("[::ffff:127.0.0.1]:5000", "localhost:3000", 200),
            ("192.0.2.7:5000", "127.0.0.1:3000", 403),
            ("192.0.2.7:5000", "192.0.2.1:3000", 403),
            ("127.0.0.1:5000", "evil.example:3000", 421),
        ] {
            let mut request = Request::builder().uri("/").header("host", host).body(Body::empty()).unwrap();
            request.extensions_mut().insert(ConnectInfo::<SocketAddr>(peer.parse().unwrap()));
            assert_eq!(console.call(request).await.unwrap().status().as_u16(), status, "{peer} {host}");
        }
    }
}
