//! A request as the gateway reads it off the wire, before anybody is asked.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::{
    body::Body,
    extract::{ConnectInfo, Request},
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bytes::BytesMut;
use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderName, Method, Version, header};
use http_body_util::BodyExt as _;
use uuid::Uuid;

use super::response::{Refusal, ResponseType};

/// The payload quota of a REST API, bytes
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html>).
pub(super) const BODY_LIMIT: usize = 10 * 1024 * 1024;

/// How much of a body beyond the limit is read and thrown away, bytes: a client that is still writing when the answer
/// comes sees a broken connection instead of the 413.
const DRAIN_LIMIT: usize = 4 * BODY_LIMIT;

/// Hop-by-hop and framing headers that never reach an integration (as LocalStack's tests against AWS found them).
const DROPPED: [HeaderName; 12] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    HeaderName::from_static("content-md5"),
    header::EXPECT,
    header::MAX_FORWARDS,
    header::PROXY_AUTHENTICATE,
    header::SERVER,
    header::TE,
    header::TRANSFER_ENCODING,
    header::TRAILER,
    header::UPGRADE,
    header::WWW_AUTHENTICATE,
];

/// What the gateway itself says about a request.
pub(super) struct Ids {
    /// `$context.requestId`, `x-amzn-RequestId`.
    pub(super) request: String,
    /// `$context.extendedRequestId`, `x-amz-apigw-id`.
    pub(super) extended: String,
}

impl Ids {
    pub(super) fn random() -> Self {
        let extended = BASE64.encode(&Uuid::new_v4().as_bytes()[..11]);
        Self { request: Uuid::new_v4().to_string(), extended }
    }
}

/// A request, whole.
pub(super) struct Incoming {
    pub(super) method: Method,
    /// Still percent-encoded.
    pub(super) path: String,
    /// Decoded, in order.
    pub(super) query: Vec<(String, String)>,
    /// In the order of [`HeaderMap`], one entry per value, the forwarding headers included.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    pub(super) protocol: &'static str,
    pub(super) source_ip: IpAddr,
    pub(super) arrived: DateTime<Utc>,
}

impl Incoming {
    pub(super) async fn read(request: Request, arrived: DateTime<Utc>) -> Result<Self, Refusal> {
        let (parts, body) = request.into_parts();
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let source_ip = peer.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |peer| peer.0.ip().to_canonical());
        Ok(Self {
            body: read_body(body).await?,
            path: parts.uri.path().to_owned(),
            query: query_pairs(parts.uri.query().unwrap_or_default()),
            headers: header_pairs(&parts.headers, source_ip, arrived),
            protocol: match parts.version {
                Version::HTTP_10 => "HTTP/1.0",
                Version::HTTP_2 => "HTTP/2.0",
                _ => "HTTP/1.1",
            },
            method: parts.method,
            source_ip,
            arrived,
        })
    }

    /// The header's value, the last one where it came more than once: all that a `TOKEN` authorizer and the event's
    /// `headers` get to see.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().rev().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

async fn read_body(mut body: Body) -> Result<Vec<u8>, Refusal> {
    let (mut kept, mut seen) = (BytesMut::new(), 0_usize);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Refusal::new(ResponseType::BadRequestBody, "the body broke off"))?;
        let Ok(data) = frame.into_data() else { continue };
        seen += data.len();
        if seen <= BODY_LIMIT {
            kept.extend_from_slice(&data);
        } else if seen > DRAIN_LIMIT {
            break;
        }
    }
    if seen > BODY_LIMIT {
        return Err(Refusal::new(ResponseType::RequestTooLarge, "the body exceeds 10 MiB"));
    }
    Ok(kept.to_vec())
}

/// A semicolon splits like an ampersand, as API Gateway's notes on REST APIs have it.
fn query_pairs(query: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(query.replace(';', "&").as_bytes()).into_owned().collect()
}

fn header_pairs(headers: &HeaderMap, source_ip: IpAddr, arrived: DateTime<Utc>) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = headers
        .iter()
        .filter(|(name, _)| !DROPPED.contains(name) && !is_forwarding(name))
        .map(|(name, value)| (event_name(name), text_of(value.as_bytes())))
        .collect();
    let values = |name: &str| headers.get_all(name).iter().map(|value| text_of(value.as_bytes())).collect::<Vec<_>>();

    // Appended, never replaced: a client may send any list it likes, which is why nobody may trust its beginning.
    let mut hops = values("x-forwarded-for");
    hops.push(source_ip.to_string());
    pairs.push(("X-Forwarded-For".to_owned(), hops.join(", ")));
    let port = headers.get(header::HOST).and_then(|host| host.to_str().ok()?.rsplit_once(':')?.1.parse::<u16>().ok());
    pairs.push(("X-Forwarded-Port".to_owned(), port.unwrap_or(80).to_string()));
    pairs.push(("X-Forwarded-Proto".to_owned(), "http".to_owned()));
    let trace = values("x-amzn-trace-id").pop().unwrap_or_else(|| new_trace(arrived));
    pairs.push(("X-Amzn-Trace-Id".to_owned(), trace));
    pairs
}

fn is_forwarding(name: &HeaderName) -> bool {
    matches!(name.as_str(), "x-forwarded-for" | "x-forwarded-port" | "x-forwarded-proto" | "x-amzn-trace-id")
}

/// <https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader>
fn new_trace(arrived: DateTime<Utc>) -> String {
    let random = Uuid::new_v4().simple().to_string();
    format!("Root=1-{:08x}-{}", arrived.timestamp(), random.get(..24).unwrap_or_default())
}

/// API Gateway passes a client's spelling on, but the HTTP library has lower-cased it by now. Those that the gateway
/// writes itself come in its spelling, so that a handler that looks for one spelling only fails on the laptop already.
fn event_name(name: &HeaderName) -> String {
    match name.as_str() {
        "authorization" => "Authorization",
        "host" => "Host",
        "user-agent" => "User-Agent",
        other => other,
    }
    .to_owned()
}

/// UTF-8 where it is, else Latin-1 (RFC 9110 §5.5 on what `obs-text` was), so that no octet is lost or refused here: what
/// to make of it is for the authorizer's expression and the handlers to say. What AWS does with such values is unknown.
fn text_of(value: &[u8]) -> String {
    match std::str::from_utf8(value) {
        Ok(text) => text.to_owned(),
        Err(_) => value.iter().copied().map(char::from).collect(),
    }
}
