//! A passkey of a software authenticator, from registration to a login of Latchkey. `scripts/examples` runs it beside `latchkey dev`.

#![expect(clippy::unwrap_used, reason = "in a test it is a failure, as it should be")]

use passkey::{
    authenticator::{Authenticator, UiHint, UserCheck, UserValidationMethod},
    client::{Client, DefaultClientData},
    crypto::rust_crypto::RustCryptoBackend,
    types::{
        Passkey,
        ctap2::{Aaguid, Ctap2Error},
    },
};
use serde_json::{Value, json};
use url::Url;
use webauthn_rs::WebauthnBuilder;

const ORIGIN: &str = "https://app.example.com";

/// A user who touches the sensor whenever it asks.
struct Finger;

#[async_trait::async_trait]
impl UserValidationMethod for Finger {
    type PasskeyItem = Passkey;

    async fn check_user<'a>(&self, _: UiHint<'a, Passkey>, presence: bool, verification: bool) -> Result<UserCheck, Ctap2Error> {
        Ok(UserCheck { presence, verification })
    }

    fn is_presence_enabled(&self) -> bool {
        true
    }

    fn is_verification_enabled(&self) -> Option<bool> {
        Some(true)
    }
}

async fn serve() -> String {
    let webauthn = WebauthnBuilder::new("example.com", &Url::parse(ORIGIN).unwrap()).unwrap().allow_subdomains(true).build().unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, sign_in_by_passkey::app(webauthn)).await });
    url
}

async fn post(url: &str, path: &str, body: Value) -> (u16, Value) {
    let answer = reqwest::Client::new().post(format!("{url}{path}")).json(&body).send().await.unwrap();
    let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

#[tokio::test]
async fn a_passkey_ends_in_a_login() {
    rustls::crypto::ring::default_provider().install_default().unwrap();
    let (url, origin) = (serve().await, Url::parse(ORIGIN).unwrap());
    let mut client = Client::new(Authenticator::new(Aaguid::new_empty(), None::<Passkey>, Finger, RustCryptoBackend));
    let ada = |credential: Value| json!({"user": "ada", "credential": credential, "device_id": "adas-phone"});

    assert_eq!(post(&url, "/sign-in/begin", ada(Value::Null)).await.0, 401, "no passkey yet");
    let (_, challenge) = post(&url, "/passkeys/begin", ada(Value::Null)).await;
    let created = client.register(&origin, serde_json::from_value(challenge).unwrap(), DefaultClientData).await.unwrap();
    let finished = post(&url, "/passkeys/finish", ada(json!(created))).await;
    assert_eq!(finished.0, 200, "{finished:?}");
    assert_eq!(post(&url, "/passkeys/begin", ada(Value::Null)).await.0, 401, "the name has a passkey");

    let (_, challenge) = post(&url, "/sign-in/begin", ada(Value::Null)).await;
    let signed = client.authenticate(&origin, serde_json::from_value(challenge.clone()).unwrap(), DefaultClientData).await.unwrap();
    let (status, pair) = post(&url, "/sign-in/finish", ada(json!(signed))).await;
    assert_eq!(status, 200, "{pair}");
    assert_eq!(post(&url, "/sign-in/finish", ada(json!(signed))).await.0, 401, "a challenge is good once");
    post(&url, "/sign-in/begin", ada(Value::Null)).await;
    assert_eq!(post(&url, "/sign-in/finish", ada(json!(signed))).await.0, 401, "an answer to another challenge");

    // The login works like any other.
    let latchkey = std::env::var("ADMIN_API").unwrap();
    let me = reqwest::Client::new().get(format!("{latchkey}/me")).bearer_auth(pair["access_token"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(me.status(), 200);
    assert_eq!(me.json::<Value>().await.unwrap()["user_id"], pair["user_id"]);
    let refreshed = reqwest::Client::new().post(format!("{latchkey}/refresh")).bearer_auth(pair["refresh_token"].as_str().unwrap());
    assert_eq!(refreshed.send().await.unwrap().status(), 200);
}
