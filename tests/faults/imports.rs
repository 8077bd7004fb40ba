//! Every fault at every call of an import of several sessions at once, at its first occurrence and at its second. An import that was cut
//! off and is run again ends as one that nothing happened to: no session is lost, none is written twice, and none comes back.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use aws_sdk_dynamodb::Client;
use chrono::{DateTime, Utc};
use latchkey::{
    clock::{later, rfc3339},
    entropy::Random,
    ids::UserKey,
    import::{ImportRow, ImportedSession},
    limits::Limits,
    operations::{Everywhere, ImportOutcome, SessionImport, block_user, end_all, import_session, import_sessions},
    store::{Store, StoreError},
};
use latchkey_tests::{
    clock::TestClock,
    database::{Database, TEST_LIMITS},
    tap::{Call, Fault, Reach, Rule, Tap, cancelled},
};

use crate::{
    matrix::{OPERATIONS, faults, in_parallel},
    sizes::full,
    tally::{Breach, Tally},
};

/// An import is cut off after so many calls more than it makes without the fault.
const CALLS_MORE: usize = 12;
/// Faults without an answer are waited for as often as there are attempts.
const LIMITS: Limits = Limits { attempt: Duration::from_millis(400), ..TEST_LIMITS };

/// What stands in the way before the fault.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Prelude {
    Nothing,
    /// The transaction was cancelled on account of its first row, which is imported alone after the others.
    Cancelled,
    /// The transaction was carried out, and its answer was lost.
    AnswerLost,
}

impl Prelude {
    pub(crate) fn rules(self) -> Vec<Rule> {
        let fault = match self {
            Self::Nothing => return Vec::new(),
            Self::Cancelled => cancelled("TransactionConflict", 3),
            Self::AnswerLost => Fault::LostAfter,
        };
        vec![Rule { operation: "TransactWriteItems", nth: 1, reach: Reach::OneCall, fault }]
    }
}

pub(crate) fn client_under(database: &Database, tap: &Tap) -> Client {
    Client::from_conf(database.tapped(tap).config().to_builder().timeout_config(LIMITS.timeouts()).build())
}

/// `None` if the import was cut off: it stopped at a call, or made no progress.
pub(crate) async fn until_cut_off<T>(tap: &Tap, calls_without: usize, import: impl Future<Output = T>) -> Option<T> {
    let no_progress = async {
        let mut calls = 0;
        while calls < calls_without + CALLS_MORE {
            tokio::time::sleep(Duration::from_millis(5)).await;
            calls += tap.take_calls().len();
        }
    };
    tokio::select! {
        outcomes = import => Some(outcomes),
        () = tap.stands() => None,
        () = no_progress => None,
    }
}

/// One import under a fault.
#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) prelude: Prelude,
    pub(crate) rule: Option<Rule>,
    /// How many calls it makes without the fault, or before it.
    pub(crate) calls: usize,
}

impl Cell {
    pub(crate) fn arm(&self, tap: &Tap) {
        tap.arm(self.prelude.rules().into_iter().chain(self.rule.clone()).collect());
    }

    pub(crate) fn name(&self) -> String {
        format!("after {:?}: {:?}", self.prelude, self.rule)
    }
}

/// Every fault at every call, at its first occurrence and at its second. `calls_after` gives the calls of an import without another fault.
pub(crate) async fn cells(calls_after: impl AsyncFn(Prelude) -> Vec<Call>) -> Vec<Cell> {
    let mut cells = Vec::new();
    for prelude in [Prelude::Nothing, Prelude::Cancelled, Prelude::AnswerLost] {
        let attempts = calls_after(prelude).await;
        let calls = attempts.len();
        cells.push(Cell { prelude, rule: None, calls });
        let first = usize::from(!matches!(prelude, Prelude::Nothing));
        // The quick size takes one call of those that rows imported alone repeat.
        let struck = |call: &Call| {
            let together = matches!(&*call.operation, "BatchGetItem" | "TransactWriteItems");
            let nth = if together { call.nth > first && (full() || call.nth <= first + 2) } else { full() || call.nth == 1 };
            call.attempt == 1 && nth
        };
        for (at, call) in attempts.iter().enumerate().filter(|(_, call)| struck(call)) {
            let operation = OPERATIONS.into_iter().find(|name| *name == call.operation).unwrap();
            for (fault, reaches) in faults(call) {
                // The quick size takes the longest reach of each.
                let shorter = if full() { 0 } else { reaches.len() - 1 };
                for reach in reaches.into_iter().skip(shorter) {
                    // A fault that never passes may be given up soon after it strikes.
                    let calls = if reach == Reach::FromThenOn { at } else { calls };
                    let rule = Rule { operation, nth: call.nth, reach, fault: fault.clone() };
                    cells.push(Cell { prelude, rule: Some(rule), calls });
                }
            }
        }
    }
    assert!(cells.len() > 100, "{}", cells.len());
    cells
}

