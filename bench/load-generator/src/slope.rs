//! Trips to DynamoDB, measured from outside: how much later an answer comes for each millisecond of delay in DynamoDB.

use std::time::{Duration, Instant};

use crate::{
    api::{Api, Pair},
    delay::Delayed,
    error::LoadError,
    server::{Database, Programs, Server},
};

/// The delays in milliseconds.
pub const DELAYS: [u64; 3] = [1, 3, 10];

/// Medians in milliseconds at each of [`DELAYS`], and the slope.
#[derive(Debug, Clone)]
pub struct Slope {
    /// The request.
    pub what: &'static str,
    /// Medians, in milliseconds.
    pub medians: [f64; 3],
    /// Milliseconds per millisecond, by least squares.
    pub slope: f64,
}

/// Measures `GET /me`, which runs the authorizer first, the first use of a pair, and `POST /refresh`. The services take turns, call by
/// call, so that a slowdown of the machine affects each of them.
///
/// # Errors
/// [`LoadError`] if the service doesn't answer.
pub async fn slopes(programs: &Programs, calls: usize) -> Result<[Slope; 3], LoadError> {
    let near = Server::start(programs, Database::Embedded).await?;
    let mut far = Vec::new();
    for delay in DELAYS {
        eprintln!("starting a service with DynamoDB delayed by {delay} ms");
        let delayed = Delayed::start(&near.dynamodb, Duration::from_millis(delay)).await?;
        let server = near.delayed(programs, &delayed).await?;
        let caller = Caller::new(Api::new(&server.url)).await?;
        far.push((server, caller));
    }
    for _ in 0..calls {
        for (_, caller) in &mut far {
            caller.call().await?;
        }
    }
    let (mut authorize, mut first_use, mut refresh) = ([0.0; 3], [0.0; 3], [0.0; 3]);
    for (at, (_, caller)) in far.into_iter().enumerate() {
        [authorize[at], first_use[at], refresh[at]] = caller.medians();
    }
    Ok([
        Slope::of("authorize (`GET /me`)", authorize),
        Slope::of("the first use of a refreshed pair (`GET /me`)", first_use),
        Slope::of("refresh (`POST /refresh`)", refresh),
    ])
}

/// An app that refreshes and calls in turn.
struct Caller {
    api: Api,
    pair: Pair,
    authorize: Vec<Duration>,
    first_use: Vec<Duration>,
    refresh: Vec<Duration>,
}

impl Caller {
    async fn new(api: Api) -> Result<Self, LoadError> {
        let pair = api.login().await?;
        Ok(Self { api, pair, authorize: Vec::new(), first_use: Vec::new(), refresh: Vec::new() })
    }

    async fn call(&mut self) -> Result<(), LoadError> {
        let begun = Instant::now();
        self.pair = self.api.refresh(&self.pair.refresh_token).await?;
        self.refresh.push(begun.elapsed());
        self.first_use.push(self.me().await?);
        self.authorize.push(self.me().await?);
        Ok(())
    }

    async fn me(&self) -> Result<Duration, LoadError> {
        match self.api.me(&self.pair.access_token).await? {
            (200, took) => Ok(took),
            (status, _) => Err(LoadError::Answer { what: "GET /me", status }),
        }
    }

    fn medians(self) -> [f64; 3] {
        [self.authorize, self.first_use, self.refresh].map(median)
    }
}

/// Medians of `GET /me` without first uses, and of `POST /refresh`, in milliseconds.
///
/// # Errors
/// [`LoadError`] if the service doesn't answer.
pub async fn medians(api: &Api, calls: usize) -> Result<[f64; 2], LoadError> {
    let mut caller = Caller::new(api.clone()).await?;
    for _ in 0..calls {
        caller.call().await?;
    }
    api.logout(&caller.pair.access_token).await?;
    let [authorize, _, refresh] = caller.medians();
    Ok([authorize, refresh])
}

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
