//! Taking a session over from another service.

use aws_sdk_dynamodb::{error::BuildError, types::TransactWriteItem};
use chrono::{DateTime, Utc};

use super::{Commit, Store, StoreError, items::alias_item, transaction::transact};
use crate::{
    backoff,
    decision::{ImportDecision, LoginCreation, NewLogin, decide_import},
    import::ImportedSession,
};

/// What became of a session to import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ImportOutcome {
    /// It is there now.
    Imported,
    /// It was imported before: nothing was changed, and a login that has ended since stays ended.
    AlreadyThere,
    /// Its refresh token has expired: nothing was written.
    Expired,
}

impl Store {
    /// Imports one session, all or nothing: reads, decides, writes, and reads again until it is settled. It has no deadline
    /// of its own.
    ///
    /// # Errors
    /// [`StoreError`] where it is not known whether the session is there; import it again.
    pub async fn import(&self, session: &ImportedSession, now: DateTime<Utc>) -> Result<ImportOutcome, StoreError> {
        let new = session.login(now);
        let mut sent = false;
        let mut attempt = 0;
        loop {
            let seen = self.read_user_logins(&new.login.key.user_key).await?;
            match decide_import(&seen, &new, now) {
                // Seen after it was sent: its answer was lost.
                ImportDecision::AlreadyThere if sent => return Ok(ImportOutcome::Imported),
                ImportDecision::AlreadyThere => return Ok(ImportOutcome::AlreadyThere),
                ImportDecision::Expired => return Ok(ImportOutcome::Expired),
                ImportDecision::Torn => {}
                ImportDecision::Create(creation) => {
                    let items = self
                        .import_items(&new, &creation)
                        .map_err(|_| StoreError::Rejected { operation: "TransactWriteItems", code: "request not built".into() })?;
                    if transact(&self.client, items).await? == Commit::Done {
                        return Ok(ImportOutcome::Imported);
                    }
                    sent = true;
                }
            }
            backoff::pause(attempt).await;
            attempt += 1;
        }
    }

    fn import_items(&self, new: &NewLogin, creation: &LoginCreation) -> Result<Vec<TransactWriteItem>, BuildError> {
        let mut items = self.login_items(new, creation)?;
        if let Some(imported) = &new.login.imported {
            items.push(self.put_absent(alias_item(&new.login.key, &new.login.user_id, imported))?);
        }
        Ok(items)
    }
}
