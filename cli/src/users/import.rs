//! `latchkey users import`: users of another system with their ids and password hashes.
//!
//! The whole file is read before anything is written, because two rows of one name make both of them bad. Users are written in batches.
//! Importing is idempotent, and never sets a password back: after an interruption, run the same command again.

mod auth0;
mod conflicts;
mod document;
mod entry;
mod file;
mod firebase;
mod importer;
mod keycloak;
mod settings;
mod summary;
mod table_rows;

use std::{path::Path, thread};

use latchkey::{
    clock::Clock,
    entropy::{NoEntropy, Random},
    operations::UserImported,
    password::{Costs, Hashing, HashingError},
    store::{Accounts, StoreError},
};
use serde_json::json;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::{
    args::{ImportUsersArgs, UsersFormat},
    batches::{Done, Report, drive},
    estimate::{self, WarmThroughput},
    exit::{Exit, ExitWith},
    output::{print, say},
    progress::FileProgress,
    rows::{BadRow, FileError, ending},
};

use entry::{Entered, Entry, Unusable};
use file::Checked;
use importer::{Imported, NotImported, People};
use settings::Settings;
use summary::Summary;

/// How many rows are read ahead.
const READ_AHEAD: usize = 1_024;
/// What a user costs: the user, the register and the check of names that look alike, two units each.
const UNITS_A_ROW: u64 = 6;

/// Why not all of a file was imported. Imported users stay, and the same command imports the rest.
#[derive(Debug, thiserror::Error)]
pub enum ImportUsersError {
    /// The file can't be read, or isn't a file of users.
    #[error("{0}")]
    File(#[from] FileError),
    /// Some rows are bad.
    #[error("bad rows: {0}; the others are done. Mend them, and run the same command again: it passes over what is there")]
    BadRows(u64),
    #[error("bad rows: {0}; nothing was written. Mend them, and run it without --dry-run")]
    BadInDryRun(u64),
    /// DynamoDB failed too often.
    #[error(
        "stopped at line {line}: {cause}; check --region, --profile, --endpoint-url and the names of the tables, and run the same command \
         again to go on: it passes over what is there"
    )]
    Store { line: u64, cause: StoreError },
    /// A hash couldn't be wrapped.
    #[error("stopped at line {line}: {cause}; run the same command again to go on")]
    Hash { line: u64, cause: HashingError },
    /// There was no randomness for a user's id.
    #[error("{0}; try again")]
    Entropy(#[from] NoEntropy),
    /// Ctrl-C.
    #[error("stopped; run the same command again to go on: it passes over what is there")]
    Interrupted,
    #[error("stopped: an import panicked")]
    Panicked,
}

impl ExitWith for ImportUsersError {
    fn exit(&self) -> Exit {
        match self {
            Self::File(FileError::Unreadable(_) | FileError::EndlessRow { .. } | FileError::OpenQuote { .. }) => Exit::Failed,
            Self::File(_) => Exit::Usage,
            Self::BadRows(_) | Self::BadInDryRun(_) => Exit::SomeBad,
            Self::Store { .. } | Self::Hash { .. } | Self::Entropy(_) | Self::Panicked => Exit::Failed,
            Self::Interrupted => Exit::Interrupted,
        }
    }
}

/// The tables that are imported into.
pub(super) struct Target {
    pub(super) accounts: Accounts,
    pub(super) warm: WarmThroughput,
}

/// Imports a file; without tables, only checks it.
pub(super) async fn run(target: Option<Target>, args: &ImportUsersArgs) -> Result<(), ImportUsersError> {
    let settings = Settings::read(args)?;
    let format = args.format.or_else(|| format_of(&args.file)).ok_or(FileError::UnknownFormat)?;
    let users = file::check(args, format, settings)?;
    if format == UsersFormat::Cognito {
        eprintln!("Cognito exports no password hashes: these users can't log in until `latchkey users set-password` gives them a password");
    }
    let rows = users.rows as u64;
    if let Some(target) = &target {
        eprintln!("{}", estimate::sentence(rows, UNITS_A_ROW, target.warm));
    }
    let mut import = Import { summary: Summary::default(), progress: FileProgress::start(Some(rows)), json: args.json };
    let (sender, receiver) = channel(READ_AHEAD);
    // A detached thread, because nothing ends a read.
    thread::spawn(move || read(users, &sender));
    let ended = match target {
        Some(Target { accounts, .. }) => {
            let random = Random::system();
            let people = People { accounts, clock: Clock::system(), hashing: Hashing::new(Costs::CURRENT, random.clone()), random };
            drive(receiver, people, &mut import).await
        }
        None => import.check(receiver).await,
    };
    let Import { summary, progress, .. } = import;
    drop(progress);
    print(summary.render(args.json, args.dry_run));
    ended?;
    match summary.bad {
        0 => Ok(()),
        bad if args.dry_run => Err(ImportUsersError::BadInDryRun(bad)),
        bad => Err(ImportUsersError::BadRows(bad)),
    }
}

