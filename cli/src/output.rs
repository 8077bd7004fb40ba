//! Standard output, which may go to a pipe that is closed early, or to a disk that is full.

use std::{
    fmt,
    io::{self, ErrorKind, Write as _},
    process,
};

use crate::exit::Exit;

/// Prints a line.
macro_rules! say {
    ($($text:tt)*) => { $crate::output::print(format_args!("{}\n", format_args!($($text)*))) };
}
pub(crate) use say;

/// Prints a line for a walk that goes on without a reader, because it has to remove what it has made.
macro_rules! say_if_heard {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _without_a_reader = writeln!(std::io::stdout(), $($text)*);
    }};
}
pub(crate) use say_if_heard;

/// Prints. If standard output takes no more, the command ends here with exit code 1; without a word if its reader has enough, as `head`
/// has. What was written to DynamoDB stays, and rows in flight may be written too.
pub(crate) fn print(text: impl fmt::Display) {
    if let Err(error) = write!(io::stdout(), "{text}").and_then(|()| io::stdout().flush()) {
        if error.kind() != ErrorKind::BrokenPipe {
            eprintln!("error: standard output can't be written: {error}");
        }
        process::exit(Exit::Failed as i32);
    }
}
