//! Sign-in by passkey, with a login of Latchkey at its end. The users live in memory here; yours live in your table.

mod office;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;
use webauthn_rs::prelude::{
    Passkey, PasskeyAuthentication, PasskeyRegistration, PublicKeyCredential, RegisterPublicKeyCredential, Webauthn,
};

#[derive(Default)]
struct User {
    id: Uuid,
    passkey: Option<Passkey>,
    registration: Option<PasskeyRegistration>,
    sign_in: Option<PasskeyAuthentication>,
}

#[derive(Clone)]
struct App(Arc<Webauthn>, Arc<Mutex<HashMap<String, User>>>);

#[derive(Deserialize)]
struct Message<C> {
    user: String,
    credential: C,
    device_id: Option<String>,
}

type Answer = Result<Json<Value>, StatusCode>;

pub fn app(webauthn: Webauthn) -> Router {
    Router::new()
        .route("/passkeys/begin", post(begin_registration))
        .route("/passkeys/finish", post(finish_registration))
        .route("/sign-in/begin", post(begin_sign_in))
        .route("/sign-in/finish", post(finish_sign_in))
        .with_state(App(Arc::new(webauthn), Arc::default()))
}

impl App {
    fn user<R>(&self, name: &str, act: impl FnOnce(&mut User) -> Option<R>) -> Result<R, StatusCode> {
        let mut users = self.1.lock().unwrap_or_else(PoisonError::into_inner);
        act(users.entry(name.to_owned()).or_default()).ok_or(StatusCode::UNAUTHORIZED)
    }
}

/// A name gets one passkey here. Before you add another, or take a known name, the user has to be signed in.
async fn begin_registration(State(app): State<App>, Json(message): Json<Message<()>>) -> Answer {
    let id = Uuid::new_v4();
    let (challenge, registration) =
        app.0.start_passkey_registration(id, &message.user, &message.user, None).map_err(|_| StatusCode::BAD_REQUEST)?;
    app.user(&message.user, |user| user.passkey.is_none().then(|| (user.id, user.registration) = (id, Some(registration))))?;
    Ok(Json(json!(challenge)))
}

async fn finish_registration(State(app): State<App>, Json(message): Json<Message<RegisterPublicKeyCredential>>) -> Answer {
    let registration = app.user(&message.user, |user| user.registration.take())?;
    let passkey = app.0.finish_passkey_registration(&message.credential, &registration).map_err(|_| StatusCode::UNAUTHORIZED)?;
    app.user(&message.user, |user| Some(Json(json!({"id": user.passkey.insert(passkey).cred_id()}))))
}

async fn begin_sign_in(State(app): State<App>, Json(message): Json<Message<()>>) -> Answer {
    let challenge = app.user(&message.user, |user| {
        let (challenge, sign_in) = app.0.start_passkey_authentication(std::slice::from_ref(user.passkey.as_ref()?)).ok()?;
        user.sign_in = Some(sign_in);
        Some(challenge)
    })?;
    Ok(Json(json!(challenge)))
}

/// A challenge is good once. The `device_id` is an id that the app made for this device: a repeated call replaces the first one's login.
async fn finish_sign_in(State(app): State<App>, Json(message): Json<Message<PublicKeyCredential>>) -> Answer {
    let device_id = message.device_id.ok_or(StatusCode::BAD_REQUEST)?;
    let sign_in = app.user(&message.user, |user| user.sign_in.take())?;
    let result = app.0.finish_passkey_authentication(&message.credential, &sign_in).map_err(|_| StatusCode::UNAUTHORIZED)?;
    let user_id = app.user(&message.user, |user| {
        user.passkey.as_mut()?.update_credential(&result);
        Some(user.id)
    })?;
    let pair = office::issue(&json!({"user_id": user_id, "device_id": device_id})).await;
    pair.map(Json).map_err(|_| StatusCode::SERVICE_UNAVAILABLE)
}
