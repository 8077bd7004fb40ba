//! What the command's exit code tells scripts.

use std::process::ExitCode;

/// Why the command didn't do all that it was asked to. Scripts depend on the numbers: they don't change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// It failed: DynamoDB, the network, a file. The same command may succeed in a moment.
    Failed = 1,
    /// It was called wrongly, or nobody confirmed it: nothing was done. Also what clap ends with.
    Usage = 2,
    /// There is no such user, login or hash.
    NotFound = 3,
    /// Some rows of an import are bad; the others were imported.
    SomeBad = 4,
    /// What is there is in the way: the name is taken, or two logins share a hash.
    Conflict = 5,
    /// A stage, or its tables, aren't as they should be; what was printed says where.
    NotAsItShouldBe = 6,
    /// Ctrl-C, as shells have it.
    Interrupted = 130,
}

/// The codes, for `--help`.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  done                              4    bad rows in an import, others done
  1  failed; may succeed in a moment   5    the name is taken, or a hash shared
  2  called wrongly or not confirmed   6    not as it should be, as printed
  3  no such user, login or hash       130  stopped by Ctrl-C";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_in_the_help() {
        for exit in [Exit::Failed, Exit::Usage, Exit::NotFound, Exit::SomeBad, Exit::Conflict, Exit::NotAsItShouldBe, Exit::Interrupted] {
            let code = (exit as u8).to_string();
            assert!(EXIT_CODES.split_whitespace().any(|word| word == code), "{exit:?}");
        }
    }
}
