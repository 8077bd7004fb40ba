//! Changing or removing a user so that no earlier login survives it.

use chrono::{DateTime, Utc};

use super::end::{Everywhere, end_all, until_done};
use crate::{
    backoff::Backoff,
    entropy::Random,
    ids::UserKey,
    model::User,
    store::{Accounts, Commit, StoreError, UserChange},
    username::Username,
};

/// Changes the user, then ends every login made before. The item and the register move in one transaction, so a login that
/// was decided on the old user can't commit after it; then all logins that are there are ended. Returns the user as it is now
/// and how many logins were ended; `None` if there is no such user.
///
/// # Errors
/// [`StoreError`]. The user may have been changed already: retry until it succeeds.
pub async fn change_user(
    accounts: &Accounts,
    username: &Username,
    change: &UserChange,
    random: &Random,
) -> Result<Option<(User, usize)>, StoreError> {
    let mut backoff = Backoff::new(random);
    loop {
        let Some(user) = accounts.users().read_user(username).await? else { return Ok(None) };
        let user_key = UserKey::of(&user.user_id);
        let register = accounts.store().read_register(&user_key).await?;
        if accounts.write_change(&user, change, register.as_ref()).await? == Commit::Done {
            let ended = end_all(accounts.store(), &user_key, Everywhere::All, random).await?;
            return Ok(accounts.users().read_user(username).await?.map(|user| (user, ended)));
        }
        backoff.wait().await;
    }
}

/// Disables the user, which ends every login, including one being written. Then deletes the user's items in the sessions
/// table, and at last the user. Returns the removed user; `None` if there is no such user. The login attempts are collected
/// by their `ttl`: their keys are hashes.
///
/// The register stays, blocked and without the user's id and name. Otherwise it could return to an earlier value:
///
/// 1. The back office issues a login, and reads that the user has no register.
/// 2. The user is blocked and removed. Both are acknowledged.
/// 3. The login commits on the condition that there is no register.
///
/// # Errors
/// [`StoreError`]. The user is disabled then, or unchanged: retry until it succeeds.
pub async fn remove_user(
    accounts: &Accounts,
    username: &Username,
    now: DateTime<Utc>,
    random: &Random,
) -> Result<Option<User>, StoreError> {
    let disabling = UserChange::Disabled(now);
    let Some((user, _)) = change_user(accounts, username, &disabling, random).await? else { return Ok(None) };
    let user_key = UserKey::of(&user.user_id);
    accounts.store().delete_logins_of(&user_key).await?;
    until_done(random, || accounts.store().forget_user(&user_key)).await?;
    accounts.users().delete_user(&user).await?;
    Ok(Some(user))
}
