//! Ending logins: the one whose token is presented, one of a user's own, or all of a user's.

use futures_util::future::join_all;

use super::credentials::{Denied, Presented, token_of};
use crate::{
    backoff::Backoff,
    entropy::Random,
    ids::{LoginId, LoginKey, UserKey},
    store::{Attempt, EndProof, Ended, Located, NotLocated, ScannedUser, Store, StoreError, Unheard},
    telling::log::{Event, Fields, log},
    token::{AnyToken, ImportedTokens},
};

/// The login whose token a request presents, of either kind, expired or not, and the proof that permits to end it. A token
/// that leads to no login ends nothing.
#[derive(Debug, Clone)]
pub struct PresentedLogin(pub Result<(LoginKey, EndProof), NotLocated>);

impl PresentedLogin {
    /// Parses the token. Reads nothing, because the delete is conditional on the proof. Only an imported token is looked up.
    ///
    /// # Errors
    /// [`Denied`]. A refusal has been logged; a failure of the store is for the caller to log.
    pub async fn locate(store: &Store, presented: Presented<'_>, imported: ImportedTokens, fields: Fields<'_>) -> Result<Self, Denied> {
        let token = token_of(presented, |_| Event::LogoutOfNothing, fields, |text| AnyToken::parse(text, imported))?;
        Ok(Self(match store.locate_any(&token).await? {
            (Located::At(key), proof) => Ok((key, proof)),
            (Located::Nowhere(why), _) => Err(why),
        }))
    }
}

/// Ends the login of the presented token. It succeeds even if the login has already ended: either way none of its tokens
/// passes.
///
/// # Errors
/// [`StoreError`] where it is not known whether the login is gone; for the caller to log.
pub async fn logout(store: &Store, presented: &PresentedLogin, random: &Random, fields: Fields<'_>) -> Result<(), StoreError> {
    let (key, proof) = match &presented.0 {
        Ok(found) => found,
        Err(nowhere) => {
            log(nowhere.event(Event::LogoutOfNothing), Fields { reason: Some(&nowhere.to_string()), ..fields }, None);
            return Ok(());
        }
    };
    let fields = Fields { login_id: Some(key.login_id.as_str()), ..fields };
    let ended = end_login(store, key, proof, random).await?;
    log(if ended.by_this_call() { Event::LoggedOut } else { Event::LogoutOfNothing }, fields, None);
    if let Err(error) = store.sweep(key, ended).await {
        log(Event::CleanupFailed, fields, Some(&error));
    }
    Ok(())
}

/// Ends the login if the proof is its own. It has no deadline of its own.
///
/// # Errors
/// [`StoreError`] where it is not known whether the login is gone.
pub async fn end_login(store: &Store, key: &LoginKey, proof: &EndProof, random: &Random) -> Result<Ended, StoreError> {
    // One for all writes of this end: a conflict may come between the lost answer and the failed condition.
    let unheard = Unheard::default();
    until_done(random, || store.delete_login(key, proof, &unheard)).await
}

