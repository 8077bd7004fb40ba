//! Measures Latchkey's release builds against their peers. `bench/run` builds all of them and runs it.

mod args;
mod chart;
mod count;
mod dynamodb;
mod error;
mod goals;
mod measure;
mod process;
mod report;
mod rounds;
mod runtime_api;
mod subject;
mod throttle;
mod warm;

use std::{process::ExitCode, time::Duration};

use bench_work::Work;
use clap::Parser as _;

use args::Args;
use dynamodb::DynamoDb;
use error::{BenchError, While as _};
use measure::Bench;
use rounds::Size;
use subject::Peers;

/// The minimum latency of DynamoDB within a region.
const DYNAMODB_TAKES: Duration = Duration::from_millis(3);

#[tokio::main]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> Result<(), BenchError> {
    let work = Work::new()?;
    let dynamodb = DynamoDb::start(&args.certificates, work.answers.clone()).await?;
    let bench = Bench { dynamodb, delay: DYNAMODB_TAKES };
    let mut subjects = subject::functions(&args.functions, &work, &args.certificates);
    if let (Some(calls), Some(under)) = (args.count, &args.under) {
        return count::count(&bench, &subjects, under, calls).await;
    }
    if let Some(before) = &args.before {
        subjects.push(subject::before(before, &work, &args.certificates));
    }
    if let (Some(rust), Some(node), Some(python)) = (args.rust_peers, args.node_peer, args.python_peer) {
        subjects.extend(subject::peers(&Peers { rust, node, python, certificates: args.certificates.clone() }, &work));
    }
    let size = if args.smoke { Size::SMOKE } else { Size::FULL };
    let figures = rounds::measure(&bench, &subjects, &work, size).await?;
    if args.smoke {
        println!("every function starts and gives the right answers; {} figures", figures.count());
        return Ok(());
    }
    let report = report::report(&subjects, &figures, size);
    println!("{report}");
    if let Some(repository) = &args.repository {
        let docs = repository.join("docs");
        std::fs::write(docs.join("performance.md"), report).during("writing docs/performance.md")?;
        chart::draw(&docs.join("performance.svg"), &figures)?;
    }
    Ok(())
}
