//! The command `latchkey`: wiring.

use std::process::ExitCode;

use clap::Parser as _;
use latchkey_cli::{
    args::{Command, Latchkey},
    dev, doctor,
    exit::Exit,
    sessions, smoke, users,
};

#[tokio::main]
async fn main() -> ExitCode {
    let failed = |exit: Exit, message: String| {
        eprintln!("error: {message}");
        ExitCode::from(exit)
    };
    match Latchkey::parse().command.unwrap_or_default() {
        Command::Dev(args) => dev::run(args).await.map_err(|error| failed(Exit::Failed, error.to_string())),
        Command::Users { command } => users::run(command).await.map_err(|error| failed(error.exit(), error.to_string())),
        Command::Sessions { command } => sessions::run(command).await.map_err(|error| failed(error.exit(), error.to_string())),
        Command::Doctor(args) => doctor::run(args).await.map_err(|error| failed(error.exit(), error.to_string())),
        Command::Smoke(args) => smoke::run(args).await.map_err(|error| failed(error.exit(), error.to_string())),
    }
    .map_or_else(|code| code, |()| ExitCode::SUCCESS)
}
