//! Requests to the back office, signed as a client of AWS signs them.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use chrono::{DateTime, Utc};
use latchkey_cli::gateway::{GatewayOptions, Principal};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::service::{Answer, Service, send};

/// Whose signatures the tests' gateway takes.
#[must_use]
pub fn principal() -> Principal {
    Principal::local("AKIDOFTHETESTS", "a secret of the tests")
}

impl Service {
    /// `POST` with a JSON body.
    pub async fn admin(&self, path: &str, body: &Value) -> Answer {
        self.admin_sends(self.request("POST", path).json(body)).await
    }

    /// `PUT` with a JSON body.
    pub async fn admin_puts(&self, path: &str, body: &Value) -> Answer {
        self.admin_sends(self.request("PUT", path).json(body)).await
    }

    /// `POST /admin/logins` with a device id of its own.
    pub async fn issue(&self, user_id: &str) -> Answer {
        let device_id = uuid::Uuid::new_v4().simple().to_string();
        self.admin("/admin/logins", &json!({"user_id": user_id, "device_id": device_id})).await
    }

    /// `POST /admin/introspect`.
    pub async fn introspect(&self, token: &str) -> Answer {
        let form = self.request("POST", "/admin/introspect").header("content-type", "application/x-www-form-urlencoded");
        self.admin_sends(form.body(format!("token={token}"))).await
    }

    /// Signs and sends any request.
    pub async fn admin_sends(&self, request: RequestBuilder) -> Answer {
        send(signed(request, &principal().credentials, self.clock.now())).await
    }
}

/// The request, signed with these credentials at this time.
///
/// # Panics
/// If it can't be signed.
pub fn signed(request: RequestBuilder, credentials: &Credentials, at: DateTime<Utc>) -> RequestBuilder {
    let (client, request) = request.build_split();
    let mut request = request.expect("a request");
    let identity = credentials.clone().into();
    let region = GatewayOptions::default().region;
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(&region)
        .name("execute-api")
        .time(SystemTime::from(at))
        .settings(SigningSettings::default())
        .build()
        .expect("signing parameters")
        .into();
    let headers = request.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().expect("text")));
    let body = request.body().and_then(|body| body.as_bytes()).unwrap_or_default();
    let signable = SignableRequest::new(request.method().as_str(), request.url().as_str(), headers, SignableBody::Bytes(body));
    let (instructions, _) = sign(signable.expect("a request"), &params).expect("a signature").into_parts();
    let (signing, _) = instructions.into_parts();
    for header in signing {
        request.headers_mut().insert(header.name(), header.value().parse().expect("a value"));
    }
    RequestBuilder::from_parts(client, request)
}