/// The sessions of a file, each of a user of its own, with what becomes of it when nothing fails.
struct File {
    rows: Vec<(ImportedSession, ImportOutcome)>,
    now: DateTime<Utc>,
    /// Sees no fault.
    store: Store,
}

#[derive(Clone)]
struct Ground {
    database: Database,
    files: Arc<AtomicUsize>,
}

fn session(user_id: &str, token: &str, expires_at: DateTime<Utc>) -> ImportedSession {
    ImportedSession::parse(ImportRow {
        user_id,
        access_token: &format!("theirs-access-{token}"),
        refresh_token: &format!("theirs-refresh-{token}"),
        access_token_expires_at: &rfc3339(expires_at),
        refresh_token_expires_at: &rfc3339(expires_at),
    })
    .unwrap()
}

impl Ground {
    fn store(&self, client: Client) -> Store {
        Store::new(client, self.database.table("SessionsTable"))
    }

    async fn file(&self) -> File {
        use ImportOutcome::{AlreadyThere, Blocked, Expired, Imported};

        let (store, random, now) = (self.store(self.database.client.clone()), Random::system(), TestClock::default().now());
        let file = self.files.fetch_add(1, Ordering::Relaxed);
        let of = |user: &str, expires_at| session(&format!("{user}-{file}"), &format!("{user}-{file}"), expires_at);
        let tomorrow = later(now, Duration::from_secs(86_400));
        let import = async |session: &ImportedSession| {
            assert_eq!(import_session(&store, session, now, &random).await, Ok(Imported));
        };
        let rows = vec![
            (of("first", tomorrow), Imported),
            (of("second", tomorrow), Imported),
            (of("another-login", tomorrow), Imported),
            (of("imported", tomorrow), AlreadyThere),
            (of("expired", now), Expired),
            (of("blocked", tomorrow), Blocked),
            (of("ended", tomorrow), AlreadyThere),
        ];
        let user_of = |at: usize| &rows[at].0.user_id;
        import(&session(user_of(2), &format!("before-{file}"), tomorrow)).await;
        import(&rows[3].0).await;
        block_user(&store, &UserKey::of(user_of(5)), now, &random).await.unwrap();
        import(&rows[6].0).await;
        end_all(&store, &UserKey::of(user_of(6)), Everywhere::All, &random).await.unwrap();
        File { rows, now, store }
    }
}

impl File {
    /// Imports it as the command does, which tries again after an outage.
    async fn import(&self, store: &Store) -> Vec<Result<ImportOutcome, StoreError>> {
        let mut imports: Vec<_> = self.rows.iter().map(|(session, _)| SessionImport::new(session.clone())).collect();
        let mut ended = Ok(());
        for _ in 0..3 {
            ended = import_sessions(store, &mut imports, self.now, &Random::system()).await;
            if ended.is_ok() {
                break;
            }
        }
        imports.into_iter().map(|import| import.into_outcome(&ended)).collect()
    }

