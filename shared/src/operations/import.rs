//! Taking a session over from another service.

use chrono::{DateTime, Utc};

use crate::{
    backoff::Backoff,
    decision::{ImportDecision, decide_import},
    entropy::Random,
    import::ImportedSession,
    store::{Commit, Store, StoreError},
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
    let new = session.login(now);
    let mut sent = false;
    let mut backoff = Backoff::new(random);
    loop {
        let mut seen = store.read_register_and_device(&new.login.key.user_key, None).await?;
        store.add_own(&new.login.key, &mut seen).await?;
        match decide_import(&seen, &new, now) {
            // This call wrote it, and the answer to the write was lost.
            ImportDecision::AlreadyThere if sent => return Ok(ImportOutcome::Imported),
            ImportDecision::AlreadyThere => return Ok(ImportOutcome::AlreadyThere),
            ImportDecision::Expired => return Ok(ImportOutcome::Expired),
            ImportDecision::Blocked => return Ok(ImportOutcome::Blocked),
            ImportDecision::Torn => {}
            ImportDecision::Create(creation) => {
                if store.create_imported(&new, &creation).await? == Commit::Done {
                    return Ok(ImportOutcome::Imported);
                }
                sent = true;
            }
        }
        backoff.wait().await;
    }
}
