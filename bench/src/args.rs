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
    /// The directory of the built Rust peers.
    #[arg(long, required_unless_present = "smoke")]
    pub rust_peers: Option<PathBuf>,
    /// The bundle of the Node peer.
    #[arg(long, required_unless_present = "smoke")]
    pub node_peer: Option<PathBuf>,
    /// The virtual environment of the Python peer.
    #[arg(long, required_unless_present = "smoke")]
    pub python_peer: Option<PathBuf>,
    /// The repository: docs/performance.md and docs/performance.svg are written there.
    #[arg(long, required_unless_present = "smoke")]
    pub repository: Option<PathBuf>,
}
