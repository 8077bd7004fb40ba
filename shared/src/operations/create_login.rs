//! Writing the login of a user who is entitled to one: issue, decide, write, and read again until it is settled.
//!
//! What entitles is an [`Entitlement`]: a verified password, or a caller who has authenticated the user by other means. Limits,
//! devices and the order of logins are the same for both.

use std::{convert::Infallible, time::Duration};

use chrono::{DateTime, Utc};

use super::{
    attributes::copy_to_all,
    end::end_side_by_side,
    issue::{IssuedLogin, issue_login},
};
use crate::{
    backoff::Backoff,
    decision::{LoginDecision, SessionLimit, decide_login, is_void},
    dpop::Thumbprint,
    entropy::Random,
    ids::{LoginId, LoginKey, UserKey},
    model::{Attributes, AttributesError, Device, Extent, Lifetimes, LoginAttributes, LoginCreation, NewLogin, Register, UserLogins},
    store::{Commit, Ended, Store, StoreError},
    telling::log::{Event, Fields, log},
    token::MintError,
};

/// What entitles a user to a login.
pub trait Entitlement: Sized + Send + Sync {
    /// Why a user is no longer entitled, or why that isn't known.
    type Lost;

    /// The user's id.
    fn user_id(&self) -> &str;

    /// Writes the login, on the condition that the entitlement still holds at that instant.
    fn write(&self, new: &NewLogin, creation: &LoginCreation) -> impl Future<Output = Result<Commit, StoreError>> + Send;

    /// The entitlement as it is now: another write may have come between.
    fn renewed(self) -> impl Future<Output = Result<Self, Self::Lost>> + Send;
}

/// The caller has authenticated the user, or is permitted to act for them. There is nothing to read again, and no users item
/// is involved.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    /// Where the login is written.
    pub store: &'a Store,
    /// The user's id.
    pub user_id: &'a str,
}

impl Entitlement for Caller<'_> {
    type Lost = Infallible;

    fn user_id(&self) -> &str {
        self.user_id
    }

    async fn write(&self, new: &NewLogin, creation: &LoginCreation) -> Result<Commit, StoreError> {
        self.store.create_login(new, creation).await
    }

    async fn renewed(self) -> Result<Self, Infallible> {
        Ok(self)
    }
}

/// Why no login was created.
#[derive(Debug, thiserror::Error)]
pub enum NotCreated<L> {
    /// The user is no longer entitled.
    #[error("no longer entitled")]
    Lost(L),
    /// The user is blocked.
    #[error("blocked")]
    Blocked,
    /// The login's own attributes don't fit beside the user's.
    #[error(transparent)]
    Attributes(#[from] AttributesError),
    /// The user has as many logins as the settings allow.
    #[error("session limit")]
    SessionLimit,
    /// The store gave no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No session could be minted.
    #[error(transparent)]
    Mint(#[from] MintError),
}

/// A login to be created. It stays the same through every re-read.
#[derive(Debug, Clone, Copy)]
pub struct CreateLogin<'a> {
    /// Where the user's logins are.
    pub store: &'a Store,
    /// What is stored of the client's device.
    pub device: &'a Device,
    /// The login's own attributes. With an actor among them it is an impersonation.
    pub own: Option<&'a Attributes>,
    /// How long tokens live.
    pub lifetimes: Lifetimes,
    /// What no refresh extends.
    pub max_lifetime: Option<Duration>,
    /// How many logins the user may have.
    pub limit: Option<SessionLimit>,
    /// The key that the login is bound to.
    pub bound_to: Option<Thumbprint>,
    /// The login that the request rests on. The new one replaces it, if it is still there.
    pub replacing: Option<&'a LoginKey>,
    /// When the request arrived.
    pub now: DateTime<Utc>,
    /// Where ids and tokens come from.
    pub random: &'a Random,
    /// For the log.
    pub fields: Fields<'a>,
}

/// What a decision has led to.
enum Step {
    /// The login is in the table.
    Done,
    /// The read caught this request's own transaction in mid-commit.
    Torn,
    /// There may be too many logins: they have to be read.
    ReadLogins,
    /// These logins were ended to make room.
    RoomMade(Vec<LoginId>),
    /// A transaction built on this register was sent. It may have been committed.
    Sent(Option<Register>),
}

impl CreateLogin<'_> {
    /// Creates the login. It has no deadline of its own.
    ///
    /// # Errors
    /// [`NotCreated`]; not logged yet.
    pub async fn run<E: Entitlement>(self, entitled: E) -> Result<IssuedLogin, NotCreated<E::Lost>> {
        let seen = self.read(&UserKey::of(entitled.user_id())).await?;
        self.run_from(entitled, seen).await
    }

    /// Reads what the decision needs, for [`Self::run_from`]. It may be read before the user is known to be entitled.
    ///
    /// # Errors
    /// [`StoreError`]; an outage is never "no logins".
    pub async fn read(self, user_key: &UserKey) -> Result<UserLogins, StoreError> {
        match self.limit {
            Some(_) => self.store.read_user_logins(user_key).await,
            None => self.store.read_register_and_device(user_key, self.device.id.as_deref()).await,
        }
    }

