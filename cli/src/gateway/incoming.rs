//! A request as the gateway reads it, before it asks the authorizer or a function.

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

/// The payload quota of a REST API, bytes
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html>).
pub(super) const BODY_LIMIT: usize = 10 * 1024 * 1024;

/// How many bytes of a body beyond the limit are read and dropped. Without this, a client that is still writing when the answer comes
/// would see a broken connection instead of the 413.
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

/// The gateway's ids of a request.
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

/// Why a request can't be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("the body broke off")]
    BrokeOff,
    #[error("the body exceeds 10 MiB")]
    TooLarge,
}

/// A request, read to its end.
pub(super) struct Incoming {
    pub(super) method: Method,
    /// Still percent-encoded.
    pub(super) path: String,
    /// As it was sent.
    pub(super) query: String,
    /// In the order of [`HeaderMap`], one entry per value, the forwarding headers included.
    pub(super) headers: Vec<(String, String)>,
    /// As they were sent, for a signature.
    pub(super) sent: HeaderMap,
    pub(super) body: Vec<u8>,
    pub(super) protocol: &'static str,
    pub(super) source_ip: IpAddr,
    pub(super) arrived: DateTime<Utc>,
}

impl Incoming {
    pub(super) async fn read(request: Request, arrived: DateTime<Utc>) -> Result<Self, Unreadable> {
        let (parts, body) = request.into_parts();
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let source_ip = peer.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |peer| peer.0.ip().to_canonical());
        Ok(Self {
            body: read_body(body).await?,
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            headers: header_pairs(&parts.headers, source_ip, arrived),
            protocol: match parts.version {
                Version::HTTP_10 => "HTTP/1.0",
                Version::HTTP_2 => "HTTP/2.0",
                _ => "HTTP/1.1",
            },
            method: parts.method,
            sent: parts.headers,
            source_ip,
            arrived,
        })
    }

    /// The header's value. If it was sent several times, the last one, which is the only one that a `TOKEN` authorizer and the event's
    /// `headers` get.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().rev().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub(super) fn domain(&self) -> &str {
        self.header("host").unwrap_or("localhost")
    }

    /// The first label of [`Incoming::domain`].
    pub(super) fn domain_prefix(&self) -> &str {
        self.domain().split(['.', ':']).next().unwrap_or_default()
    }

    /// When it arrived, in the form of Apache's logs, as events carry it.
    pub(super) fn time(&self) -> String {
        self.arrived.format("%d/%b/%Y:%H:%M:%S %z").to_string()
    }

    /// The body as an event carries it, and whether it is Base64. `None` if it is empty.
    ///
    /// Without `BinaryMediaTypes` a REST API passes every body on as text, and a body that isn't UTF-8 arrives broken. Here it arrives as
    /// Base64, so that nothing a test sends is lost.
    pub(super) fn body_in_event(&self) -> (Option<String>, bool) {
        match std::str::from_utf8(&self.body) {
            Ok("") => (None, false),
            Ok(text) => (Some(text.to_owned()), false),
            Err(_) => (Some(BASE64.encode(&self.body)), true),
        }
    }
}

async fn read_body(mut body: Body) -> Result<Vec<u8>, Unreadable> {
    let (mut kept, mut seen) = (BytesMut::new(), 0_usize);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Unreadable::BrokeOff)?;
        let Ok(data) = frame.into_data() else { continue };
        seen += data.len();
        if seen <= BODY_LIMIT {
            kept.extend_from_slice(&data);
        } else if seen > DRAIN_LIMIT {
            break;
        }
    }
    if seen > BODY_LIMIT {
        return Err(Unreadable::TooLarge);
    }
    Ok(kept.to_vec())
}

fn header_pairs(headers: &HeaderMap, source_ip: IpAddr, arrived: DateTime<Utc>) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = headers
        .iter()
        .filter(|(name, _)| !DROPPED.contains(name) && !is_forwarding(name))
        .map(|(name, value)| (event_name(name), text_of(value.as_bytes())))
        .collect();
    let values = |name: &str| headers.get_all(name).iter().map(|value| text_of(value.as_bytes())).collect::<Vec<_>>();

    // Appended, never replaced. A client can send any list, so a reader must not trust its beginning.
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

/// API Gateway passes a client's spelling on, but the HTTP library has already lower-cased it. Headers of the gateway itself have its
/// spelling, so that a handler that expects another spelling fails on the laptop already.
fn event_name(name: &HeaderName) -> String {
    match name.as_str() {
        "authorization" => "Authorization",
        "host" => "Host",
        "user-agent" => "User-Agent",
        other => other,
    }
    .to_owned()
}

/// Reads UTF-8, or else Latin-1 (RFC 9110 §5.5 on `obs-text`), so that no octet is lost or refused here. The authorizer's expression and
/// the handlers judge the value. What AWS does with such values is unknown.
fn text_of(value: &[u8]) -> String {
    match std::str::from_utf8(value) {
        Ok(text) => text.to_owned(),
        Err(_) => value.iter().copied().map(char::from).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
    };

    use bytes::Bytes;
    use futures_util::{StreamExt as _, stream};

    use super::*;

    const MIB: usize = 1024 * 1024;

    /// Reads a body of so many frames of 1 MiB. Returns what came of it, and how many frames were taken.
    async fn read(frames: usize) -> (Result<usize, Unreadable>, usize) {
        let taken = Arc::new(AtomicUsize::new(0));
        let counted = taken.clone();
        let body = stream::iter(0..frames).map(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            Ok::<_, Infallible>(Bytes::from(vec![b'x'; MIB]))
        });
        (read_body(Body::from_stream(body)).await.map(|body| body.len()), taken.load(Ordering::Relaxed))
    }

    #[tokio::test]
    async fn a_body_beyond_the_limit_is_drained_up_to_40_mib() {
        let (whole, _) = read(10).await;
        assert_eq!(whole.unwrap(), BODY_LIMIT);
        for (frames, taken) in [(11, 11), (40, 40), (60, 41)] {
            assert!(matches!(read(frames).await, (Err(Unreadable::TooLarge), read) if read == taken), "{frames} MiB");
        }
    }
}
