//! Warm processes: the time of a call, measured in turns with the other programs.

use std::time::Duration;

use crate::{
    error::BenchError,
    measure::{Bench, Running, median, microseconds, milliseconds},
    process::Footprint,
    subject::Subject,
    throttle::Throttle,
};

/// A process that has answered often enough to be warm, between its turns.
pub struct WarmProcess<'a> {
    subject: &'a Subject,
    running: Running,
    connections: usize,
}

/// The figures of a warm process in one turn.
#[derive(Debug, Clone, Copy)]
pub struct Turn {
    /// Processor time per call, microseconds.
    pub cpu_us: f64,
    /// Median time from event to answer while DynamoDB answers at once, microseconds.
    pub p50_us: f64,
    /// The same with a slower DynamoDB, without the time of its delays.
    pub p50_above_delay_us: f64,
}

/// The final figures of a warm process.
#[derive(Debug, Clone, Copy)]
pub struct Taken {
    /// Peak resident memory, MiB.
    pub rss_mib: f64,
    pub threads: f64,
    /// Connections opened to DynamoDB.
    pub connections: f64,
}

impl Bench {
    /// Starts `subject` and sends it this many events.
    ///
    /// # Errors
    /// [`BenchError`] if the process gives no right answer.
    pub async fn warm<'a>(&self, subject: &'a Subject, calls: usize) -> Result<WarmProcess<'a>, BenchError> {
        let mut running = self.run(subject).await?;
        running.ask(subject, calls).await?;
        Ok(WarmProcess { subject, running, connections: self.dynamodb.take_seen().connections })
    }

    /// Sends this many events to a warm process, and a tenth as many with a slower DynamoDB.
    ///
    /// # Errors
    /// [`BenchError`] if the process gives no right answer.
    pub async fn turn(&self, process: &mut WarmProcess<'_>, calls: usize) -> Result<Turn, BenchError> {
        let WarmProcess { subject, running, connections } = process;
        let before = running.process.cpu()?;
        let at_once = running.ask(subject, calls).await?;
        // Less if a thread has ended, because its time is no longer counted.
        let cpu = running.process.cpu()?.saturating_sub(before);
        *connections += self.dynamodb.take_seen().connections;

        self.dynamodb.set_delay(self.delay);
        let delayed = running.ask(subject, calls.div_ceil(10)).await;
        self.dynamodb.set_delay(Duration::ZERO);
        let delayed = delayed?;
        let seen = self.dynamodb.take_seen();
        *connections += seen.connections;
        let held = seen.held.iter().sum::<Duration>() / u32::try_from(delayed.len()).unwrap_or(u32::MAX);
        Ok(Turn {
            cpu_us: microseconds(cpu) / calls as f64,
            p50_us: median(at_once.into_iter().map(microseconds)),
            p50_above_delay_us: median(delayed.into_iter().map(microseconds)) - microseconds(held),
        })
    }

    /// Starts `subject`, throttles it once it is warm, and returns the median and the 95th percentile of its answers, in
    /// ms.
    ///
    /// # Errors
    /// [`BenchError`] if the process gives no right answer.
    pub async fn held(&self, subject: &Subject, throttle: &Throttle, calls: usize) -> Result<[f64; 2], BenchError> {
        let mut running = self.run(subject).await?;
        running.ask(subject, 3).await?;
        throttle.hold(running.process.pid).map_err(|source| BenchError::Io { what: "throttling a process".into(), source })?;
        let mut times: Vec<f64> = running.ask(subject, calls).await?.into_iter().map(milliseconds).collect();
        running.process.end().await;
        times.sort_by(f64::total_cmp);
        let at = |share: f64| times.get(((times.len() - 1) as f64 * share).round() as usize).copied().unwrap_or(f64::NAN);
        Ok([at(0.5), at(0.95)])
    }
}

impl WarmProcess<'_> {
    ///
    /// # Errors
    /// [`BenchError`] if it has already exited.
    pub async fn end(self) -> Result<Taken, BenchError> {
        let Footprint { rss_mib, threads } = self.running.process.footprint()?;
        self.running.process.end().await;
        Ok(Taken { rss_mib, threads, connections: self.connections as f64 })
    }
}
