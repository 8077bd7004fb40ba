//! The command `latchkey`: wiring.

use std::{io, io::Write as _, process::ExitCode};

use anstyle::{AnsiColor, Style};
use clap::Parser as _;
use latchkey_cli::{
    args::{Command, Latchkey},
    completions, dev, doctor,
    exit::Exit,
    sessions, smoke, users,
};

/// As clap has it.
const ERROR: Style = AnsiColor::Red.on_default().bold();

#[tokio::main]
async fn main() -> ExitCode {
    let failed = |exit: Exit, message: String| {
        anstream::eprintln!("{ERROR}error:{ERROR:#} {message}");
        ExitCode::from(exit)
    };
    match Latchkey::parse().command.unwrap_or_default() {
        Command::Dev(args) => dev::run(args).await.map_err(|error| failed(Exit::Failed, error.to_string())),
        Command::Completions { shell } => {
            // A reader that has enough is no error: `latchkey completions bash | head`.
            let _enough = io::stdout().write_all(&completions::script(shell));
            Ok(())
        }
        Command::Users { command } => users::run(command).await.map_err(|error| failed(error.exit(), error.to_string())),
        Command::Sessions { command } => sessions::run(command).await.map_err(|error| failed(error.exit(), error.to_string())),
        Command::Doctor(args) => doctor::run(args).await.map_err(|error| failed(error.exit(), error.to_string())),
        Command::Smoke(args) => smoke::run(args).await.map_err(|error| failed(error.exit(), error.to_string())),
    }
    .map_or_else(|code| code, |()| ExitCode::SUCCESS)
}
