//! Closed and open loops.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use rand::RngExt as _;
use tokio::task::JoinSet;

use crate::{
    error::LoadError,
    tally::Tally,
    visitor::{Outcome, Visitor},
};

/// When the next request is sent.
#[derive(Debug, Clone, Copy)]
pub enum Loop {
    /// After the answer to the previous request.
    Closed,
    /// At random times with this average rate, without waiting for the previous answer. A late answer adds to the time of
    /// the requests that had to wait for it.
    Open {
        /// Requests per second of all visitors together.
        per_second: f64,
    },
}

/// Runs all visitors for this time.
///
/// # Errors
/// [`LoadError::Setup`] if a visitor panics.
pub async fn run(visitors: Vec<Visitor>, how: Loop, lasts: Duration, title: &str) -> Result<(Tally, Vec<Visitor>), LoadError> {
    let each = match how {
        Loop::Closed => None,
        Loop::Open { per_second } => Some(per_second / visitors.len() as f64),
    };
    let begun = Instant::now();
    let mut asking: JoinSet<_> = visitors.into_iter().map(|visitor| ask(visitor, each, begun, lasts)).collect();
    let shown = tokio::spawn(show(title.to_owned(), lasts));
    let (mut tally, mut visitors) = (Tally::new()?, Vec::new());
    while let Some(done) = asking.join_next().await {
        let (visitor, own) = done.map_err(|error| LoadError::Setup(format!("a visitor panicked: {error}")))??;
        tally.add(&own);
        visitors.push(visitor);
    }
    tally.lasted = begun.elapsed();
    shown.abort();
    Ok((tally, visitors))
}

async fn ask(mut visitor: Visitor, per_second: Option<f64>, begun: Instant, lasts: Duration) -> Result<(Visitor, Tally), LoadError> {
    let mut tally = Tally::new()?;
    let mut due = Duration::ZERO;
    while begun.elapsed() < lasts {
        let Some(per_second) = per_second else {
            tally.count(visitor.ask().await);
            continue;
        };
        // Exponential gaps make a Poisson process.
        due += Duration::from_secs_f64(-rand::rng().random_range(f64::MIN_POSITIVE..1.0).ln() / per_second);
        if due >= lasts {
            break;
        }
        tokio::time::sleep(due.saturating_sub(begun.elapsed())).await;
        // The timer counts whole milliseconds and may be late by one. That delay isn't the service's.
        let waited = begun.elapsed().saturating_sub(due);
        let waited = if waited < Duration::from_millis(2) { Duration::ZERO } else { waited };
        let outcome = visitor.ask().await;
        tally.count(Outcome { took: outcome.took + waited, ..outcome });
    }
    Ok((visitor, tally))
}

async fn show(title: String, lasts: Duration) {
    let bar = ProgressBar::new(lasts.as_secs()).with_message(title);
    if let Ok(style) = ProgressStyle::with_template("{msg:24} {bar:32} {elapsed}, {eta} to go") {
        bar.set_style(style);
    }
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        bar.inc(1);
    }
}
