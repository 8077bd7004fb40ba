//! An app with tokens of every kind, and the answer that each kind must get.

use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use rand::{RngExt as _, distr::Alphanumeric};

use crate::{
    api::{Api, Pair},
    error::LoadError,
};

/// The kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The access token of a live session.
    Valid,
    /// A refresh of the live session.
    Refresh,
    /// An expired access token of a live login.
    Expired,
    /// A token whose session has been replaced.
    Rotated,
    /// A token whose login has been ended.
    Ended,
    /// A token that was never issued.
    Garbage,
}

impl Kind {
    /// The share of the mix in percent.
    pub const MIX: [(Self, u32); 6] =
        [(Self::Valid, 75), (Self::Refresh, 5), (Self::Expired, 5), (Self::Rotated, 5), (Self::Ended, 5), (Self::Garbage, 5)];

    /// The right answer.
    pub const fn expected(self) -> u16 {
        match self {
            Self::Valid | Self::Refresh => 200,
            Self::Expired | Self::Rotated | Self::Ended | Self::Garbage => 401,
        }
    }
}

/// The result of one request.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    /// The kind of request.
    pub kind: Kind,
    /// The answer's status; 0 if there was none.
    pub status: u16,
    /// From the request to the answer.
    pub took: Duration,
}

/// One app on one device. It sends one request at a time.
pub struct Visitor {
    api: Api,
    live: Pair,
    rotated: String,
    expired: Option<String>,
    ended: String,
}

/// A token is refreshed this long before it expires, so that it never expires in transit.
const BEFORE_EXPIRY: TimeDelta = TimeDelta::seconds(10);

/// Logs many visitors in. With `expired` it waits until each has an expired token.
///
/// # Errors
/// [`LoadError`] if a login fails.
pub async fn many(url: &str, count: usize, expired: bool) -> Result<Vec<Visitor>, LoadError> {
    let mut visitors = Vec::new();
    let mut last = Utc::now();
    for _ in 0..count {
        let api = Api::new(url);
        let (first, ended) = (api.login().await?, api.login().await?);
        api.logout(&ended.access_token).await?;
        let live = api.refresh(&first.refresh_token).await?;
        let old = if expired { Some(api.login().await?) } else { None };
        last = old.as_ref().map_or(last, |old| old.access_token_expires_at);
        let expired = old.map(|old| old.access_token);
        visitors.push(Visitor { api, live, rotated: first.access_token, expired, ended: ended.access_token });
    }
    let wait = (last - Utc::now()).to_std().unwrap_or_default();
    if expired {
        eprintln!("waiting {} s until some tokens have expired", wait.as_secs());
    }
    tokio::time::sleep(wait).await;
    Ok(visitors)
}

impl Visitor {
    /// Sends one request, drawn from the mix.
    pub async fn ask(&mut self) -> Outcome {
        if self.live.access_token_expires_at - Utc::now() < BEFORE_EXPIRY {
            return self.refresh().await;
        }
        let garbage = garbage();
        let (kind, token) = match drawn() {
            Kind::Refresh => return self.refresh().await,
            Kind::Valid => (Kind::Valid, &self.live.access_token),
            Kind::Expired => self.expired.as_ref().map_or((Kind::Garbage, &garbage), |expired| (Kind::Expired, expired)),
            Kind::Rotated => (Kind::Rotated, &self.rotated),
            Kind::Ended => (Kind::Ended, &self.ended),
            Kind::Garbage => (Kind::Garbage, &garbage),
        };
        let begun = Instant::now();
        match self.api.me(token).await {
            Ok((status, took)) => Outcome { kind, status, took },
            Err(_) => Outcome { kind, status: 0, took: begun.elapsed() },
        }
    }

    /// Like a careful app: it keeps the old pair until the new one has arrived, so that a failed refresh can be retried.
    async fn refresh(&mut self) -> Outcome {
        let begun = Instant::now();
        let status = match self.api.refresh(&self.live.refresh_token).await {
            Ok(next) => {
                self.rotated = std::mem::replace(&mut self.live, next).access_token;
                200
            }
            Err(LoadError::Answer { status, .. }) => status,
            Err(_) => 0,
        };
        Outcome { kind: Kind::Refresh, status, took: begun.elapsed() }
    }
}

/// Draws one kind from the mix.
fn drawn() -> Kind {
    let mut drawn = rand::rng().random_range(0..100);
    for (kind, share) in Kind::MIX {
        if drawn < share {
            return kind;
        }
        drawn -= share;
    }
    Kind::Valid
}

/// Text in a token's form that is no token, or text of another form.
fn garbage() -> String {
    let mut rng = rand::rng();
    let form: bool = rng.random();
    let length = if form { 252 } else { 40 };
    let text: String = (0..length).map(|_| char::from(rng.sample(Alphanumeric))).collect();
    if form { format!("lka_{text}") } else { text }
}
