//! A deployed stage, asked over HTTP.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustls::crypto::ring;
use serde_json::Value;

use crate::{client::innermost, loopback::is_loopback};

/// Longer than API Gateway itself waits for a function (29 s).
const PATIENCE: Duration = Duration::from_secs(30);
/// The longest answer is a page of the device list.
const LONGEST_ANSWER: usize = 1 << 20;

pub(crate) struct Api {
    base: String,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

/// What came back. It may hold tokens, hence no `Debug`.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Whether nothing on the way may keep it.
    pub(crate) no_store: bool,
    pub(crate) body: Value,
}

impl Answer {
    /// The problem's code, where it is a problem.
    pub(crate) fn code(&self) -> Option<&str> {
        self.body["code"].as_str()
    }
}

/// Why there is no stage to ask.
#[derive(Debug, thiserror::Error)]
pub enum UrlError {
    #[error("{0:?} is not an https:// URL; the stack's outputs ApiUrl and AdminApiUrl are such")]
    Malformed(String),
    /// A password would cross the network for all to read.
    #[error("{0} is not on this machine, so it has to be an https:// URL")]
    NotEncrypted(String),
    /// No root certificate of this machine could be read.
    #[error("the machine's root certificates can't be read: {0}")]
    Roots(#[from] std::io::Error),
}

#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    /// Refused, unknown, not trusted, cut off.
    #[error("{0}")]
    Failed(String),
    /// Nothing within half a minute.
    #[error("nothing within {} s", PATIENCE.as_secs())]
    TooLate,
}

impl Api {
    pub(crate) fn at(url: &str) -> Result<Self, UrlError> {
        let base = url.trim_end_matches('/').to_owned();
        let parsed = base.parse::<Uri>().ok().filter(|uri| uri.host().is_some() && uri.query().is_none());
        match parsed.as_ref().and_then(Uri::scheme_str) {
            Some("https") => {}
            Some("http") if is_loopback(&base) => {}
            Some("http") => return Err(UrlError::NotEncrypted(base)),
            _ => return Err(UrlError::Malformed(base)),
        }
        let connector = HttpsConnectorBuilder::new().with_provider_and_native_roots(ring::default_provider())?;
        let client = Client::builder(TokioExecutor::new()).build(connector.https_or_http().enable_http1().build());
        Ok(Self { base, client })
    }

    pub(crate) async fn call(&self, method: Method, path: &str, token: Option<&str>, body: Option<&Value>) -> Result<Answer, NoAnswer> {
        let mut request = Request::builder().method(method).uri(self.url(path));
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
        let request = request.body(Full::new(body)).map_err(|error| NoAnswer::Failed(innermost(&error)))?;
        self.send(request).await
    }

    /// The address of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Result<Answer, NoAnswer> {
        let failed = |error: &dyn std::error::Error| NoAnswer::Failed(innermost(error));
        let exchange = async {
            let response = self.client.request(request).await.map_err(|error| failed(&error))?;
            let status = response.status().as_u16();
            let kept = response.headers().get(header::CACHE_CONTROL).is_none_or(|value| value != "no-store");
            let bytes = Limited::new(response.into_body(), LONGEST_ANSWER).collect().await;
            let bytes = bytes.map_err(|error| failed(error.as_ref()))?.to_bytes();
            Ok(Answer { status, no_store: !kept, body: serde_json::from_slice(&bytes).unwrap_or_default() })
        };
        tokio::time::timeout(PATIENCE, exchange).await.unwrap_or(Err(NoAnswer::TooLate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_sent_encrypted_or_not_at_all() {
        for url in ["https://abc.execute-api.eu-central-1.amazonaws.com/v1", "http://127.0.0.1:3000/", "http://localhost:3000"] {
            assert!(Api::at(url).is_ok(), "{url}");
        }
        for url in ["http://abc.example", "http://127.0.0.1.example"] {
            assert!(matches!(Api::at(url), Err(UrlError::NotEncrypted(_))), "{url}");
        }
        for url in ["", "abc", "/v1", "ftp://a", "https://", "https://a/?b=c", "127.0.0.1:3000"] {
            assert!(matches!(Api::at(url), Err(UrlError::Malformed(_))), "{url}");
        }
    }
}
