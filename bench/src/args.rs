//! The command line. `bench/run` passes the arguments.

use std::path::PathBuf;

use clap::Parser;

/// Measures Latchkey's functions against their peers.
#[derive(Debug, Parser)]
pub struct Args {
    /// The directory of the built functions.
    #[arg(long)]
    pub functions: PathBuf,
    /// The directory that bench/certificates made.
    #[arg(long)]
    pub certificates: PathBuf,
    /// Two starts of each function and a few warm calls: whether it works, no figures.
    #[arg(long)]
    pub smoke: bool,
    /// Sends the authorizer and the refresh this many events, each under the program of `--under`, which reports what it counted.
    #[arg(long, requires = "under", value_name = "CALLS")]
    pub count: Option<usize>,
    /// A program with arguments that runs another one and counts what it does.
    #[arg(long, requires = "count", value_name = "COMMAND")]
    pub under: Option<String>,
    /// The directory of the built Rust peers.
    #[arg(long, required_unless_present_any = ["smoke", "count"])]
    pub rust_peers: Option<PathBuf>,
    /// The bundle of the Node peer.
    #[arg(long, required_unless_present_any = ["smoke", "count"])]
    pub node_peer: Option<PathBuf>,
    /// The virtual environment of the Python peer.
    #[arg(long, required_unless_present_any = ["smoke", "count"])]
    pub python_peer: Option<PathBuf>,
    /// The authorizer of an earlier build, to be measured beside this one.
    #[arg(long, value_name = "FILE")]
    pub before: Option<PathBuf>,
    /// The repository: docs/performance.md and docs/performance.svg are written there.
    #[arg(long, required_unless_present_any = ["smoke", "count"])]
    pub repository: Option<PathBuf>,
}
