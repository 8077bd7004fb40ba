//! The back office of a stage, asked with signed requests.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::Full;
use latchkey::clock::Clock;

use super::api::{Answer, Api, NoAnswer};
use crate::client::Signer;

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
        let Signer { credentials, region } = &self.signer;
        sign_with(credentials, region, &mut request).map_err(|error| NoAnswer::Failed(error.to_string()))?;
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

/// Adds the headers of Signature Version 4. The signer takes `Host` from the URL.
fn sign_with(
    credentials: &Credentials,
    region: &str,
    request: &mut Request<Bytes>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let identity = credentials.clone().into();
    let signing =
        v4::SigningParams::builder().identity(&identity).region(region).name("execute-api").time(SystemTime::from(Clock::system().now()));
    let headers = request.headers().iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let signable = SignableRequest::new("POST", request.uri().to_string(), headers, SignableBody::Bytes(request.body()))?;
    let (signature, _) = sign(signable, &signing.settings(SigningSettings::default()).build()?.into())?.into_parts();
    signature.apply_to_request_http1x(request);
    Ok(())
}
