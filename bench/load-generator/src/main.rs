//! Measures the whole service under load, on databases that run on a laptop. `bench/load` builds the programs and runs it.

mod api;
mod chart;
mod delay;
mod error;
mod fill;
mod growth;
mod load;
mod logins;
mod machine;
mod report;
mod server;
mod slope;
mod soak;
mod tally;
mod visitor;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::Parser;

use error::LoadError;
use load::{Loop, run};
use server::{Database, Programs, Server};
use tally::Tally;

/// Measures the whole service under load.
#[derive(Debug, Parser)]
struct Args {
    /// The built command `latchkey`.
    #[arg(long)]
    latchkey: PathBuf,
    /// The repository: DynamoDB Local is started from its scripts, and docs/load.md is written there.
    #[arg(long)]
    repository: PathBuf,
    /// Whether it works: a few seconds of each, no report.
    #[arg(long)]
    smoke: bool,
    /// Only the trips to DynamoDB; no report.
    #[arg(long)]
    trips: bool,
    /// Only the times as a user's logins grow; no report.
    #[arg(long)]
    logins: bool,
    /// Only the times as the table grows; no report.
    #[arg(long)]
    growth: bool,
    /// The numbers of sessions in the table, ascending, instead of those of the report.
    #[arg(long, value_delimiter = ',')]
    sessions: Option<Vec<u64>>,
    /// An empty directory, for the data of a growing table.
    #[arg(long)]
    data: PathBuf,
}

/// Durations and counts.
#[derive(Debug, Clone, Copy)]
struct Size {
    load: Duration,
    soak: Duration,
    calls: usize,
    logins: &'static [usize],
    /// Whether the mix includes expired access tokens; the first one expires after a minute.
    expired: bool,
}

const FULL: Size =
    Size { load: Duration::from_secs(30), soak: Duration::from_secs(600), calls: 200, logins: &[1, 100, 1_000], expired: true };
const SMOKE: Size = Size { load: Duration::from_secs(2), soak: Duration::from_secs(3), calls: 10, logins: &[1, 3], expired: false };

/// The numbers of sessions in a growing table.
const SESSIONS: [u64; 4] = [1_000, 10_000, 100_000, 1_000_000];

/// The numbers of concurrent apps.
const VISITORS: usize = 16;

#[tokio::main]
async fn main() -> ExitCode {
    match measure(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(args: Args) -> Result<(), LoadError> {
    let size = if args.smoke { SMOKE } else { FULL };
    let sessions = args.sessions.as_deref().unwrap_or(&SESSIONS);
    if !sessions.is_sorted() {
        return Err(LoadError::Setup("--sessions takes ascending numbers, because sessions are only added".into()));
    }
    let programs = Programs { latchkey: args.latchkey, repository: args.repository };
    if args.trips {
        println!("{}", report::trips(&slope::slopes(&programs, size.calls).await?));
        return Ok(());
    }
    if args.logins {
        println!("{}", logins::table(&logins::by_logins(&programs, size).await?));
        return Ok(());
    }
    if args.growth {
        let points = growth::growth(&programs, &args.data, sessions, size.calls).await?;
        println!("{}", report::growth(&points));
        // The chart goes with the table of docs/load.md.
        return if args.sessions.is_none() { chart::draw(&programs.repository.join("docs/growth.svg"), &points) } else { Ok(()) };
    }
    // Whether it works is asked without DynamoDB Local, which has terms of its own.
    let (databases, soaked) =
        if args.smoke { (&[Database::Embedded][..], Database::Embedded) } else { (&Database::ALL[..], Database::Local) };
    let mut loads = Vec::new();
    for &database in databases {
        let server = Server::start(&programs, database).await?;
        let visitors = visitor::many(&server.url, VISITORS, size.expired).await?;
        let (closed, visitors) = run(visitors, Loop::Closed, size.load, "closed loop").await?;
        let half = closed.per_second() / 2.0;
        let (open, _) = run(visitors, Loop::Open { per_second: half }, size.load, "open loop").await?;
        loads.push((database, closed, open));
    }
    let soak = soak::soak(&programs, soaked, size).await?;
    let slopes = slope::slopes(&programs, size.calls).await?;
    let by_sessions = growth::growth(&programs, &args.data, sessions, size.calls).await?;
    let by_logins = logins::by_logins(&programs, size).await?;
    let report = report::report(&loads, &soak, &slopes, &by_sessions, &by_logins);
    println!("{report}");
    if !args.smoke {
        let docs = programs.repository.join("docs");
        std::fs::write(docs.join("load.md"), report).map_err(|source| LoadError::Io { what: "writing docs/load.md", source })?;
        chart::draw(&docs.join("growth.svg"), &by_sessions)?;
    }
    let tallies: Vec<_> = loads.iter().flat_map(|(_, closed, open)| [closed, open]).chain([&soak.tally]).collect();
    let [wrong, undecided, decided] =
        [Tally::wrong, Tally::undecided, Tally::decided].map(|count| tallies.iter().map(|tally| count(tally)).sum::<u64>());
    match (wrong, undecided, decided) {
        (0, 0, 1..) => Ok(()),
        (0, undecided, decided) => Err(LoadError::Undecided { undecided, decided }),
        (wrong, ..) => Err(LoadError::Wrong(wrong)),
    }
}
