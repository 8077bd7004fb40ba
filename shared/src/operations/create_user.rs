//! Creating a user.

use crate::{
    backoff::Backoff,
    entropy::Random,
    ids::UserKey,
    model::User,
    store::{Accounts, Commit, StoreError},
};

/// What became of a user to create.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserCreated {
    /// The user is there.
    Done,
    /// Another user has the name. Nothing was changed.
    NameTaken,
    /// There is a user whose name is drawn like this one in another script. Nothing was changed.
    LooksLikeAnother,
    /// The id is another user's, or it is blocked, as that of a removed user. Nothing was changed.
    IdTaken,
}

/// Creates the user, all or nothing: writes, and reads if it is not clear what became of it. It has no deadline of its own.
///
/// # Errors
/// [`StoreError`] where it is not known whether the user is there.
pub async fn create_user(accounts: &Accounts, user: &User, random: &Random) -> Result<UserCreated, StoreError> {
    let mut backoff = Backoff::new(random);
    loop {
        if accounts.create_user(user).await? == Commit::Done {
            return Ok(UserCreated::Done);
        }
        if let Some(there) = accounts.users().read_user(&user.username).await? {
            // Its own write, of which it heard nothing: no other user has this salt.
            let own = (&there.user_id, &there.password_hash) == (&user.user_id, &user.password_hash);
            return Ok(if own { UserCreated::Done } else { UserCreated::NameTaken });
        }
        if let Some(owner) = accounts.store().read_owner(&UserKey::of(&user.user_id)).await? {
            let other = owner.username.is_some_and(|name| name != user.username.as_str());
            if other || owner.is_blocked {
                return Ok(UserCreated::IdTaken);
            }
        }
        if accounts.users().looks_like_another(&user.username).await? {
            return Ok(UserCreated::LooksLikeAnother);
        }
        // The user is neither there nor impossible: another write held an item, or this one is in mid-commit.
        backoff.wait().await;
    }
}
