//! Changing attributes: a user's, in every login of theirs, or one login's own.

use futures_util::future::join_all;

use super::end::{SIDE_BY_SIDE, until_done};
use crate::{
    backoff::Backoff,
    entropy::Random,
    ids::{LoginId, LoginKey, UserKey},
    model::{Attributes, AttributesError, LoginAttributes, Register},
    store::{Attempt, Commit, Copied, Store, StoreError},
};

/// Sets a user's attributes, in place of those before. Every authorize that begins after this has them, in every login. The user
/// need not be known. It has no deadline of its own.
///
/// # Errors
/// [`StoreError`]. Some logins may have the new attributes then and others not: retry until it succeeds. Until then the next login of the
/// user finishes it.
pub async fn set_attributes(store: &Store, user_key: &UserKey, attributes: &Attributes, random: &Random) -> Result<(), StoreError> {
    let register = until_done(random, || store.set_attributes(user_key, attributes)).await?;
    copy_to_all(store, user_key, &register, random).await
}

/// Finishes the change that an earlier call left pending. `false` if there is none.
///
/// # Errors
/// [`StoreError`]; the change is still pending.
pub async fn finish_attributes(store: &Store, user_key: &UserKey, random: &Random) -> Result<bool, StoreError> {
    match store.read_register(user_key).await? {
        Some(register) if register.attributes_pending.is_some() => copy_to_all(store, user_key, &register, random).await.map(|()| true),
        _ => Ok(false),
    }
}

/// Writes the register's attributes into the copy of each login: of the one that the register names, which may be in mid-commit, and
/// of those that a read begun after the register was read or moved finds.
pub(super) async fn copy_to_all(store: &Store, user_key: &UserKey, register: &Register, random: &Random) -> Result<(), StoreError> {
    // A register that was made without a login names none.
    let named = Some(&register.last_login_id).filter(|id| **id != LoginId::of_no_login(user_key));
    let mut logins: Vec<_> = named.map(|named| (named.clone(), false)).into_iter().collect();
    let mut from = None;
    loop {
        let (page, next) = store.announced(user_key, from).await?;
        logins.retain(|(named, _)| !page.iter().any(|(login_id, _)| login_id == named));
        copy_side_by_side(store, user_key, register, page, random).await?;
        if next.is_none() {
            break;
        }
        from = next;
    }
    copy_side_by_side(store, user_key, register, logins, random).await?;
    match register.attributes_pending {
        Some(pending) => until_done(random, || store.attributes_finished(user_key, pending)).await,
        None => Ok(()),
    }
}

async fn copy_side_by_side(
    store: &Store,
    user_key: &UserKey,
    register: &Register,
    mut logins: Vec<(LoginId, bool)>,
    random: &Random,
) -> Result<(), StoreError> {
    while !logins.is_empty() {
        let rest = logins.split_off(logins.len().min(SIDE_BY_SIDE));
        let copies = std::mem::replace(&mut logins, rest).into_iter().map(async |(login_id, is_announced)| {
            let key = LoginKey { user_key: user_key.clone(), login_id };
            copy_to(store, &key, register, is_announced, random).await
        });
        for copied in join_all(copies).await {
            copied?;
        }
    }
    Ok(())
}

async fn copy_to(store: &Store, key: &LoginKey, register: &Register, is_announced: bool, random: &Random) -> Result<(), StoreError> {
    let mut backoff = Backoff::new(random);
    loop {
        match until_done(random, || store.copy_attributes(key, register)).await? {
            Copied::Current if is_announced => return Ok(()),
            // 1. Another request gives the login its item. Its transaction has written the item, and not yet the login.
            // 2. This change finds the item, and is acknowledged.
            // 3. An authorize reads the login, which announces nothing.
            // 4. The login is ended and its item swept. The authorize sees no item, and allows without attributes.
            Copied::Current => return until_done(random, || store.announce_attributes(key)).await,
            Copied::Absent if register.attributes.is_empty() => return Ok(()),
            Copied::Absent => {}
        }
        let settled = match store.read_login(key).await?.login {
            None => store.is_gone(key).await?,
            Some(login) => {
                let attributes = LoginAttributes {
                    user: register.attributes.clone(),
                    version: register.version,
                    own: Attributes::default(),
                    kept_until: LoginAttributes::kept_for(login.refresh_token_expires_at),
                };
                store.add_attributes(key, &attributes).await? == Commit::Done
            }
        };
        if settled {
            return Ok(());
        }
        backoff.wait().await;
    }
}

/// Why a login's own attributes weren't changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotChanged {
    /// There is no such login.
    #[error("no such login")]
    Unknown,
    /// The change breaks a rule.
    #[error(transparent)]
    Attributes(#[from] AttributesError),
    /// The store gave no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Changes the attributes of one login alone. Every authorize of it that begins after this has them.
///
/// # Errors
/// [`NotChanged`]. After a failure of the store it is not known whether they were changed.
pub async fn change_own_attributes(
    store: &Store,
    key: &LoginKey,
    change: impl Fn(Attributes) -> Result<Attributes, AttributesError>,
    random: &Random,
) -> Result<(), NotChanged> {
    let mut backoff = Backoff::new(random);
    loop {
        let state = store.read_login(key).await?;
        if state.lacks_attributes() {
            backoff.wait().await;
            continue;
        }
        let login = state.login.ok_or(NotChanged::Unknown)?;
        let is_changed = match state.attributes {
            Some(seen) => {
                let own = change(seen.own.clone())?;
                LoginAttributes::check_fit(&seen.user, &own)?;
                let written = store.set_own_attributes(key, &seen.own, &own).await? == Attempt::Done(());
                if written && !login.has_attributes {
                    until_done(random, || store.announce_attributes(key)).await?;
                }
                written
            }
            // A copy of the user's has a newer version than this one, and replaces it.
            None => {
                let own = change(Attributes::default())?;
                let kept_until = LoginAttributes::kept_for(login.refresh_token_expires_at);
                let attributes = LoginAttributes { user: Attributes::default(), version: 0, own, kept_until };
                store.add_attributes(key, &attributes).await? == Commit::Done
            }
        };
        if is_changed {
            return Ok(());
        }
        backoff.wait().await;
    }
}
