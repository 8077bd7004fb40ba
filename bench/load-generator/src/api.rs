//! The service, as an app calls it.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::json;

use crate::error::LoadError;

/// What a login or a refresh gives.
#[derive(Debug, Clone, Deserialize)]
pub struct Pair {
    /// For the API.
    pub access_token: String,
    /// When that ends.
    pub access_token_expires_at: DateTime<Utc>,
    /// For the next pair.
    pub refresh_token: String,
}

/// One connection to the service.
#[derive(Debug, Clone)]
pub struct Api {
    http: reqwest::Client,
    url: String,
}

impl Api {
    /// Of the service at `url`.
    pub fn new(url: &str) -> Self {
        Self { http: reqwest::Client::new(), url: url.to_owned() }
    }

    /// Logs the demo user in.
    ///
    /// # Errors
    /// [`LoadError`] where it isn't answered with a pair.
    pub async fn login(&self) -> Result<Pair, LoadError> {
        let body = json!({"username": "demo", "password": "correct-horse-battery-staple"});
        pair("POST /login", self.http.post(format!("{}/login", self.url)).json(&body)).await
    }

    /// Replaces a pair.
    ///
    /// # Errors
    /// [`LoadError`] where it isn't answered with a pair.
    pub async fn refresh(&self, token: &str) -> Result<Pair, LoadError> {
        pair("POST /refresh", self.http.post(format!("{}/refresh", self.url)).bearer_auth(token)).await
    }

    /// Asks a protected route, and gives the status with how long it took.
    ///
    /// # Errors
    /// [`LoadError`] where there is no answer.
    pub async fn me(&self, token: &str) -> Result<(u16, Duration), LoadError> {
        let begun = Instant::now();
        let status = status("GET /me", self.http.get(format!("{}/me", self.url)).bearer_auth(token)).await?;
        Ok((status, begun.elapsed()))
    }

    /// Ends a login.
    ///
    /// # Errors
    /// [`LoadError`] where it isn't ended.
    pub async fn logout(&self, token: &str) -> Result<(), LoadError> {
        match status("POST /logout", self.http.post(format!("{}/logout", self.url)).bearer_auth(token)).await? {
            204 => Ok(()),
            status => Err(LoadError::Answer { what: "POST /logout", status }),
        }
    }

    /// Ends all logins of the token's user.
    ///
    /// # Errors
    /// [`LoadError`] where they aren't ended.
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
    // Read to its end, so that the connection serves again.
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
