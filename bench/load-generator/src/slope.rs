//! Trips to DynamoDB, told from outside: how much longer an answer takes for each millisecond that DynamoDB takes longer.

use std::time::{Duration, Instant};

use crate::{
    api::Api,
    delay::Delayed,
    error::LoadError,
    server::{Database, Programs, Server},
};

/// What DynamoDB takes longer, in milliseconds.
pub const DELAYS: [u64; 3] = [1, 3, 10];

/// Medians in milliseconds at each of [`DELAYS`], and the slope.
#[derive(Debug, Clone)]
pub struct Slope {
    /// What was asked.
    pub what: &'static str,
    /// Medians, in milliseconds.
    pub medians: [f64; 3],
    /// Milliseconds per millisecond, by least squares.
    pub slope: f64,
}

/// Of `GET /me`, before which the authorizer is asked, and of `POST /refresh`.
///
/// # Errors
/// [`LoadError`] where the service doesn't answer.
pub async fn slopes(programs: &Programs, calls: usize) -> Result<[Slope; 2], LoadError> {
    let near = Server::start(programs, Database::Embedded).await?;
    let (mut authorize, mut refresh) = ([0.0; 3], [0.0; 3]);
    for (at, delay) in DELAYS.into_iter().enumerate() {
        eprintln!("DynamoDB further away by {delay} ms");
        let delayed = Delayed::start(&near.dynamodb, Duration::from_millis(delay)).await?;
        let far = near.delayed(programs, &delayed).await?;
        [authorize[at], refresh[at]] = medians(&Api::new(&far.url), calls).await?;
    }
    Ok([Slope::of("authorize (`GET /me`)", authorize), Slope::of("refresh (`POST /refresh`)", refresh)])
}

/// Medians of `GET /me` and `POST /refresh`, one after the other, in milliseconds.
///
/// # Errors
/// [`LoadError`] where the service doesn't answer.
pub async fn medians(api: &Api, calls: usize) -> Result<[f64; 2], LoadError> {
    let mut pair = api.login().await?;
    let (mut authorize, mut refresh) = (Vec::new(), Vec::new());
    for _ in 0..calls {
        let (status, took) = api.me(&pair.access_token).await?;
        if status != 200 {
            return Err(LoadError::Answer { what: "GET /me", status });
        }
        authorize.push(took);
        let begun = Instant::now();
        pair = api.refresh(&pair.refresh_token).await?;
        refresh.push(begun.elapsed());
    }
    api.logout(&pair.access_token).await?;
    Ok([median(authorize), median(refresh)])
}

/// In milliseconds.
pub fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times.get(times.len() / 2).map_or(0.0, |median| median.as_secs_f64() * 1000.0)
}

impl Slope {
    fn of(what: &'static str, medians: [f64; 3]) -> Self {
        let delays = DELAYS.map(|delay| delay as f64);
        let mean = |values: [f64; 3]| values.iter().sum::<f64>() / 3.0;
        let (x, y) = (mean(delays), mean(medians));
        let covariance: f64 = delays.iter().zip(medians).map(|(delay, median)| (delay - x) * (median - y)).sum();
        let variance: f64 = delays.iter().map(|delay| (delay - x).powi(2)).sum();
        Self { what, medians, slope: covariance / variance }
    }
}
