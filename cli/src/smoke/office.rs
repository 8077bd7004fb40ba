//! The back office of a stage, asked with signed requests.

use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::Full;
use latchkey::clock::Clock;

use super::api::{Answer, Api, NoAnswer};
use crate::{client::Signer, signature::sign};

pub(crate) struct Office {
    api: Api,
    signer: Signer,
}

/// A body, and its media type.
pub(crate) enum Body {
    Json(serde_json::Value),
    Form(&'static str, String),
}

impl Office {
    pub(crate) fn new(api: Api, signer: Signer) -> Self {
        Self { api, signer }
    }

    /// Sends a signed request.
    pub(crate) async fn post(&self, path: &str, body: Body, idempotency_key: Option<&str>) -> Result<Answer, NoAnswer> {
        let mut request = self.request(path, body, idempotency_key)?;
        sign(&mut request, &self.signer, Clock::system().now()).map_err(|error| NoAnswer::Failed(error.to_string()))?;
        self.api.send(request.map(Full::new)).await
    }

    /// Sends the request without a signature.
    pub(crate) async fn post_unsigned(&self, path: &str, body: Body) -> Result<Answer, NoAnswer> {
        self.api.send(self.request(path, body, None)?.map(Full::new)).await
    }

    fn request(&self, path: &str, body: Body, idempotency_key: Option<&str>) -> Result<Request<Bytes>, NoAnswer> {
        let (media_type, body) = match body {
            Body::Json(value) => ("application/json", value.to_string()),
            Body::Form(name, value) => {
                ("application/x-www-form-urlencoded", form_urlencoded::Serializer::new(String::new()).append_pair(name, &value).finish())
            }
        };
        let mut request = Request::builder().method(Method::POST).uri(self.api.url(path)).header(header::CONTENT_TYPE, media_type);
        if let Some(key) = idempotency_key {
            request = request.header("idempotency-key", key);
        }
        request.body(Bytes::from(body)).map_err(|error| NoAnswer::Failed(error.to_string()))
    }
}
