//! Taking sessions over from another service.

use chrono::{DateTime, Utc};

use super::import_rows::{Progress, note_commit};
use crate::{
    backoff::Backoff,
    decision::{ImportDecision, decide_import},
    entropy::Random,
    import::ImportedSession,
    store::{Commit, RowWrite, Store, StoreError},
};

/// What became of a session to import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ImportOutcome {
    /// It was written.
    Imported,
    /// It was imported before: nothing was changed, and a login that has ended since stays ended.
    AlreadyThere,
    /// Its refresh token has expired: nothing was written.
    Expired,
    /// Its user is blocked: nothing was written.
    Blocked,
}

/// Imports one session, all or nothing: reads, decides, writes, and reads again until it is settled. It has no deadline of
/// its own.
///
/// # Errors
/// [`StoreError`] where it is not known whether the session is there; import it again.
pub async fn import_session(
    store: &Store,
    session: &ImportedSession,
    now: DateTime<Utc>,
    random: &Random,
) -> Result<ImportOutcome, StoreError> {
    settle(store, session, &mut false, now, random).await
}

/// `sent`: whether a write of this session may have been carried out. A later call goes on with it.
async fn settle(
    store: &Store,
    session: &ImportedSession,
    sent: &mut bool,
    now: DateTime<Utc>,
    random: &Random,
) -> Result<ImportOutcome, StoreError> {
    let new = session.login(now);
    let mut backoff = Backoff::new(random);
    loop {
        let mut seen = store.read_register_and_device(&new.login.key.user_key, None).await?;
        store.add_own(&new.login.key, &mut seen).await?;
        match decide_import(&seen, &new, now) {
            // This call wrote it, and the answer to the write was lost.
            ImportDecision::AlreadyThere if *sent => return Ok(ImportOutcome::Imported),
            ImportDecision::AlreadyThere => return Ok(ImportOutcome::AlreadyThere),
            ImportDecision::Expired => return Ok(ImportOutcome::Expired),
            ImportDecision::Blocked => return Ok(ImportOutcome::Blocked),
            ImportDecision::Torn => {}
            ImportDecision::Create(creation) => {
                if store.create_imported(&new, &creation).await? == Commit::Done {
                    return Ok(ImportOutcome::Imported);
                }
                *sent = true;
            }
        }
        backoff.wait().await;
    }
}

/// A session to import beside those of other users.
pub type SessionImport = Progress<ImportedSession, ImportOutcome>;

/// Imports sessions of different users, each with the outcome that [`import_session`] gives it: with one read, and one transaction for
/// as many as it takes. A session whose write was cancelled on its own account is imported alone after the others. On an error call it
/// again: it goes on with what isn't settled.
///
/// # Errors
/// [`StoreError::Unavailable`]. Every other error is the outcome of its session.
pub async fn import_sessions(store: &Store, imports: &mut [SessionImport], now: DateTime<Utc>, random: &Random) -> Result<(), StoreError> {
    together(store, imports, now, random).await?;
    for import in imports.iter_mut().filter(|import| import.is_open()) {
        let settled = settle(store, &import.row, &mut import.sent, now, random).await;
        import.settle(settled)?;
    }
    Ok(())
}

/// Until each session is settled, or is to be imported alone.
async fn together(store: &Store, imports: &mut [SessionImport], now: DateTime<Utc>, random: &Random) -> Result<(), StoreError> {
    let mut backoff = Backoff::new(random);
    loop {
        let mut open: Vec<_> = imports.iter_mut().filter(|import| import.is_open() && !import.alone).collect();
        if open.is_empty() {
            return Ok(());
        }
        let writes = decide(store, &mut open, now).await?;
        for transaction in RowWrite::into_transactions(writes) {
            let (of, rows): (Vec<usize>, Vec<_>) = transaction.into_iter().unzip();
            let commit = store.write_rows(rows).await;
            let written = open.iter_mut().enumerate().filter(|(at, _)| of.contains(at)).map(|(_, import)| &mut **import);
            note_commit(&mut written.collect::<Vec<_>>(), commit, ImportOutcome::Imported)?;
        }
        if open.iter().any(|import| import.is_open() && !import.alone) {
            backoff.wait().await;
        }
    }
}

/// Reads, and settles what is to be settled without a write. Gives what the others write, with their places.
async fn decide(store: &Store, open: &mut [&mut SessionImport], now: DateTime<Utc>) -> Result<Vec<(usize, RowWrite)>, StoreError> {
    let news: Vec<_> = open.iter().map(|import| import.row.login(now)).collect();
    let seen = store.read_before_imports(&news.iter().map(|new| &new.login.key).collect::<Vec<_>>()).await?;
    let mut writes = Vec::new();
    for ((at, import), (new, seen)) in open.iter_mut().enumerate().zip(news.iter().zip(seen)) {
        let settled = match seen.map(|seen| decide_import(&seen, new, now)) {
            Ok(ImportDecision::AlreadyThere) if import.sent => Ok(ImportOutcome::Imported),
            Ok(ImportDecision::AlreadyThere) => Ok(ImportOutcome::AlreadyThere),
            Ok(ImportDecision::Expired) => Ok(ImportOutcome::Expired),
            Ok(ImportDecision::Blocked) => Ok(ImportOutcome::Blocked),
            Ok(ImportDecision::Torn) => {
                import.alone = true;
                continue;
            }
            Ok(ImportDecision::Create(creation)) => {
                writes.push((at, store.row_of_import(new, &creation)?));
                continue;
            }
            Err(error) => Err(error.into()),
        };
        import.settle(settled)?;
    }
    Ok(writes)
}