    /// The same for a login that was sent: its own items too, read after the register. Read before it, they could be missing
    /// although the register has moved on from them.
    async fn read_again(self, own: &LoginKey) -> Result<UserLogins, StoreError> {
        let mut seen = self.read(&own.user_key).await?;
        if seen.extent == Extent::Own {
            self.store.add_own(own, &mut seen).await?;
        }
        Ok(seen)
    }

    /// Creates the login, from what has been read. It has no deadline of its own.
    ///
    /// # Errors
    /// [`NotCreated`]; not logged yet.
    pub async fn run_from<E: Entitlement>(self, mut entitled: E, mut seen: UserLogins) -> Result<IssuedLogin, NotCreated<E::Lost>> {
        let mut issued = self.issue(&entitled)?;
        let mut backoff = Backoff::new(self.random);
        loop {
            let step = self.step(&entitled, &issued.new, &seen).await?;
            match &step {
                Step::Done => {
                    self.finish_attributes(&issued.new, &seen).await;
                    return Ok(issued);
                }
                Step::ReadLogins => {
                    let user_key = &issued.new.login.key.user_key;
                    match self.limit {
                        Some(_) => seen = self.read(user_key).await?,
                        None => self.store.add_logins(user_key, &mut seen).await?,
                    }
                    continue;
                }
                Step::RoomMade(ended) => {
                    // Nothing is read again: a login that came between has moved the register, and the transaction fails.
                    seen.logins.retain(|login_id, _| !ended.contains(login_id));
                    continue;
                }
                Step::Torn | Step::Sent(_) => backoff.wait().await,
            }
            let (renewed, read) = tokio::join!(entitled.renewed(), self.read_again(&issued.new.login.key));
            entitled = renewed.map_err(NotCreated::Lost)?;
            seen = read?;
            if let Step::Sent(register) = step
                && is_void(&seen, &issued.new.login.key.login_id, register.as_ref())
            {
                issued = self.issue(&entitled)?;
            }
        }
    }

    fn issue(self, entitled: &impl Entitlement) -> Result<IssuedLogin, MintError> {
        let mut issued = issue_login(entitled.user_id(), self.device.clone(), self.lifetimes, self.max_lifetime, self.now, self.random)?;
        issued.new.login.bound_to = self.bound_to;
        if let Some(own) = self.own {
            issued.new.login.is_impersonation = own.act().is_some();
            issued.new.own = own.clone();
        }
        Ok(issued)
    }

    /// Finishes a change of the user's attributes that an earlier request left pending. This login has them already.
    async fn finish_attributes(self, new: &NewLogin, seen: &UserLogins) {
        let Some(register) = seen.register.as_ref().filter(|register| register.attributes_pending.is_some()) else { return };
        // On the heap: one login in very many gets here.
        let finished = Box::pin(copy_to_all(self.store, &new.login.key.user_key, register, self.random));
        if let Err(error) = finished.await {
            log(Event::AttributesPending, self.fields, Some(&error));
        }
    }

    /// Decides on what was read, and writes what the decision says.
    async fn step<E: Entitlement>(self, entitled: &E, new: &NewLogin, seen: &UserLogins) -> Result<Step, NotCreated<E::Lost>> {
        let without_replaced = self.replacing.map(|own| seen.without(&own.login_id));
        match decide_login(without_replaced.as_ref().unwrap_or(seen), new, self.limit, self.now) {
            LoginDecision::Blocked => Err(NotCreated::Blocked),
            LoginDecision::Committed => Ok(Step::Done),
            LoginDecision::Torn => Ok(Step::Torn),
            LoginDecision::LimitReached => Err(NotCreated::SessionLimit),
            LoginDecision::ReadLogins => Ok(Step::ReadLogins),
            LoginDecision::EndFirst(excess) => {
                let excess: Vec<LoginId> = excess.into_iter().map(|login| login.key.login_id.clone()).collect();
                end_side_by_side(self.store, &new.login.key.user_key, excess.clone(), self.random).await?;
                Ok(Step::RoomMade(excess))
            }
            LoginDecision::Create(creation) => {
                let creation = match self.replacing {
                    Some(own) => creation.resting_on(own),
                    None => creation,
                };
                if let Some(attributes) = creation.attributes_of(new) {
                    LoginAttributes::check_fit(&attributes.user, &attributes.own)?;
                }
                let oldest = creation.oldest.iter().map(|key| key.login_id.clone()).collect();
                end_side_by_side(self.store, &new.login.key.user_key, oldest, self.random).await?;
                match entitled.write(new, &creation).await? {
                    Commit::Done => {
                        self.sweep(&creation).await;
                        Ok(Step::Done)
                    }
                    Commit::ReadAgain => Ok(Step::Sent(creation.register)),
                }
            }
        }
    }

    /// Removes the sessions of the replaced logins. Nothing depends on it.
    async fn sweep(self, creation: &LoginCreation) {
        for (key, left) in &creation.replaced {
            // Of a login that was not read, the sessions have to be found first.
            let ended = left.map_or(Ended::Unheard, |left| Ended::Now { left });
            if let Err(error) = self.store.sweep(key, ended).await {
                log(Event::CleanupFailed, self.fields, Some(&error));
            }
        }
    }
}
