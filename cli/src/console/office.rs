//! The back office, for the console's page.
//!
//! Callers of the back office sign with AWS credentials. A page mustn't have any, so this server signs in its place, as a team's own
//! server would. The signed request goes through the gateway, which verifies it like any other. Only the console's own page is served:
//! another page could otherwise act as any user.

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
    routing::{MethodFilter, MethodRouter, on},
};
use bytes::Bytes;
use http::{HeaderName, StatusCode, header, request::Parts};
use http_body_util::{BodyExt as _, Limited};
use latchkey::clock::Clock;
use tower_service::Service as _;

use crate::{
    client::Signer,
    loopback::is_of_own_page,
    signature::{Unsignable, sign},
};

/// Where the page finds the back office's paths.
pub(super) const PATHS: &str = "/_console/signed/admin/{*rest}";

/// The part of it that isn't the back office's.
const PREFIX: &str = "/_console/signed";

/// Without GET: a browser doesn't name the origin of a page that only reads.
const METHODS: MethodFilter = MethodFilter::POST.or(MethodFilter::PUT).or(MethodFilter::PATCH);

/// The headers of the page's request that are signed and passed on.
const PASSED: [HeaderName; 3] = [header::HOST, header::CONTENT_TYPE, HeaderName::from_static("idempotency-key")];

/// The back office refuses a body of more than 4 KiB itself. A page that sends much more isn't the console's.
const LIMIT: usize = 64 * 1024;

/// The API, and what requests to its back office are signed with.
#[derive(Clone)]
pub(super) struct Office {
    pub(super) api: Router,
    pub(super) signer: Signer,
    pub(super) clock: Clock,
}

impl Office {
    pub(super) fn into_route(self) -> MethodRouter {
        on(METHODS, for_own_page).with_state(self)
    }

    /// The page's request as the back office takes it.
    fn signed(&self, sent: &Parts, body: Bytes) -> Result<http::Request<Bytes>, Unsignable> {
        let path = sent.uri.path_and_query().and_then(|path| path.as_str().strip_prefix(PREFIX)).unwrap_or_default();
        let mut request = http::Request::builder().method(&sent.method).uri(path).body(body)?;
        for name in PASSED {
            request.headers_mut().extend(sent.headers.get(&name).map(|value| (name.clone(), value.clone())));
        }
        sign(&mut request, &self.signer, self.clock.now())?;
        Ok(request)
    }
}

async fn for_own_page(State(mut office): State<Office>, request: Request) -> Response {
    if !is_of_own_page(request.headers()) {
        let text = "Only the console's own page has its requests signed. Sign yours with the credentials that `latchkey dev` shows.\n";
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    let (sent, body) = request.into_parts();
    let Ok(body) = Limited::new(body, LIMIT).collect().await else {
        return (StatusCode::PAYLOAD_TOO_LARGE, "The body broke off, or it is over 64 KiB.\n").into_response();
    };
    let Ok(request) = office.signed(&sent, body.to_bytes()) else {
        return (StatusCode::BAD_REQUEST, "This request can't be signed.\n").into_response();
    };
    match office.api.call(request.map(Body::from)).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
