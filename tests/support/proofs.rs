//! A client's key, and its proofs of possession (RFC 9449).

use std::sync::atomic::{AtomicU32, Ordering};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use latchkey_cli::dev::{DEMO_PASSWORD, DEMO_USER};
use ring::{
    digest::{SHA256, digest},
    signature::{Ed25519KeyPair, KeyPair as _},
};
use serde_json::json;

use crate::service::{Answer, Pair, Service, send};

/// A key on a device.
#[derive(Debug)]
pub struct DeviceKey {
    pair: Ed25519KeyPair,
    proofs: AtomicU32,
}

impl DeviceKey {
    /// The key of this number.
    ///
    /// # Panics
    /// If the library takes no seed.
    #[must_use]
    pub fn of(number: u8) -> Self {
        Self { pair: Ed25519KeyPair::from_seed_unchecked(&[number; 32]).expect("a seed"), proofs: AtomicU32::new(0) }
    }

    fn x(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.pair.public_key())
    }

    /// Its RFC 7638 thumbprint.
    #[must_use]
    pub fn thumbprint(&self) -> String {
        let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, self.x());
        URL_SAFE_NO_PAD.encode(digest(&SHA256, members.as_bytes()))
    }

    /// A new proof for a POST to `url` at `now`.
    #[must_use]
    pub fn prove(&self, url: &str, now: DateTime<Utc>) -> String {
        self.prove_by("POST", url, now)
    }

    /// A new proof for a request by `method` to `url` at `now`.
    #[must_use]
    pub fn prove_by(&self, method: &str, url: &str, now: DateTime<Utc>) -> String {
        let jti = format!("proof-{}", self.proofs.fetch_add(1, Ordering::Relaxed));
        let header = json!({"typ": "dpop+jwt", "alg": "EdDSA", "jwk": {"kty": "OKP", "crv": "Ed25519", "x": self.x()}});
        let claims = json!({"jti": jti, "htm": method, "htu": url, "iat": now.timestamp()});
        let signed = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
        let signature = URL_SAFE_NO_PAD.encode(self.pair.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }
}

/// An app with a key.
#[derive(Debug)]
pub struct App<'a> {
    service: &'a Service,
    /// Its key.
    pub key: DeviceKey,
}

impl<'a> App<'a> {
    /// An app of this service with the key of this number.
    #[must_use]
    pub fn with_key(service: &'a Service, number: u8) -> Self {
        Self { service, key: DeviceKey::of(number) }
    }

    /// The URL of the route as the gateway reports it, whatever the local scheme is.
    ///
    /// # Panics
    /// If the service's URL is another.
    #[must_use]
    pub fn url(&self, route: &str) -> String {
        let host = self.service.url.strip_prefix("http://").expect("HTTP");
        format!("https://{host}/{}{route}", self.service.database.template.stage)
    }

    /// A new proof for the route.
    #[must_use]
    pub fn proof(&self, route: &str) -> String {
        self.key.prove(&self.url(route), self.service.clock.now())
    }

    /// `POST /login` with this proof, or without one.
    pub async fn log_in_with(&self, proof: Option<&str>) -> Answer {
        let request = self.service.request("POST", "/login").json(&json!({"username": DEMO_USER, "password": DEMO_PASSWORD}));
        send(proof.into_iter().fold(request, |request, proof| request.header("DPoP", proof))).await
    }

    /// Logs in with a new proof.
    ///
    /// # Panics
    /// If the login isn't bound to the key.
    pub async fn log_in(&self) -> Pair {
        let answer = self.log_in_with(Some(&self.proof("/login"))).await;
        assert_eq!(answer.body["dpop_jkt"], self.key.thumbprint());
        assert_eq!(answer.body["token_type"], "Bearer");
        Pair::of(&answer)
    }

    /// `POST /refresh` with this proof.
    pub async fn refresh_with(&self, refresh: &str, proof: &str) -> Answer {
        send(self.service.request("POST", "/refresh").bearer_auth(refresh).header("DPoP", proof)).await
    }

    /// `POST /refresh` with a new proof.
    pub async fn refresh(&self, refresh: &str) -> Answer {
        self.refresh_with(refresh, &self.proof("/refresh")).await
    }
}
