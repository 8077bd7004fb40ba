//! `latchkey users import`: users of another system with their ids and password hashes.
//!
//! The whole file is read before anything is written, because two rows of one name make both of them bad. Users are written in parallel.
//! Importing is idempotent, and never sets a password back: after an interruption, run the same command again.

mod auth0;
mod conflicts;
mod document;
mod entry;
mod firebase;
mod keycloak;
mod settings;
mod summary;
mod table_rows;

use std::{path::Path, sync::atomic::Ordering};

use latchkey::{
    clock::Clock,
    entropy::{NoEntropy, Random},
    ids::LoginId,
    model::{User, UserStatus},
    operations::{UserImported, import_user},
    password::{ForeignHash, Hashing, HashingError, PasswordHash},
    store::{Accounts, StoreError},
    username::Username,
};
use serde_json::json;
use tokio::{signal::ctrl_c, task::JoinSet};

use crate::{
    args::{ImportUsersArgs, UsersFormat},
    exit::{Exit, ExitWith},
    patiently::patiently,
    progress::FileProgress,
    rows::{BadRow, Counted, FileError, ending},
};

use entry::{Entered, Entry, Unusable};
use settings::Settings;
use summary::Summary;

/// How many users are written at once.
const SIDE_BY_SIDE: usize = 16;

/// Why not all of a file was imported. Imported users stay, and the same command imports the rest.
#[derive(Debug, thiserror::Error)]
pub enum ImportUsersError {
    /// The file can't be read, or isn't a file of users.
    #[error("{0}")]
    File(#[from] FileError),
    /// Some rows are bad.
    #[error("bad rows: {0}; the others are done. Mend them, and run the same command again: it passes over what is there")]
    BadRows(u64),
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
            Self::File(FileError::Unreadable(_) | FileError::EndlessRow { .. }) => Exit::Failed,
            Self::File(_) => Exit::Usage,
            Self::BadRows(_) => Exit::SomeBad,
            Self::Store { .. } | Self::Hash { .. } | Self::Entropy(_) | Self::Panicked => Exit::Failed,
            Self::Interrupted => Exit::Interrupted,
        }
    }
}

/// Imports a file; without tables, only checks it.
pub(super) async fn run(accounts: Option<Accounts>, args: &ImportUsersArgs) -> Result<(), ImportUsersError> {
    let settings = Settings::read(args)?;
    let format = args.format.or_else(|| format_of(&args.file)).ok_or(FileError::UnknownFormat)?;
    let entries = read(args, format, &settings)?;
    if format == UsersFormat::Cognito {
        eprintln!("Cognito exports no password hashes: these users can't log in until `latchkey users set-password` gives them a password");
    }
    let mut import = Import { summary: Summary::default(), progress: FileProgress::start(Some(entries.len() as u64)), json: args.json };
    let mut good = Vec::new();
    for Entry { line, user } in conflicts::marked(entries) {
        match user {
            Ok(user) => {
                import.summary.user(&user);
                good.push((line, user));
            }
            Err(Unusable::Bad(bad)) => import.bad(line, &bad),
            Err(Unusable::Skipped(why)) => {
                import.summary.skipped += 1;
                import.say(line, &format!("skipped: {why}"));
            }
        }
    }
    let ended = match accounts {
        Some(accounts) => import.all(accounts, good).await,
        None => Ok(()),
    };
    let Import { summary, progress, .. } = import;
    drop(progress);
    print!("{}", summary.render(args.json, args.dry_run));
    ended?;
    if summary.bad > 0 { Err(ImportUsersError::BadRows(summary.bad)) } else { Ok(()) }
}

