//! A client of the service that behaves like an app.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::json;

use crate::error::LoadError;

/// The answer to a login or a refresh.
#[derive(Debug, Clone, Deserialize)]
pub struct Pair {
    /// The login's id.
    pub login_id: String,
    /// The access token.
    pub access_token: String,
    /// When the access token expires.
    pub access_token_expires_at: DateTime<Utc>,
    /// The refresh token.
    pub refresh_token: String,
}

/// One connection to the service.
#[derive(Debug, Clone)]
pub struct Api {
    http: reqwest::Client,
    url: String,
}

impl Api {
    /// A client of the service at `url`.
    pub fn new(url: &str) -> Self {
        Self { http: reqwest::Client::new(), url: url.to_owned() }
    }

    /// Logs the demo user in.
    ///
    /// # Errors
    /// [`LoadError`] if the answer has no pair.
    pub async fn login(&self) -> Result<Pair, LoadError> {
        let body = json!({"username": "demo", "password": "correct-horse-battery-staple"});
        pair("POST /login", self.http.post(format!("{}/login", self.url)).json(&body)).await
    }

    /// Refreshes a pair.
    ///
    /// # Errors
    /// [`LoadError`] if the answer has no pair.
    pub async fn refresh(&self, token: &str) -> Result<Pair, LoadError> {
        pair("POST /refresh", self.http.post(format!("{}/refresh", self.url)).bearer_auth(token)).await
    }

    /// Calls a protected route and returns the status and the time.
    ///
    /// # Errors
    /// [`LoadError`] if there is no answer.
    pub async fn me(&self, token: &str) -> Result<(u16, Duration), LoadError> {
        let begun = Instant::now();
        let status = status("GET /me", self.http.get(format!("{}/me", self.url)).bearer_auth(token)).await?;
        Ok((status, begun.elapsed()))
    }

    /// Ends a login.
    ///
    /// # Errors
    /// [`LoadError`] if it isn't ended.
    pub async fn logout(&self, token: &str) -> Result<(), LoadError> {
        match status("POST /logout", self.http.post(format!("{}/logout", self.url)).bearer_auth(token)).await? {
            204 => Ok(()),
            status => Err(LoadError::Answer { what: "POST /logout", status }),
        }
    }

    /// Reads the first page of the device list.
    ///
    /// # Errors
    /// [`LoadError`] if there is no list.
    pub async fn list(&self, token: &str) -> Result<(), LoadError> {
        match status("GET /sessions", self.http.get(format!("{}/sessions", self.url)).bearer_auth(token)).await? {
            200 => Ok(()),
            status => Err(LoadError::Answer { what: "GET /sessions", status }),
        }
    }

    /// Ends another login of the token's user.
    ///
    /// # Errors
    /// [`LoadError`] if it isn't ended.
    pub async fn end_one(&self, token: &str, login_id: &str) -> Result<(), LoadError> {
        let what = "DELETE /sessions/{login_id}";
        match status(what, self.http.delete(format!("{}/sessions/{login_id}", self.url)).bearer_auth(token)).await? {
            204 => Ok(()),
            status => Err(LoadError::Answer { what, status }),
        }
    }

    /// Ends all logins of the token's user.
    ///
    /// # Errors
    /// [`LoadError`] if they aren't ended.
    pub async fn logout_everywhere(&self, token: &str) -> Result<(), LoadError> {
        match status("DELETE /sessions", self.http.delete(format!("{}/sessions", self.url)).bearer_auth(token)).await? {
            204 => Ok(()),
            status => Err(LoadError::Answer { what: "DELETE /sessions", status }),
        }
    }
}

async fn status(what: &'static str, request: reqwest::RequestBuilder) -> Result<u16, LoadError> {
    let answer = sent(what, request).await?;
    let status = answer.status().as_u16();
    // Reads the whole body, so that the connection can be reused.
    answer.bytes().await.map_err(|source| LoadError::Http { what, source: Box::new(source) })?;
    Ok(status)
}

async fn pair(what: &'static str, request: reqwest::RequestBuilder) -> Result<Pair, LoadError> {
    let answer = sent(what, request).await?;
    match answer.status().as_u16() {
        200 => answer.json().await.map_err(|source| LoadError::Http { what, source: Box::new(source) }),
        status => Err(LoadError::Answer { what, status }),
    }
}

async fn sent(what: &'static str, request: reqwest::RequestBuilder) -> Result<reqwest::Response, LoadError> {
    request.send().await.map_err(|source| LoadError::Http { what, source: Box::new(source) })
}
