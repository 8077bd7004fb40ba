//! Prompts on the terminal: before many logins are ended, and for another port.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use crate::exit::{Exit, ExitWith};

/// Why a command wasn't confirmed. Nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum NotConfirmed {
    /// The answer wasn't yes, or there is no terminal.
    #[error("nothing was changed; pass --yes to go on without being asked")]
    Declined,
    /// The answer couldn't be read.
    #[error("the answer can't be read: {0}; pass --yes to go on without being asked")]
    Unreadable(#[from] io::Error),
}

impl ExitWith for NotConfirmed {
    fn exit(&self) -> Exit {
        match self {
            Self::Declined => Exit::Usage,
            Self::Unreadable(_) => Exit::Failed,
        }
    }
}

/// Prompts on the terminal, unless `yes` is set. Without a terminal the answer is no.
///
/// # Errors
/// [`NotConfirmed`].
pub fn confirm(question: &str, yes: bool) -> Result<(), NotConfirmed> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(NotConfirmed::Declined);
    }
    let answer = ask(&format!("{question} [y/N] "))?;
    if matches!(answer.trim(), "y" | "Y" | "yes") { Ok(()) } else { Err(NotConfirmed::Declined) }
}

/// Offers a harmless choice on the terminal. Enter accepts it. Without a terminal it isn't accepted.
#[must_use]
pub fn offer(question: &str) -> bool {
    io::stdin().is_terminal()
        && io::stderr().is_terminal()
        // The end of input doesn't count as Enter.
        && ask(&format!("{question} [Y/n] ")).is_ok_and(|answer| matches!(answer.as_str(), "\n" | "\r\n" | "y\n" | "Y\n" | "yes\n"))
}

/// Prints to standard error, because standard output is for results.
fn ask(question: &str) -> io::Result<String> {
    eprint!("{question}");
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(answer)
}
