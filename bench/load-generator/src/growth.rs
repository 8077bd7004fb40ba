//! Request times as the table grows.

use std::{path::Path, time::Instant};

use crate::{
    api::Api,
    error::LoadError,
    fill::DynamoDb,
    server::{Programs, Server},
    slope::{median, medians},
};

/// Medians in milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct Point {
    /// Sessions in the table.
    pub size: u64,
    /// `GET /me`.
    pub authorize: f64,
    /// `POST /refresh`.
    pub refresh: f64,
    /// `POST /login`.
    pub login: f64,
}

/// The number of timed logins: each costs a password hash.
pub const LOGINS: usize = 30;

/// Measures on the embedded DynamoDB, for a user with one login. Its data are files in `data`: the page cache of a database in memory
/// is the whole database, and SQLite walks it at a commit.
///
/// # Errors
/// [`LoadError`] if the service doesn't answer.
pub async fn growth(programs: &Programs, data: &Path, sessions: &[u64], calls: usize) -> Result<Vec<Point>, LoadError> {
    let server = Server::kept(programs, data).await?;
    let (api, dynamodb) = (Api::new(&server.url), DynamoDb::new(&server.dynamodb));
    let first = api.login().await?;
    let sample = dynamodb.sample().await?;
    api.logout_everywhere(&first.access_token).await?;

    let (mut points, mut filled) = (Vec::new(), 0);
    for &sessions in sessions {
        eprintln!("growing the table to {sessions} sessions");
        dynamodb.fill(&sample, sessions - filled).await?;
        filled = sessions;
        points.push(point(&api, sessions, calls).await?);
    }
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
