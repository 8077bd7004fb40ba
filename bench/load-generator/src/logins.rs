//! Request times as a user's logins grow.

use std::time::{Duration, Instant};

use crate::{
    Size,
    api::Api,
    error::LoadError,
    growth::LOGINS,
    server::{Database, Programs, Server},
    slope::{median, medians},
};

/// Medians in milliseconds, with so many logins of the user.
#[derive(Debug, Clone, Copy)]
pub struct Point {
    /// The user's logins. The measured one is an additional one.
    pub logins: usize,
    /// `GET /me`.
    pub authorize: f64,
    /// `POST /refresh`.
    pub refresh: f64,
    /// `POST /login`. It hashes a password.
    pub login: f64,
    /// The first page of `GET /sessions`.
    pub list: f64,
    /// `DELETE /sessions/{login_id}`.
    pub end_one: f64,
}

/// Measures on the embedded DynamoDB.
///
/// # Errors
/// [`LoadError`] if the service doesn't answer.
pub async fn by_logins(programs: &Programs, size: Size) -> Result<Vec<Point>, LoadError> {
    let server = Server::start(programs, Database::Embedded).await?;
    let api = Api::new(&server.url);
    let (mut points, mut made) = (Vec::new(), 0);
    for &logins in size.logins {
        eprintln!("growing the user to {logins} logins");
        // Each costs a password hash.
        for _ in made..logins {
            api.login().await?;
        }
        made = logins;
        points.push(point(&api, logins, size.calls).await?);
    }
    Ok(points)
}

async fn point(api: &Api, logins: usize, calls: usize) -> Result<Point, LoadError> {
    let [authorize, refresh] = medians(api, calls).await?;
    let own = api.login().await?;
    let (mut login, mut list, mut end_one) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..LOGINS.min(calls) {
        let other = timed(&mut login, api.login()).await?;
        timed(&mut list, api.list(&own.access_token)).await?;
        timed(&mut end_one, api.end_one(&own.access_token, &other.login_id)).await?;
    }
    api.logout(&own.access_token).await?;
    let [login, list, end_one] = [login, list, end_one].map(median);
    Ok(Point { logins, authorize, refresh, login, list, end_one })
}

async fn timed<T>(times: &mut Vec<Duration>, call: impl Future<Output = Result<T, LoadError>>) -> Result<T, LoadError> {
    let begun = Instant::now();
    let answer = call.await?;
    times.push(begun.elapsed());
    Ok(answer)
}

/// The table, with the ratio of the last row to the first.
pub fn table(points: &[Point]) -> String {
    let times = |point: &Point| [point.authorize, point.refresh, point.login, point.list, point.end_one];
    let row = |name: String, times: [f64; 5]| format!("| {name} | {} |\n", times.map(|time| format!("{time:.2}")).join(" | "));
    let rows: String = points.iter().map(|point| row(point.logins.to_string(), times(point))).collect();
    let ratio = match points {
        [first, .., last] => {
            let mut ratios = times(last);
            ratios.iter_mut().zip(times(first)).for_each(|(ratio, first)| *ratio /= first);
            row(format!("{} : {}", last.logins, first.logins), ratios)
        }
        _ => String::new(),
    };
    format!("| logins of the user | authorize | refresh | login | list | end one |\n|--:|--:|--:|--:|--:|--:|\n{rows}{ratio}")
}
