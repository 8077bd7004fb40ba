//! Asking before many logins are ended.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use crate::exit::Exit;

/// Nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum NotConfirmed {
    /// Nobody said yes, or there is nobody to ask.
    #[error("nothing was changed; pass --yes to go on without being asked")]
    Declined,
    /// The answer couldn't be read.
    #[error("the answer can't be read: {0}")]
    Unreadable(#[from] io::Error),
}

impl NotConfirmed {
    /// What the command exits with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Declined => Exit::Usage,
            Self::Unreadable(_) => Exit::Failed,
        }
    }
}

/// Asks on the terminal, unless `yes` was said before. Without a terminal the answer is no.
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
    // On standard error: standard output is for what comes of it.
    eprint!("{question} [y/N] ");
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    if matches!(answer.trim(), "y" | "Y" | "yes") { Ok(()) } else { Err(NotConfirmed::Declined) }
}
