//! The command `latchkey`: wiring.

use std::{io, io::Write as _, process::ExitCode};

use anstyle::{AnsiColor, Style};
use clap::Parser as _;
use latchkey_cli::{
    args::{Command, Latchkey},
    completions, dev, doctor,
    exit::{Exit, ExitWith},
    sessions, smoke, users,
};

/// As clap has it.
const ERROR: Style = AnsiColor::Red.on_default().bold();

#[tokio::main]
async fn main() -> ExitCode {
    let ended = match Latchkey::parse().command.unwrap_or_default() {
        Command::Dev(args) => dev::run(args).await.map_err(failed),
        Command::Completions { shell } => {
            // A reader that has enough is no error: `latchkey completions bash | head`.
            let _enough = io::stdout().write_all(&completions::script(shell));
            Ok(())
        }
        Command::Users { command } => users::run(command).await.map_err(failed),
        Command::Sessions { command } => sessions::run(command).await.map_err(failed),
        Command::Doctor(args) => doctor::run(args).await.map_err(failed),
        Command::Smoke(args) => smoke::run(args).await.map_err(failed),
    };
    ended.map_or_else(ExitCode::from, |()| ExitCode::SUCCESS)
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn failed(error: impl ExitWith) -> Exit {
    anstream::eprintln!("{ERROR}error:{ERROR:#} {error}");
    error.exit()
}