    /// Each user has what one import of their row leaves, however often it was tried.
    async fn check(&self, tally: &mut Tally, cell: &str) {
        for (session, outcome) in &self.rows {
            let new = session.login(self.now);
            let seen = self.store.read_user_logins(&new.login.key.user_key).await.unwrap();
            let own = &new.login.key.login_id;
            let (logins, versions) = match (session.user_id.split('-').next(), outcome) {
                (Some("another"), _) => (2, Some(2)),
                // The end of all moved it on.
                (Some("ended"), _) => (0, Some(2)),
                (_, ImportOutcome::Imported | ImportOutcome::AlreadyThere) => (1, Some(1)),
                (_, ImportOutcome::Expired) => (0, None),
                (_, ImportOutcome::Blocked) => (0, seen.register.as_ref().map(|register| register.version)),
            };
            let user = &session.user_id;
            let lives = logins > 0;
            let is_there = (seen.logins.contains_key(own), seen.sessions.contains(&(own.clone(), new.session.generation)));
            tally.hold(is_there == (lives, lives), Breach::LostSession, || format!("{cell}: {user} has {is_there:?}, not {lives}"));
            tally.hold(seen.logins.len() == logins, Breach::DuplicateCommit, || format!("{cell}: {user} has {} logins", seen.logins.len()));
            let version = seen.register.as_ref().map(|register| register.version);
            tally.hold(version == versions, Breach::DuplicateCommit, || format!("{cell}: {user}'s register is at {version:?}"));
            let alias = matches!(outcome, ImportOutcome::Imported | ImportOutcome::AlreadyThere);
            tally.hold(seen.aliases.contains(own) == alias, Breach::Invariant, || format!("{cell}: {user}'s alias"));
            if lives {
                let as_new = seen.logins.get(own).is_some_and(|login| *login == new.login);
                tally.hold(as_new, Breach::Invariant, || format!("{cell}: {user}'s login isn't the row's"));
            }
        }
    }
}

/// Whether this outcome of a row is right while the fault lasts.
pub(crate) fn is_right<O: Copy + PartialEq>(outcome: &Result<O, StoreError>, expected: O, rule: Option<&Rule>) -> bool {
    match outcome {
        Ok(outcome) => *outcome == expected,
        Err(StoreError::Unavailable { .. }) => rule.is_some(),
        Err(StoreError::Rejected { .. }) => {
            rule.is_some_and(|rule| matches!(rule.fault, Fault::Error(_, "ValidationException" | "IdempotentParameterMismatchException")))
        }
        Err(StoreError::Item(_)) => false,
    }
}

async fn run(ground: Ground, under: Cell) -> Tally {
    let (cell, rule) = (under.name(), under.rule.as_ref());
    let (file, tap, mut tally) = (ground.file().await, Tap::default(), Tally { cells: 1, ..Tally::default() });
    under.arm(&tap);
    let first = until_cut_off(&tap, under.calls, file.import(&ground.store(client_under(&ground.database, &tap)))).await;
    let calls = tap.disarm();
    let met = rule.is_none_or(|rule| calls.iter().any(|call| rule.meets(call)));
    tally.hold(met, Breach::Unexpected, || format!("{cell}: the fault met no call"));
    *tally.answers.entry(if first.is_some() { "ended" } else { "cut off" }.to_owned()).or_default() += 1;

    let again = file.import(&file.store).await;
    for (at, (session, expected)) in file.rows.iter().enumerate() {
        let user = &session.user_id;
        let acknowledged = first.as_ref().is_some_and(|first| first[at] == Ok(ImportOutcome::Imported));
        if let Some(first) = &first {
            let outcome = &first[at];
            tally.hold(is_right(outcome, *expected, rule), Breach::Unexpected, || format!("{cell}: {user} was {outcome:?}"));
        }
        let right = match (&again[at], expected) {
            (Ok(ImportOutcome::Imported), ImportOutcome::Imported) => !acknowledged,
            (Ok(ImportOutcome::AlreadyThere), ImportOutcome::Imported) => true,
            (outcome, expected) => *outcome == Ok(*expected),
        };
        tally.hold(right, Breach::DuplicateCommit, || format!("{cell}: {user} was {:?} when it was run again", again[at]));
    }
    tap.arrived().await;
    file.check(&mut tally, &cell).await;
    tally
}

#[tokio::test]
async fn every_fault_at_every_call_of_an_import() {
    let ground = Ground { database: Database::with(&[("AcceptImportedTokens", "true")]).await, files: Arc::default() };
    let calls_after = async |prelude: Prelude| {
        let (file, tap) = (ground.file().await, Tap::default());
        tap.arm(prelude.rules());
        file.import(&ground.store(client_under(&ground.database, &tap))).await;
        tap.disarm()
    };
    let cells = cells(calls_after).await.into_iter().map(|cell| run(ground.clone(), cell));
    in_parallel(cells).await.close("faults of an import");
}
