//! Request times as the table grows, and as a user's logins grow.

use std::time::Instant;

use crate::{
    Size,
    api::Api,
    error::LoadError,
    fill::DynamoDb,
    server::{Database, Programs, Server},
    slope::{median, medians},
};

/// Medians in milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct Point {
    /// Sessions in the table, or logins of the user.
    pub size: u64,
    /// `GET /me`.
    pub authorize: f64,
    /// `POST /refresh`.
    pub refresh: f64,
    /// `POST /login`.
    pub login: f64,
}

pub struct Growth {
    /// By sessions in the table, for a user with one login.
    pub by_sessions: Vec<Point>,
    /// By logins of the user, in the smallest table.
    pub by_logins: Vec<Point>,
}

/// The number of timed logins: each costs a password hash.
const LOGINS: usize = 30;

/// Measures both on the embedded DynamoDB.
///
/// # Errors
/// [`LoadError`] if the service doesn't answer.
pub async fn growth(programs: &Programs, size: Size) -> Result<Growth, LoadError> {
    let server = Server::start(programs, Database::Embedded).await?;
    let (api, dynamodb) = (Api::new(&server.url), DynamoDb::new(&server.dynamodb));
    let first = api.login().await?;
    let sample = dynamodb.sample().await?;
    api.logout_everywhere(&first.access_token).await?;

    let (mut by_sessions, mut by_logins, mut filled) = (Vec::new(), Vec::new(), 0);
    for &sessions in size.sessions {
        eprintln!("growing the table to {sessions} sessions");
        dynamodb.fill(&sample, sessions - filled).await?;
        filled = sessions;
        by_sessions.push(point(&api, sessions, size.calls).await?);
        if by_logins.is_empty() {
            by_logins = grow_logins(&api, size).await?;
        }
    }
    Ok(Growth { by_sessions, by_logins })
}

async fn grow_logins(api: &Api, size: Size) -> Result<Vec<Point>, LoadError> {
    let (mut points, mut logins) = (Vec::new(), 0);
    for &wanted in size.logins {
        // The measured login is an additional one.
        for _ in logins..wanted - 1 {
            api.login().await?;
        }
        logins = wanted - 1;
        points.push(point(api, wanted as u64, size.calls).await?);
    }
    let last = api.login().await?;
    api.logout_everywhere(&last.access_token).await?;
    Ok(points)
}

async fn point(api: &Api, size: u64, calls: usize) -> Result<Point, LoadError> {
    let [authorize, refresh] = medians(api, calls).await?;
    let mut login = Vec::new();
    for _ in 0..LOGINS.min(calls) {
        let begun = Instant::now();
        let pair = api.login().await?;
        login.push(begun.elapsed());
        api.logout(&pair.access_token).await?;
    }
    Ok(Point { size, authorize, refresh, login: median(login) })
}
