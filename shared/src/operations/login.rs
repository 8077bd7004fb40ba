//! A login: a name and a password become a login with its first session.

use std::{fmt, sync::Arc};

use chrono::{DateTime, Utc};

use super::{
    attempt::{Counting, NotLookedAt},
    end::end_login,
    issue::{IssuedLogin, issue_login},
};
use crate::{
    backoff::Backoff,
    config::LoginConfig,
    decision::{LoginDecision, decide_login, is_void},
    entropy::Random,
    ids::UserKey,
    model::{Device, LoginCreation, NewLogin, Register, User, UserLogins, UserStatus},
    password::{Hashing, HashingError, Password, PasswordHash},
    store::{Accounts, Attempts, Commit, EndProof, StoreError},
    telling::log::{Event, Fields, log},
    throttle::{Subjects, Verdict, WaitsFor},
    token::MintError,
    username::Username,
};

/// Logs users in by their password.
#[derive(Debug)]
pub struct PasswordLogin {
    accounts: Accounts,
    counting: Counting,
    config: LoginConfig,
    hashing: Hashing,
    random: Random,
}

/// What a client sends to log in.
pub struct LoginAttempt {
    /// The name.
    pub username: Username,
    /// The password.
    pub password: Password,
    /// What is stored of the client's device.
    pub device: Device,
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
    /// The password could be neither verified nor hashed.
    #[error(transparent)]
    Hashing(#[from] HashingError),
}

impl NotLoggedIn {
    fn of(why: NotLookedAt, now: DateTime<Utc>) -> Self {
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

/// A user whose password was verified, with their logins as they were read.
struct Entitled {
    user: User,
    logins: UserLogins,
}

/// What stays the same through every re-read of one request.
#[derive(Clone, Copy)]
struct Asked<'a> {
    password: &'a Arc<Password>,
    device: &'a Device,
    now: DateTime<Utc>,
    fields: Fields<'a>,
}

/// What a decision has led to.
enum Step {
    /// The login is in the table.
    Done,
    /// The read caught this request's own transaction in mid-commit.
    Torn,
    /// Logins were ended to make room.
    RoomMade,
    /// A transaction built on this register was sent. It may have been committed.
    Sent(Option<Register>),
}

impl PasswordLogin {
    /// Over these tables.
    #[must_use]
    pub fn new(accounts: Accounts, attempts: Attempts, config: LoginConfig, random: Random) -> Self {
        let counting = Counting { attempts, throttle: config.throttle, random: random.clone() };
        Self { accounts, counting, config, hashing: Hashing::new(random.clone()), random }
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
        let LoginAttempt { username, password, device, .. } = attempt;
        let password = Arc::new(password);

        let (user, seen) = tokio::join!(self.accounts.users().read_user(&username), self.counting.attempts.read_counts(subjects));
        let mut counted = self.counting.admit(seen?, subjects, now).map_err(|why| NotLoggedIn::of(why, now))?;
        let (held, entitled) = tokio::join!(self.counting.hold(&mut counted), self.entitled(&username, user, &password));
        let entitled = match held.map_err(|why| NotLoggedIn::of(why, now)).and(entitled) {
            Ok(entitled) => entitled,
            // Not before it is counted is a wrong password called wrong.
            Err(NotLoggedIn::Credentials) => {
                self.counting.settle(&counted, Verdict::Wrong).await?;
                return Err(NotLoggedIn::Credentials);
            }
            Err(not_judged) => {
                warn_of(self.counting.settle(&counted, Verdict::NotJudged).await, fields);
                return Err(not_judged);
            }
        };

        let outdated = entitled.user.password_hash.needs_rehash().then(|| entitled.user.clone());
        let asked = Asked { password: &password, device: &device, now, fields };
        let (created, confirmed) = tokio::join!(self.settle(entitled, asked), self.counting.settle(&counted, Verdict::Right));
        warn_of(confirmed, fields);
        let issued = created?;
        if let Some(user) = outdated {
            self.rehash(&user, &password, fields).await;
        }
        Ok(issued)
    }

    /// The user whose password it is. Their logins are read while the password is hashed.
    async fn entitled(
        &self,
        username: &Username,
        user: Result<Option<User>, StoreError>,
        password: &Arc<Password>,
    ) -> Result<Entitled, NotLoggedIn> {
        let user = user?;
        // An unknown user costs the same two calls and the same hash as a known one.
        let user_key = UserKey::of(user.as_ref().map_or(username.as_str(), |user| &user.user_id));
        let (verified, logins) = tokio::join!(self.verify(user, password), self.accounts.store().read_user_logins(&user_key));
        let logins = logins?;
        Ok(Entitled { user: verified?.ok_or(NotLoggedIn::Credentials)?, logins })
    }

