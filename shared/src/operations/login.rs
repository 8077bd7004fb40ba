//! A login: a name and a password become a login with its first session.

use std::{fmt, sync::Arc};

use chrono::{DateTime, Utc};

use super::{
    attempt::{Counting, NotLookedAt},
    create_login::{CreateLogin, Entitlement, NotCreated},
    issue::IssuedLogin,
};
use crate::{
    config::LoginConfig,
    dpop::Thumbprint,
    entropy::Random,
    ids::UserKey,
    model::{AttributesError, Device, LoginCreation, NewLogin, User, UserLogins, UserStatus},
    password::{ForeignHashes, Hashing, HashingError, Password, PasswordHash},
    store::{Accounts, Attempts, Commit, StoreError},
    telling::log::{Event, Fields, log},
    throttle::{Subjects, Verdict, WaitsFor},
    token::MintError,
    username::Username,
};

/// Logs users in by their password.
#[derive(Debug)]
pub struct PasswordLogin {
    pub(super) accounts: Accounts,
    pub(super) counting: Counting,
    pub(super) config: LoginConfig,
    pub(super) hashing: Hashing,
    pub(super) random: Random,
}

/// What a client sends to log in.
pub struct LoginAttempt {
    /// The name.
    pub username: Username,
    /// The password.
    pub password: Password,
    /// What is stored of the client's device.
    pub device: Device,
    /// The key that the login is to be bound to.
    pub bound_to: Option<Thumbprint>,
    /// The client's address from the gateway; empty if the gateway sent none.
    pub source_ip: String,
}

/// Shows nothing: the name may be a password typed into the wrong field.
impl fmt::Debug for LoginAttempt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("LoginAttempt")
    }
}

/// Why an attempt created no login.
#[derive(Debug, thiserror::Error)]
pub enum NotLoggedIn {
    /// Unknown user, wrong password, or disabled user.
    #[error("credentials")]
    Credentials,
    /// Too many failures. No password was checked.
    #[error("throttled")]
    Throttled {
        /// When the next attempt is allowed.
        retry_after_seconds: u64,
        /// The count with the longest wait.
        waits_for: WaitsFor,
    },
    /// The user has as many logins as the settings allow.
    #[error("session limit")]
    SessionLimit,
    /// The store gave no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No session could be minted.
    #[error(transparent)]
    Mint(#[from] MintError),
    /// The login's attributes don't fit beside the user's. One by password has none of its own.
    #[error(transparent)]
    Attributes(#[from] AttributesError),
    /// The password could be neither verified nor hashed.
    #[error(transparent)]
    Hashing(#[from] HashingError),
}

impl NotLoggedIn {
    pub(super) fn of(why: NotLookedAt, now: DateTime<Utc>) -> Self {
        match why {
            NotLookedAt::Throttled { until, waits_for } => {
                let milliseconds = u64::try_from((until - now).num_milliseconds()).unwrap_or(0);
                Self::Throttled { retry_after_seconds: milliseconds.div_ceil(1000).max(1), waits_for }
            }
            NotLookedAt::Store(error) => error.into(),
            NotLookedAt::NoEntropy(error) => MintError::from(error).into(),
        }
    }
}

/// A user whose password was verified, and what verifies it again once their item has changed.
struct ByPassword<'a> {
    login: &'a PasswordLogin,
    user: User,
    password: &'a Arc<Password>,
    fields: Fields<'a>,
}

impl Entitlement for ByPassword<'_> {
    type Lost = NotLoggedIn;

    fn user_id(&self) -> &str {
        &self.user.user_id
    }

    async fn write(&self, new: &NewLogin, creation: &LoginCreation) -> Result<Commit, StoreError> {
        self.login.accounts.create_login(&self.user, new, creation).await
    }

    /// Reads the user again. Only a users item whose hash has changed has its password verified again, and only if that is as cheap as
    /// any login: a foreign hash is verified once in a request.
    async fn renewed(self) -> Result<Self, NotLoggedIn> {
        let before = &self.user;
        let unchanged = |user: &User| (&user.user_id, user.version, user.status) == (&before.user_id, before.version, before.status);
        let user = match self.login.accounts.users().read_user(&before.username).await? {
            Some(user) if unchanged(&user) => Some(user),
            // The verdict holds for the hash that it was made of. Another status is another answer.
            Some(user) if user.password_hash == before.password_hash => Some(user).filter(|user| user.status == UserStatus::Active),
            Some(user) if user.password_hash.foreign().is_some() => {
                return Err(StoreError::Unavailable { operation: "GetItem", code: "the password hash changed meanwhile".into() }.into());
            }
            changed => self.login.verify(changed, self.password, self.fields).await?,
        };
        // If the name was given to another person meanwhile, the login was not issued to them.
        let user = user.filter(|user| user.user_id == before.user_id).ok_or(NotLoggedIn::Credentials)?;
        Ok(Self { user, ..self })
    }
}

impl From<NotCreated<Self>> for NotLoggedIn {
    fn from(error: NotCreated<Self>) -> Self {
        match error {
            NotCreated::Lost(error) => error,
            // One answer for a blocked, a disabled and an unknown user.
            NotCreated::Blocked => Self::Credentials,
            NotCreated::SessionLimit => Self::SessionLimit,
            NotCreated::Store(error) => Self::Store(error),
            NotCreated::Mint(error) => Self::Mint(error),
            NotCreated::Attributes(error) => Self::Attributes(error),
        }
    }
}

impl PasswordLogin {
    /// Over these tables.
    #[must_use]
    pub fn new(accounts: Accounts, attempts: Attempts, config: LoginConfig, hashing: Hashing, random: Random) -> Self {
        let counting = Counting { attempts, throttle: config.throttle, random: random.clone() };
        Self { accounts, counting, config, hashing, random }
    }

