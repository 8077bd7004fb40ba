//! Logging a user out everywhere, or everywhere else.

use std::collections::BTreeSet;

use futures_util::future::join_all;

use crate::{
    ids::{LoginId, LoginKey, UserKey},
    store::{EndProof, Ended, ScannedUser, Store, StoreError},
};

/// Which of a user's logins are ended.
#[derive(Debug, Clone, Copy)]
pub enum Everywhere<'a> {
    /// All.
    All,
    /// All, the caller's own last, so that a failed call can be retried with the same token.
    AllAndLast(&'a LoginId),
    /// All but this one.
    AllBut(&'a LoginId),
}

/// How many logins are ended side by side.
const SIDE_BY_SIDE: usize = 10;

/// Ends the logins of the user that were made before this, and returns how many it ended.
///
/// The register moves first: a login that read it before can't commit any more. One that is in mid-commit is named by it, and
/// may be missing from the read that follows; so it is ended by name. The read sees all others.
///
/// # Errors
/// [`StoreError`] where it is not known that all are gone. What was ended stays ended; try again.
pub async fn end_all(store: &Store, user_key: &UserKey, which: Everywhere<'_>) -> Result<usize, StoreError> {
    let Some(newest) = store.close_register(user_key).await? else { return Ok(0) };
    let seen = store.read_user_logins(user_key).await?;
    let mut all: BTreeSet<LoginId> = seen.logins.into_keys().collect();
    all.insert(newest);
    let last = match which {
        Everywhere::All => None,
        Everywhere::AllAndLast(own) => all.take(own),
        Everywhere::AllBut(kept) => {
            all.remove(kept);
            None
        }
    };
    let ended = end_side_by_side(store, user_key, all.into_iter().collect()).await?;
    Ok(ended + end_side_by_side(store, user_key, last.into_iter().collect()).await?)
}

async fn end_side_by_side(store: &Store, user_key: &UserKey, mut ending: Vec<LoginId>) -> Result<usize, StoreError> {
    let mut ended = 0;
    while !ending.is_empty() {
        let rest = ending.split_off(ending.len().min(SIDE_BY_SIDE));
        let deletions = std::mem::replace(&mut ending, rest).into_iter().map(async |login_id| {
            let key = LoginKey { user_key: user_key.clone(), login_id };
            end_owned(store, &key).await
        });
        for deletion in join_all(deletions).await {
            ended += usize::from(deletion?.by_this_call());
        }
    }
    Ok(ended)
}

/// Ends one login of a user who has been authenticated, and sweeps its session.
///
/// # Errors
/// [`StoreError`] where it is not known whether the login is gone.
pub async fn end_owned(store: &Store, key: &LoginKey) -> Result<Ended, StoreError> {
    let ended = store.end_login(key, &EndProof::Owner).await?;
    // Nothing depends on the sweep; `ttl` collects what it leaves.
    let _swept = store.sweep(key, ended).await;
    Ok(ended)
}

/// Ends all logins of a user, as one page of a scan saw them, and returns how many it ended.
///
/// # Errors
/// [`StoreError`] where it is not known that all are gone. What was ended stays ended; try again.
pub async fn end_scanned(store: &Store, user_key: &UserKey, seen: &ScannedUser) -> Result<usize, StoreError> {
    if seen.has_register {
        return end_all(store, user_key, Everywhere::All).await;
    }
    // The register came with an earlier page, and these have been ended; or there is none.
    let mut ended = 0;
    for login_id in &seen.logins {
        let key = LoginKey { user_key: user_key.clone(), login_id: login_id.clone() };
        ended += usize::from(end_owned(store, &key).await?.by_this_call());
    }
    Ok(ended)
}