    /// The user, if they exist and are active and the password is theirs. The same work in every case.
    async fn verify(&self, user: Option<User>, password: &Arc<Password>) -> Result<Option<User>, HashingError> {
        let hash = user.as_ref().map_or_else(PasswordHash::dummy, |user| user.password_hash.clone());
        let right = self.hashing.verify(Arc::clone(password), hash).await?;
        Ok(user.filter(|user| right && user.status == UserStatus::Active))
    }

    /// Issues a login, and takes one step after another until it is in the table or refused.
    async fn settle(&self, mut entitled: Entitled, asked: Asked<'_>) -> Result<IssuedLogin, NotLoggedIn> {
        let mut issued = self.issue(&entitled.user, asked)?;
        let mut backoff = Backoff::new(&self.random);
        loop {
            let step = self.step(&entitled, &issued.new, asked).await?;
            match step {
                Step::Done => return Ok(issued),
                Step::Torn | Step::Sent(_) => backoff.wait().await,
                Step::RoomMade => {}
            }
            entitled = self.read_again(entitled.user, asked.password).await?;
            if let Step::Sent(register) = step
                && is_void(&entitled.logins, &issued.new.login.key.login_id, register.as_ref())
            {
                issued = self.issue(&entitled.user, asked)?;
            }
        }
    }

    fn issue(&self, user: &User, asked: Asked<'_>) -> Result<IssuedLogin, MintError> {
        let LoginConfig { lifetimes, session_max_lifetime, .. } = self.config;
        issue_login(&user.user_id, asked.device.clone(), lifetimes, session_max_lifetime, asked.now, &self.random)
    }

    /// Decides on what was read, and writes what the decision says.
    async fn step(&self, entitled: &Entitled, new: &NewLogin, asked: Asked<'_>) -> Result<Step, NotLoggedIn> {
        match decide_login(&entitled.logins, new, self.config.session_limit, asked.now) {
            LoginDecision::Committed => Ok(Step::Done),
            LoginDecision::Torn => Ok(Step::Torn),
            LoginDecision::LimitReached => Err(NotLoggedIn::SessionLimit),
            LoginDecision::EndFirst(excess) => {
                for login in excess {
                    end_login(self.accounts.store(), &login.key, &EndProof::Owner, &self.random).await?;
                }
                Ok(Step::RoomMade)
            }
            LoginDecision::Create(creation) => match self.accounts.create_login(&entitled.user, new, &creation).await? {
                Commit::Done => {
                    self.sweep(&creation, asked.fields).await;
                    Ok(Step::Done)
                }
                Commit::ReadAgain => Ok(Step::Sent(creation.register)),
            },
        }
    }

    /// Reads the user and their logins again. Only a users item that has changed has its password verified again.
    async fn read_again(&self, before: User, password: &Arc<Password>) -> Result<Entitled, NotLoggedIn> {
        let user_key = UserKey::of(&before.user_id);
        let (current, logins) =
            tokio::join!(self.accounts.users().read_user(&before.username), self.accounts.store().read_user_logins(&user_key));
        let unchanged = |user: &User| (&user.user_id, user.version, user.status) == (&before.user_id, before.version, before.status);
        let user = match current? {
            Some(user) if unchanged(&user) => Some(user),
            changed => self.verify(changed, password).await?,
        };
        // If the name was given to another person meanwhile, the login was not issued to them.
        let user = user.filter(|user| user.user_id == before.user_id).ok_or(NotLoggedIn::Credentials)?;
        Ok(Entitled { user, logins: logins? })
    }

    /// Removes the sessions of the replaced logins. Nothing depends on it.
    async fn sweep(&self, creation: &LoginCreation, fields: Fields<'_>) {
        for (key, generation) in &creation.replaced {
            warn_of(self.accounts.store().sweep_session(key, *generation).await, fields);
        }
    }

    /// Brings the hash up to the current parameters while the password is at hand.
    async fn rehash(&self, user: &User, password: &Arc<Password>, fields: Fields<'_>) {
        match self.hashing.hash(Arc::clone(password)).await {
            Ok(hash) => warn_of(self.accounts.users().replace_password_hash(user, &hash).await, fields),
            Err(error) => log(Event::CleanupFailed, fields, Some(&error)),
        }
    }
}

fn warn_of(cleanup: Result<(), StoreError>, fields: Fields<'_>) {
    if let Err(error) = cleanup {
        log(Event::CleanupFailed, fields, Some(&error));
    }
}