/// Writes again for as long as a transaction in flight holds the item.
pub(super) async fn until_done<T, F>(random: &Random, write: impl Fn() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<Attempt<T>, StoreError>>,
{
    let mut backoff = Backoff::new(random);
    loop {
        match write().await? {
            Attempt::Done(outcome) => return Ok(outcome),
            Attempt::Conflict => backoff.wait().await,
        }
    }
}

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

/// How many logins are written side by side.
pub(super) const SIDE_BY_SIDE: usize = 10;

/// Ends the logins of the user that were made before this, and returns how many it ended.
///
/// The register moves first: a login that read it before can't commit any more. One that is in mid-commit is named by it, and
/// may be missing from the read that follows; so it is ended by name. The read sees all others.
///
/// Each page of logins is ended before the next one is read. So a call that fails has ended some, and the next call has fewer
/// left.
///
/// # Errors
/// [`StoreError`] where it is not known that all are gone. What was ended stays ended; try again.
pub async fn end_all(store: &Store, user_key: &UserKey, which: Everywhere<'_>, random: &Random) -> Result<usize, StoreError> {
    Ok(end_all_if_known(store, user_key, which, random).await?.unwrap_or(0))
}

/// The same; `None` if the user has never logged in.
///
/// # Errors
/// As [`end_all`].
pub async fn end_all_if_known(
    store: &Store,
    user_key: &UserKey,
    which: Everywhere<'_>,
    random: &Random,
) -> Result<Option<usize>, StoreError> {
    let Some(newest) = until_done(random, || store.move_register(user_key)).await? else { return Ok(None) };
    end_seen(store, user_key, newest, which, random).await.map(Some)
}

/// Ends `newest`, which the register named when it moved, and the logins that a read begun after that sees.
///
/// # Errors
/// As [`end_all`].
pub(super) async fn end_seen(
    store: &Store,
    user_key: &UserKey,
    newest: LoginId,
    which: Everywhere<'_>,
    random: &Random,
) -> Result<usize, StoreError> {
    let (kept, last) = match which {
        Everywhere::All => (None, None),
        Everywhere::AllAndLast(own) => (Some(own), Some(own)),
        Everywhere::AllBut(own) => (Some(own), None),
    };
    let newest = if Some(&newest) == kept { Vec::new() } else { vec![newest] };
    let ended = end_side_by_side(store, user_key, newest, random).await? + end_read(store, user_key, kept, random).await?;
    Ok(ended + end_side_by_side(store, user_key, last.cloned().into_iter().collect(), random).await?)
}

/// Ends every login of the user but `kept`, whose transaction moved the register. Each earlier login is there in full: that
/// transaction checked its predecessor, which checked its own. So a read that begins now sees them all.
///
/// # Errors
/// [`StoreError`] where it is not known that all are gone. What was ended stays ended.
pub(super) async fn end_others(store: &Store, kept: &LoginKey, random: &Random) -> Result<usize, StoreError> {
    end_read(store, &kept.user_key, Some(&kept.login_id), random).await
}

/// Ends the logins that a read begun now sees, but `kept`. Each page is ended before the next one is read.
async fn end_read(store: &Store, user_key: &UserKey, kept: Option<&LoginId>, random: &Random) -> Result<usize, StoreError> {
    let (mut ended, mut from) = (0, None);
    loop {
        let (mut logins, next) = store.login_ids(user_key, from).await?;
        logins.retain(|login_id| Some(login_id) != kept);
        ended += end_side_by_side(store, user_key, logins, random).await?;
        if next.is_none() {
            return Ok(ended);
        }
        from = next;
    }
}

/// Ends these logins of a user, and sweeps their sessions. Returns how many it ended.
///
/// # Errors
/// [`StoreError`] where it is not known that all are gone. What was ended stays ended.
pub(super) async fn end_side_by_side(
    store: &Store,
    user_key: &UserKey,
    mut ending: Vec<LoginId>,
    random: &Random,
) -> Result<usize, StoreError> {
    let mut ended = 0;
    while !ending.is_empty() {
        let rest = ending.split_off(ending.len().min(SIDE_BY_SIDE));
        let deletions = std::mem::replace(&mut ending, rest).into_iter().map(async |login_id| {
            let key = LoginKey { user_key: user_key.clone(), login_id };
            end_owned(store, &key, random).await
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
pub async fn end_owned(store: &Store, key: &LoginKey, random: &Random) -> Result<Ended, StoreError> {
    let ended = end_login(store, key, &EndProof::Owner, random).await?;
    // Nothing depends on the sweep; `ttl` collects what it leaves.
    let _swept = store.sweep(key, ended).await;
    Ok(ended)
}

/// Ends all logins of a user, as one page of a scan saw them, and returns how many it ended.
///
/// # Errors
/// [`StoreError`] where it is not known that all are gone. What was ended stays ended; try again.
pub async fn end_scanned(store: &Store, user_key: &UserKey, seen: &ScannedUser, random: &Random) -> Result<usize, StoreError> {
    if seen.has_register {
        return end_all(store, user_key, Everywhere::All, random).await;
    }
    // The register came with an earlier page, and these have been ended; or there is none.
    let mut ended = 0;
    for login_id in &seen.logins {
        let key = LoginKey { user_key: user_key.clone(), login_id: login_id.clone() };
        ended += usize::from(end_owned(store, &key, random).await?.by_this_call());
    }
    Ok(ended)
}
