//! The same load for long: whether the service's memory stays where it is.

use std::time::Duration;

use crate::{
    Size, VISITORS,
    error::LoadError,
    load::{Loop, run},
    server::{Database, Programs, Server},
    tally::Tally,
    visitor,
};

/// What a soak amounted to.
pub struct Soak {
    /// How the requests were answered.
    pub tally: Tally,
    /// Resident memory, MiB: after a tenth of the time, after two tenths and so on.
    pub resident: Vec<f64>,
}

/// So many requests per second that the machine has room to spare.
const PER_SECOND: f64 = 50.0;

/// On DynamoDB Local: the embedded DynamoDB keeps its data in the memory that is watched.
///
/// # Errors
/// [`LoadError`] where the service doesn't come up.
pub async fn soak(programs: &Programs, size: Size) -> Result<Soak, LoadError> {
    let server = Server::start(programs, Database::Local).await?;
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
    Ok(Soak { tally, resident })
}
