//! A long run under constant load: does the service's memory grow?

use std::time::Duration;

use crate::{
    Size, VISITORS,
    error::LoadError,
    load::{Loop, run},
    server::{Database, Programs, Server},
    tally::Tally,
    visitor,
};

/// The result of a soak.
pub struct Soak {
    /// What it ran on.
    pub database: Database,
    /// The answers to the requests.
    pub tally: Tally,
    /// Resident memory in MiB, after each tenth of the time.
    pub resident: Vec<f64>,
}

/// Requests per second, low enough to leave the machine room to spare.
const PER_SECOND: f64 = 50.0;

/// Runs on `database`; the embedded DynamoDB keeps its data in the measured process.
///
/// # Errors
/// [`LoadError`] if the service doesn't start.
pub async fn soak(programs: &Programs, database: Database, size: Size) -> Result<Soak, LoadError> {
    let server = Server::start(programs, database).await?;
    let visitors = visitor::many(&server.url, VISITORS, size.expired).await?;
    let lasts = size.soak;
    let running = tokio::spawn(async move { run(visitors, Loop::Open { per_second: PER_SECOND }, lasts, "soak").await });
    let mut resident = Vec::new();
    for tenth in 1..=10 {
        tokio::time::sleep(lasts / 10).await;
        resident.push(server.resident_mib()?);
        if lasts > Duration::from_secs(60) {
            eprintln!("soak: {tenth} of 10");
        }
    }
    let (tally, _) = running.await.map_err(|error| LoadError::Setup(error.to_string()))??;
    Ok(Soak { database, tally, resident })
}
