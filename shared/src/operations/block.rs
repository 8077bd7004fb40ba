//! Blocking a user: no login of theirs survives, and none is created, by password, by issue or by import.

use chrono::{DateTime, Utc};

use super::end::{Everywhere, end_seen, until_done};
use crate::{
    entropy::Random,
    ids::UserKey,
    store::{Store, StoreError},
};

/// Blocks the user, then ends every login made before, and returns how many it ended. The user need not be known.
///
/// The register is blocked and moves in one write. Then it is as with "log out everywhere": the login that the register names may be
/// in mid-commit and missing from the read, so it is ended by name.
///
/// # Errors
/// [`StoreError`]. The user may have been blocked already: retry until it succeeds.
pub async fn block_user(store: &Store, user_key: &UserKey, now: DateTime<Utc>, random: &Random) -> Result<usize, StoreError> {
    let newest = until_done(random, || store.block_register(user_key, now)).await?;
    end_seen(store, user_key, newest, Everywhere::All, random).await
}

/// Lifts the block. `false` if the user is unknown: no login and no block ever made a register.
///
/// # Errors
/// [`StoreError`]; whether the block was lifted is not known then.
pub async fn lift_block(store: &Store, user_key: &UserKey, random: &Random) -> Result<bool, StoreError> {
    until_done(random, || store.lift_block(user_key)).await
}