fn read(args: &ImportUsersArgs, format: UsersFormat, settings: &Settings) -> Result<Vec<Entry>, FileError> {
    let source = Counted::open(&args.file)?;
    let progress = FileProgress::start(source.length);
    let bytes_read = source.count();
    let shown = |rows: usize| {
        if rows.is_multiple_of(1_000) {
            progress.show(bytes_read.load(Ordering::Relaxed), rows as u64);
        }
    };
    match format {
        UsersFormat::Csv | UsersFormat::Jsonl | UsersFormat::Cognito => table_rows::read(source, format, settings, shown),
        UsersFormat::Firebase => firebase::read(source, settings),
        UsersFormat::Auth0 => auth0::read(source, settings),
        UsersFormat::Keycloak => keycloak::read(source, settings),
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

/// What became of one user.
struct Done {
    line: u64,
    username: Username,
    outcome: Result<UserImported, ImportUsersError>,
}

impl Import {
    /// Writes all users. After the first failure it finishes those in flight and stops.
    async fn all(&mut self, accounts: Accounts, users: Vec<(u64, Entered)>) -> Result<(), ImportUsersError> {
        let importer = Importer { accounts, clock: Clock::system(), random: Random::system(), hashing: Hashing::new(Random::system()) };
        let mut users = users.into_iter();
        let mut in_flight = JoinSet::new();
        let mut ended = Ok(());
        let interrupted = ctrl_c();
        tokio::pin!(interrupted);
        loop {
            while ended.is_ok() && in_flight.len() < SIDE_BY_SIDE {
                let Some((line, user)) = users.next() else { break };
                let importer = importer.clone();
                in_flight.spawn(async move { importer.import(line, user).await });
            }
            tokio::select! {
                done = in_flight.join_next() => match done {
                    None => return ended,
                    Some(Err(_)) => ended = Err(ImportUsersError::Panicked),
                    Some(Ok(done)) => ended = ended.and(self.done(done)),
                },
                _ = &mut interrupted, if ended.is_ok() => ended = Err(ImportUsersError::Interrupted),
            }
        }
    }

    fn done(&mut self, Done { line, username, outcome }: Done) -> Result<(), ImportUsersError> {
        match outcome {
            Ok(UserImported::LeftAlone(why)) => {
                self.summary.left_alone += 1;
                self.say(line, &format!("left alone: {username} {}", <&str>::from(why)));
            }
            Ok(outcome) => self.summary.count(outcome),
            // An item that isn't as Latchkey writes it is in one user's way only.
            Err(ImportUsersError::Store { cause: StoreError::Item(error), .. }) => {
                self.bad(line, &BadRow::new(format!("the user can't be read: {error}")));
            }
            Err(error) => return Err(error),
        }
        self.progress.show(self.summary.done(), self.summary.done());
        Ok(())
    }

    fn bad(&mut self, line: u64, bad: &BadRow) {
        self.summary.bad += 1;
        self.progress.aside(|| bad.print(line, self.json));
    }

    /// About a row that isn't bad.
    fn say(&self, line: u64, what: &str) {
        self.progress.aside(|| {
            if self.json {
                println!("{}", json!({"line": line, "note": what}));
            } else {
                eprintln!("line {line}: {what}");
            }
        });
    }
}

#[derive(Clone)]
struct Importer {
    accounts: Accounts,
    clock: Clock,
    random: Random,
    hashing: Hashing,
}

impl Importer {
    async fn import(&self, line: u64, user: Entered) -> Done {
        let username = user.username.clone();
        let outcome = self.try_import(line, user).await;
        Done { line, username, outcome }
    }

    async fn try_import(&self, line: u64, user: Entered) -> Result<UserImported, ImportUsersError> {
        let Entered { username, user_id, hash, disabled } = user;
        let password_hash: PasswordHash = match hash {
            ForeignHash::Slow(foreign) => foreign.into(),
            ForeignHash::Fast(fast) => self.hashing.wrap(fast).await.map_err(|cause| ImportUsersError::Hash { line, cause })?.into(),
            ForeignHash::NoPassword => PasswordHash::none(),
        };
        let id_is_given = user_id.is_some();
        let user = User {
            username,
            user_id: match user_id {
                Some(user_id) => user_id,
                None => LoginId::generate(&self.random)?.to_string(),
            },
            password_hash,
            status: if disabled { UserStatus::Disabled } else { UserStatus::Active },
            version: 1,
            created_at: self.clock.now(),
        };
        let imported = patiently(&self.random, || import_user(&self.accounts, &user, id_is_given, &self.random)).await;
        imported.map_err(|cause| ImportUsersError::Store { line, cause })
    }
}
