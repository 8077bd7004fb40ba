//! `latchkey sessions import`: a file of sessions that another service issued.
//!
//! Rows are read one by one and imported in batches. Of an imported row only hashes of its tokens stay in memory. Bad rows are reported,
//! and the others are still imported. Importing is idempotent: after an interruption, run the same command again.

mod duplicates;
mod importer;
mod rows;
mod summary;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use chrono::{DateTime, Utc};
use latchkey::{
    clock::Clock,
    entropy::Random,
    import::ImportedSession,
    operations::ImportOutcome,
    store::{Store, StoreError},
};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::{
    args::{ImportArgs, ImportFormat},
    batches::{Done, Report, drive},
    estimate::{self, WarmThroughput, lines_of},
    exit::{Exit, ExitWith},
    output::print,
    progress::FileProgress,
    rows::{BadRow, Counted, FileError},
};

use importer::Sessions;
use rows::{Row, Rows, format_of};
use summary::Summary;

/// How many rows are read ahead.
const READ_AHEAD: usize = 1_024;

/// Why not all of a file was imported. Imported rows stay, and the same command imports the rest.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file can't be read, or isn't a file of sessions.
    #[error("{0}")]
    File(#[from] FileError),
    /// Some rows are bad.
    #[error("bad rows: {0}; the others are done. Mend them, and run the same command again: it passes over what is there")]
    BadRows(u64),
    #[error("bad rows: {0}; nothing was written. Mend them, and run it without --dry-run")]
    BadInDryRun(u64),
    /// DynamoDB failed too often.
    #[error(
        "stopped at line {line}: {cause}; check --region, --profile, --endpoint-url and the name of the table, and run the same command \
         again to go on: it passes over what is there"
    )]
    Store { line: u64, cause: StoreError },
    /// Ctrl-C.
    #[error("stopped; run the same command again to go on: it passes over what is there")]
    Interrupted,
    #[error("stopped: an import panicked")]
    Panicked,
}

impl ExitWith for ImportError {
    fn exit(&self) -> Exit {
        match self {
            Self::File(FileError::Unreadable(_) | FileError::EndlessRow { .. } | FileError::OpenQuote { .. }) => Exit::Failed,
            Self::File(_) => Exit::Usage,
            Self::BadRows(_) | Self::BadInDryRun(_) => Exit::SomeBad,
            Self::Store { .. } | Self::Panicked => Exit::Failed,
            Self::Interrupted => Exit::Interrupted,
        }
    }
}

/// What the first session of a user costs: the register, the login, its session and the alias two units each, and one into each index. A
/// later one also checks the login before it, for two more.
const UNITS_A_ROW: u64 = 10;

/// The table that is imported into.
pub(super) struct Target {
    pub(super) store: Store,
    pub(super) warm: WarmThroughput,
}

/// Imports a file into the table; without one, only checks it.
pub(super) async fn run(target: Option<Target>, args: &ImportArgs) -> Result<(), ImportError> {
    let format = match args.format {
        Some(format) => format,
        None => format_of(&args.file)?,
    };
    let source = Counted::open(&args.file)?;
    let (length, bytes_read) = (source.length, source.count());
    let rows = Rows::of(source, format, args.time_format)?.with_user_ids_as_they_are(args.user_ids_as_they_are);
    if !rows.ignored.is_empty() {
        eprintln!("ignored columns: {}", rows.ignored.join(", "));
    }
    if let (Some(target), Some(lines)) = (&target, lines_of(&args.file, format == ImportFormat::Csv)?) {
        eprintln!("{}", estimate::sentence(lines, UNITS_A_ROW, target.warm));
    }
    let ends_at = args.session_max_lifetime.map(|lifetime| Clock::system().now() + lifetime);
    let mut import = Import { summary: Summary::default(), progress: FileProgress::start(length), bytes_read, json: args.json, ends_at };
    let (sender, receiver) = channel(READ_AHEAD);
    // A detached thread, because Ctrl-C doesn't end a read of standard input.
    thread::spawn(move || read(rows, &sender));
    let ended = match target {
        Some(Target { store, .. }) => {
            drive(receiver, Sessions { store, clock: Clock::system(), random: Random::system() }, &mut import).await
        }
        None => import.check(receiver, Clock::system()).await,
    };
    let Import { summary, progress, .. } = import;
    drop(progress);
    print(summary.render(args.json, args.dry_run));
    ended?;
    match summary.bad {
        0 => Ok(()),
        bad if args.dry_run => Err(ImportError::BadInDryRun(bad)),
        bad => Err(ImportError::BadRows(bad)),
    }
}

/// Reads all rows, until the import stops.
fn read(mut rows: Rows, sender: &Sender<Result<Row, FileError>>) {
    while let Some(row) = rows.next().transpose() {
        let ended = row.is_err();
        if sender.blocking_send(row).is_err() || ended {
            return;
        }
    }
}

struct Import {
    summary: Summary,
    progress: FileProgress,
    bytes_read: Arc<AtomicU64>,
    json: bool,
    ends_at: Option<DateTime<Utc>>,
}

impl Import {
    /// Checks all rows, and writes nothing.
    async fn check(&mut self, mut rows: Receiver<Result<Row, FileError>>, clock: Clock) -> Result<(), ImportError> {
        while let Some(row) = rows.recv().await {
            let row = row?;
            if let Some(session) = self.good(row.line, row.session) {
                let expired = session.refresh_token_expires_at <= clock.now();
                self.count(if expired { ImportOutcome::Expired } else { ImportOutcome::Imported });
            }
        }
        Ok(())
    }

    fn good(&mut self, line: u64, session: Result<ImportedSession, BadRow>) -> Option<ImportedSession> {
        let session = session.map_err(|bad| self.bad(line, &bad)).ok()?;
        self.summary.user(&session.user_id);
        Some(match self.ends_at {
            Some(end) => session.ending_by(end),
            None => session,
        })
    }

    fn count(&mut self, outcome: ImportOutcome) {
        self.summary.count(outcome);
        self.show();
    }

    fn bad(&mut self, line: u64, bad: &BadRow) {
        self.summary.bad += 1;
        self.progress.aside(|| bad.print(line, self.json));
        self.show();
    }

    fn show(&self) {
        self.progress.show(self.bytes_read.load(Ordering::Relaxed), self.summary.rows());
    }
}

impl Report<Sessions> for Import {
    type Row = Row;
    type Error = ImportError;

    fn row(&mut self, Row { line, session }: Row) -> Option<(u64, ImportedSession)> {
        self.good(line, session).map(|session| (line, session))
    }

    /// An item that isn't as Latchkey writes it is in one user's way only.
    fn done(&mut self, Done { line, outcome, .. }: Done<Result<ImportOutcome, StoreError>>) -> Result<(), ImportError> {
        match outcome {
            Ok(outcome) => self.count(outcome),
            Err(StoreError::Item(error)) => self.bad(line, &BadRow::new(format!("the user can't be read: {error}"))),
            Err(cause) => return Err(ImportError::Store { line, cause }),
        }
        Ok(())
    }

    fn say(&self, line: &str) {
        self.progress.aside(|| eprintln!("{line}"));
    }

    fn interrupted() -> ImportError {
        ImportError::Interrupted
    }

    fn panicked() -> ImportError {
        ImportError::Panicked
    }
}