/// Reads all rows, until the import stops.
fn read(users: Checked, sender: &Sender<Result<Entry, FileError>>) {
    for row in users {
        let ended = row.is_err();
        if sender.blocking_send(row).is_err() || ended {
            return;
        }
    }
}

/// The format, by the end of the file's name. `.json` may be any of three.
fn format_of(file: &Path) -> Option<UsersFormat> {
    match ending(file).as_deref() {
        Some("csv") => Some(UsersFormat::Csv),
        Some("jsonl" | "ndjson") => Some(UsersFormat::Jsonl),
        // What DynamoDB exports to S3 is named so, and has one item per line.
        Some("json") if file.extension().is_some_and(|gz| gz.eq_ignore_ascii_case("gz")) => Some(UsersFormat::Jsonl),
        _ => None,
    }
}

struct Import {
    summary: Summary,
    progress: FileProgress,
    json: bool,
}

impl Import {
    /// Checks all rows, and writes nothing.
    async fn check(&mut self, mut rows: Receiver<Result<Entry, FileError>>) -> Result<(), ImportUsersError> {
        while let Some(row) = rows.recv().await {
            let _good = self.row(row?);
        }
        Ok(())
    }

    fn bad(&mut self, line: u64, bad: &BadRow) {
        self.summary.bad += 1;
        self.progress.aside(|| bad.print(line, self.json));
    }

    /// About a row that isn't bad.
    fn note(&self, line: u64, what: &str) {
        self.progress.aside(|| {
            if self.json {
                say!("{}", json!({"line": line, "note": what}));
            } else {
                eprintln!("line {line}: {what}");
            }
        });
    }
}

impl Report<People> for Import {
    type Row = Entry;
    type Error = ImportUsersError;

    fn row(&mut self, Entry { line, user }: Entry) -> Option<(u64, Entered)> {
        match user {
            Ok(user) => {
                self.summary.user(&user);
                return Some((line, user));
            }
            Err(Unusable::Bad(bad)) => self.bad(line, &bad),
            Err(Unusable::Skipped(why)) => {
                self.summary.skipped += 1;
                self.note(line, &format!("skipped: {why}"));
            }
        }
        None
    }

    fn done(&mut self, Done { line, outcome: Imported { username, outcome }, .. }: Done<Imported>) -> Result<(), ImportUsersError> {
        match outcome {
            Ok(outcome) => {
                self.summary.count(outcome);
                if let UserImported::LeftAlone(why) = outcome {
                    self.note(line, &format!("left alone: {username} {}", <&str>::from(why)));
                }
            }
            // An item that isn't as Latchkey writes it is in one user's way only.
            Err(NotImported::Store(StoreError::Item(error))) => {
                self.bad(line, &BadRow::new(format!("the user can't be read: {error}")));
            }
            Err(NotImported::Store(cause)) => return Err(ImportUsersError::Store { line, cause }),
            Err(NotImported::Hash(cause)) => return Err(ImportUsersError::Hash { line, cause }),
            Err(NotImported::Entropy(cause)) => return Err(cause.into()),
        }
        self.progress.show(self.summary.done(), self.summary.done());
        Ok(())
    }

    fn say(&self, line: &str) {
        self.progress.aside(|| eprintln!("{line}"));
    }

    fn interrupted() -> ImportUsersError {
        ImportUsersError::Interrupted
    }

    fn panicked() -> ImportUsersError {
        ImportUsersError::Panicked
    }
}