    /// Whether a refusal has to take its time, because the time of a verification depends on the user.
    #[must_use]
    pub fn takes_foreign_hashes(&self) -> bool {
        self.config.foreign_hashes != ForeignHashes::Refused
    }

    /// What an attempt is counted under.
    #[must_use]
    pub fn subjects(&self, attempt: &LoginAttempt, now: DateTime<Utc>) -> Subjects {
        Subjects::of(&attempt.username, attempt.device.id.as_deref(), &attempt.source_ip, &self.config.throttle, now)
    }

    /// Counts the attempt, verifies the password, decides, writes, and reads again until it is settled. It has no deadline
    /// of its own.
    ///
    /// # Errors
    /// [`NotLoggedIn`]; not logged yet.
    pub async fn log_in(
        &self,
        attempt: LoginAttempt,
        subjects: &Subjects,
        now: DateTime<Utc>,
        fields: Fields<'_>,
    ) -> Result<IssuedLogin, NotLoggedIn> {
        let LoginAttempt { username, password, device, bound_to, .. } = attempt;
        let create = self.creation(&device, bound_to, now, fields);
        let password = Arc::new(password);

        let (user, seen) = tokio::join!(self.accounts.users().read_user(&username), self.counting.attempts.read_counts(subjects));
        let mut counted = self.counting.admit(seen?, subjects, now).map_err(|why| NotLoggedIn::of(why, now))?;
        let (held, entitled) = tokio::join!(self.counting.hold(&mut counted), self.entitled(&username, user, &password, create));
        let entitled = held.map_err(|why| NotLoggedIn::of(why, now)).and(entitled);
        let (entitled, logins) = self.judged(entitled, &counted, fields).await?;

        let outdated = entitled.user.password_hash.is_to_be_replaced(&password, self.hashing.costs()).then(|| entitled.user.clone());
        let (created, confirmed) = tokio::join!(create.run_from(entitled, logins), self.counting.settle(&counted, Verdict::Right));
        warn_of(confirmed, fields);
        let issued = created?;
        if let Some(user) = outdated {
            self.rehash(&user, &password, fields).await;
        }
        Ok(issued)
    }

    pub(super) fn creation<'a>(
        &'a self,
        device: &'a Device,
        bound_to: Option<Thumbprint>,
        now: DateTime<Utc>,
        fields: Fields<'a>,
    ) -> CreateLogin<'a> {
        CreateLogin {
            store: self.accounts.store(),
            device,
            own: None,
            lifetimes: self.config.lifetimes,
            max_lifetime: self.config.session_max_lifetime,
            limit: self.config.session_limit,
            bound_to,
            replacing: None,
            now,
            random: &self.random,
            fields,
        }
    }

    /// The user whose password it is. Their logins are read while the password is hashed.
    async fn entitled<'a>(
        &'a self,
        username: &Username,
        user: Result<Option<User>, StoreError>,
        password: &'a Arc<Password>,
        create: CreateLogin<'a>,
    ) -> Result<(ByPassword<'a>, UserLogins), NotLoggedIn> {
        let user = user?;
        // An unknown user costs the same two calls and the same hash as a known one.
        let user_key = UserKey::of(user.as_ref().map_or(username.as_str(), |user| &user.user_id));
        let (user, logins) = self.verified(Ok(user), &user_key, password, create).await?;
        Ok((ByPassword { login: self, user, password, fields: create.fields }, logins))
    }

    /// The user, if they exist and are active and the password is theirs. The same work in every case but that of a foreign hash,
    /// whose refusal takes as long as any other by [`crate::limits::Limits::REFUSED_LOGIN`].
    pub(super) async fn verify(
        &self,
        user: Option<User>,
        password: &Arc<Password>,
        fields: Fields<'_>,
    ) -> Result<Option<User>, HashingError> {
        // A hash that can't be verified is refused like a wrong password, at the cost of one.
        let hash = match &user {
            None => PasswordHash::none(),
            Some(user) => match self.config.foreign_hashes.admit(&user.password_hash) {
                Ok(()) => user.password_hash.clone(),
                Err(reason) => {
                    let account = Subjects::account_pseudonym(&user.username);
                    log(Event::PasswordHashUnusable, Fields { account: Some(&account), reason: Some(reason), ..fields }, None);
                    PasswordHash::none()
                }
            },
        };
        let right = self.hashing.verify(Arc::clone(password), hash).await?;
        Ok(user.filter(|user| right && user.status == UserStatus::Active))
    }

    /// Brings the hash up to the current parameters while the password is at hand.
    async fn rehash(&self, user: &User, password: &Arc<Password>, fields: Fields<'_>) {
        match self.hashing.hash(Arc::clone(password)).await {
            Ok(hash) => warn_of(self.accounts.users().replace_password_hash(user, &hash).await.map(drop), fields),
            Err(error) => log(Event::CleanupFailed, fields, Some(&error)),
        }
    }
}

pub(super) fn warn_of(cleanup: Result<(), StoreError>, fields: Fields<'_>) {
    if let Err(error) = cleanup {
        log(Event::CleanupFailed, fields, Some(&error));
    }
}
