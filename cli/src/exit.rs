//! The command's exit codes.

use std::process::ExitCode;

/// Why the command failed. Scripts depend on the numbers: they don't change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::VariantArray)]
#[repr(u8)]
pub enum Exit {
    /// It failed: DynamoDB, the network, a file. The same command may succeed in a moment.
    Failed = 1,
    /// Wrong arguments, or not confirmed: nothing was done. clap uses the same code.
    Usage = 2,
    /// There is no such user, login or hash.
    NotFound = 3,
    /// Some rows of an import are bad; the others were imported.
    SomeBad = 4,
    /// The name or the id is taken, or two logins share a hash.
    Conflict = 5,
    /// A check failed; the output says which.
    NotAsItShouldBe = 6,
    /// Ctrl-C, as shells have it.
    Interrupted = 130,
}

/// The codes, for `--help`.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  done                              4    bad rows in an import, others done
  1  failed; may succeed in a moment   5    name or id taken, or a hash shared
  2  wrong usage, or not confirmed     6    a check failed; see the output
  3  no such user, login or hash       130  stopped by Ctrl-C";

/// An error that ends the command.
pub trait ExitWith: std::error::Error {
    /// The code that scripts see.
    fn exit(&self) -> Exit;
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use strum::VariantArray as _;

    use super::*;

    #[test]
    fn every_code_is_in_the_help() {
        for exit in Exit::VARIANTS {
            let code = (*exit as u8).to_string();
            assert!(EXIT_CODES.split_whitespace().any(|word| word == code), "{exit:?}");
        }
    }
}
