//! The prompt for a new password.

use std::io::{self, BufRead as _, IsTerminal as _};

/// Why no password was read.
#[derive(Debug, thiserror::Error)]
pub enum NoPassword {
    /// The two entries differ.
    #[error("the two passwords differ; try again")]
    Differ,
    /// No terminal to ask on.
    #[error("there is no terminal to ask for the password on; hand it in with --password-stdin")]
    NoTerminal,
    /// It couldn't be read.
    #[error("the password can't be read: {0}; hand it in with --password-stdin")]
    Unreadable(#[from] io::Error),
}

/// Prompts for it twice, or reads one line of standard input.
///
/// # Errors
/// [`NoPassword`].
pub(crate) fn read_password(from_stdin: bool) -> Result<String, NoPassword> {
    if from_stdin {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line)?;
        let password = line.strip_suffix('\n').map_or(line.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
        return Ok(password.to_owned());
    }
    if !io::stdin().is_terminal() {
        return Err(NoPassword::NoTerminal);
    }
    let password = rpassword::prompt_password("Password: ")?;
    if rpassword::prompt_password("Again: ")? == password { Ok(password) } else { Err(NoPassword::Differ) }
}
