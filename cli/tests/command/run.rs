//! Runs the command against a test's DynamoDB.

use std::{
    io::Write as _,
    process::{Child, Command, Stdio},
};

use latchkey_tests::database::Database;
use serde_json::Value;

/// What came of it.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Standard output as JSON lines.
    pub(crate) fn json(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Asserts that it refused with this code, saying this, and printing nothing else.
    pub(crate) fn assert_refused(&self, code: i32, says: &str) {
        assert!(self.code == code && self.stderr.contains(says) && self.stdout.is_empty(), "{self:?}");
    }

    /// Asserts that it was done.
    pub(crate) fn assert_done(&self) {
        assert_eq!(self.code, 0, "{self:?}");
    }
}

/// Runs `latchkey` with these arguments, split at blanks, and this on standard input. There is no terminal.
pub(crate) async fn latchkey(database: &Database, arguments: &str, input: &str) -> Ran {
    let mut child = command(database, arguments).spawn().unwrap();
    // A command that refuses early doesn't read it.
    let _unread = child.stdin.take().unwrap().write_all(input.as_bytes());
    output_of(child).await
}

/// Runs `latchkey` with these arguments, which may be empty or have blanks in them.
pub(crate) async fn run(database: &Database, arguments: &[&str]) -> Ran {
    let mut child = command_of(database, arguments.iter().copied()).spawn().unwrap();
    drop(child.stdin.take());
    output_of(child).await
}

/// The command, to be started by hand.
pub(crate) fn command(database: &Database, arguments: &str) -> Command {
    command_of(database, arguments.split_whitespace())
}

fn command_of<'a>(database: &Database, arguments: impl Iterator<Item = &'a str>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey"));
    command
        .args(arguments)
        .args(["--endpoint-url", &database.url])
        .env("SESSIONS_TABLE", database.table("SessionsTable"))
        .env("USERS_TABLE", database.table("UsersTable"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Waits for its end, while the test's DynamoDB goes on answering.
pub(crate) async fn output_of(child: Child) -> Ran {
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Sends a signal to a process. By the shell's own `kill`: the program of that name is not on every machine.
#[cfg(unix)]
pub(crate) fn signal(name: &str, process: u32) {
    assert!(Command::new("sh").args(["-c", &format!("kill {name} {process}")]).status().unwrap().success());
}
