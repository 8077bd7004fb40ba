//! The command `latchkey`: wiring.

use std::process::ExitCode;

use clap::Parser as _;
use latchkey_cli::{
    args::{Command, Latchkey},
    dev, sessions, users,
};

#[tokio::main]
async fn main() -> ExitCode {
    let result = match Latchkey::parse().command.unwrap_or_default() {
        Command::Dev(args) => dev::run(args).await.map_err(|error| error.to_string()),
        Command::Users { command } => users::run(command).await.map_err(|error| error.to_string()),
        Command::Sessions { command } => sessions::run(command).await.map_err(|error| error.to_string()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}
