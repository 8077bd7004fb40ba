//! `POST /login`: a password becomes a login with its first session.

mod hashing;
mod refusal;
mod request;

use std::{convert::Infallible, sync::Arc};

use chrono::{DateTime, Utc};
use lambda_http::{Body, Request, Response, Service, service_fn};
use latchkey::{
    backoff::Backoff,
    clock::Clock,
    config::LoginConfig,
    decision::{LoginDecision, decide_login, is_void},
    entropy::Random,
    http::pair::pair_response,
    ids::UserKey,
    model::{Device, LoginCreation, User, UserLogins, UserStatus},
    operations::{
        end_login,
        issue::{IssuedLogin, issue_login},
    },
    password::{Password, PasswordHash},
    store::{Accounts, Attempts, Commit, EndProof, StoreError},
    telling::log::{Event, Fields, log},
    throttle::{Counts, Subjects, wait_until},
    username::Username,
};

use hashing::Hashing;
use refusal::Refusal;
use request::LoginRequest;

/// The service.
pub fn service(
    accounts: Accounts,
    attempts: Attempts,
    config: LoginConfig,
    clock: Clock,
    random: Random,
) -> impl Service<Request, Response = Response<Body>, Error = Infallible, Future: Send> + Clone + Send + 'static {
    let handler = Arc::new(Handler { accounts, attempts, config, clock, hashing: Hashing::new(random.clone()), random });
    service_fn(move |request| {
        let handler = Arc::clone(&handler);
        async move { Ok(handler.answer(request).await) }
    })
}

#[derive(Debug)]
struct Handler {
    accounts: Accounts,
    attempts: Attempts,
    config: LoginConfig,
    clock: Clock,
    random: Random,
    hashing: Hashing,
}

impl Handler {
    async fn answer(&self, request: Request) -> Response<Body> {
        let now = self.clock.now();
        let fields = Fields::of(request.extensions());
        let login = match LoginRequest::read(&request) {
            Ok(login) => self.login(login, now, fields).await,
            Err(malformed) => Err(malformed.into()),
        };
        match login {
            Ok(IssuedLogin { new, pair }) => {
                log(Event::LoginSucceeded, Fields { login_id: Some(new.login.key.login_id.as_str()), ..fields }, None);
                pair_response(&pair, &new.session)
            }
            Err(refusal) => refusal.into_response(fields),
        }
    }

    async fn login(&self, request: LoginRequest, now: DateTime<Utc>, fields: Fields<'_>) -> Result<IssuedLogin, Refusal> {
        let LoginRequest { username, password, device, source_ip } = request;
        let password = Arc::new(password);
        let subjects = Subjects::of(&username, &source_ip, &self.config.throttle, now);

        // Counted before anything is known of the password.
        let counts = self.attempts.count_attempt(&subjects, &self.config.throttle, now);
        let (user, counts) = tokio::join!(self.accounts.users().read_user(&username), counts);
        let counts = counts?;
        let entitled = match self.throttled(&counts, &subjects, now) {
            Some(wait) => Err(wait),
            None => self.entitled(&username, user, &password).await,
        };
        // Only a password that was looked at counts: neither a guess that had to wait nor an outage is a failure of anybody.
        if !matches!(entitled, Ok(_) | Err(Refusal::Credentials)) {
            warn_of(self.attempts.uncount_attempt(&subjects, &counts).await, fields);
        }
        let (user, logins) = entitled?;

        let (settled, refunded) =
            tokio::join!(self.settle(&user, &password, logins, &device, now, fields), self.attempts.attempt_succeeded(&subjects, now));
        warn_of(refunded, fields);
        let issued = settled?;
        self.rehash(&user, &password, fields).await;
        Ok(issued)
    }

    /// The refusal of an attempt that has to wait.
    fn throttled(&self, counts: &Counts, subjects: &Subjects, now: DateTime<Utc>) -> Option<Refusal> {
        let (until, waits_for) = wait_until(counts, &self.config.throttle, subjects.window_ends_at, now)?;
        let milliseconds = u64::try_from((until - now).num_milliseconds()).unwrap_or(0);
        Some(Refusal::Throttled { retry_after_seconds: milliseconds.div_ceil(1000).max(1), waits_for })
    }

    /// The user whose password it is, and the user's logins: read while the password is hashed.
    async fn entitled(
        &self,
        username: &Username,
        user: Result<Option<User>, StoreError>,
        password: &Arc<Password>,
    ) -> Result<(User, UserLogins), Refusal> {
        let user = user?;
        // An unknown user costs the same two calls and the same hash as a known one.
        let user_key = UserKey::of(user.as_ref().map_or(username.as_str(), |user| &user.user_id));
        let (verified, logins) = tokio::join!(self.verify(user, password), self.accounts.store().read_user_logins(&user_key));
        let logins = logins?;
        Ok((verified?.ok_or(Refusal::Credentials)?, logins))
    }

    /// The user, if there is one, active, and the password is theirs. The same work whatever the answer.
    async fn verify(&self, user: Option<User>, password: &Arc<Password>) -> Result<Option<User>, Refusal> {
        let hash = user.as_ref().map_or_else(PasswordHash::dummy, |user| user.password_hash.clone());
        let right = self.hashing.verify(Arc::clone(password), hash).await?;
        Ok(user.filter(|user| right && user.status == UserStatus::Active))
    }

    /// Issues a login, decides, writes and reads again until it is there or refused. The front's deadline bounds it.
    async fn settle(
        &self,
        user: &User,
        password: &Arc<Password>,
        mut seen: UserLogins,
        device: &Device,
        now: DateTime<Utc>,
        fields: Fields<'_>,
    ) -> Result<IssuedLogin, Refusal> {
        let issue = |user: &User| {
            let LoginConfig { lifetimes, session_max_lifetime, .. } = self.config;
            issue_login(&user.user_id, device.clone(), lifetimes, session_max_lifetime, now, &self.random)
        };
        let mut user = user.clone();
        let mut issued = issue(&user)?;
        let mut backoff = Backoff::new(&self.random);
        loop {
            let mut sent_on = None;
            match decide_login(&seen, &issued.new, self.config.session_limit, now) {
                LoginDecision::Committed => return Ok(issued),
                LoginDecision::LimitReached => return Err(Refusal::SessionLimit),
                LoginDecision::Create(creation) => {
                    if self.accounts.create_login(&user, &issued.new, &creation).await? == Commit::Done {
                        self.sweep(&creation, fields).await;
                        return Ok(issued);
                    }
                    sent_on = Some(creation.register);
                    backoff.wait().await;
                }
                LoginDecision::Torn => backoff.wait().await,
                LoginDecision::EndFirst(excess) => {
                    for login in excess {
                        end_login(self.accounts.store(), &login.key, &EndProof::Owner, &self.random).await?;
                    }
                }
            }
            let store = self.accounts.store();
            let key = &issued.new.login.key;
            let (current, logins) = tokio::join!(self.accounts.users().read_user(&user.username), store.read_user_logins(&key.user_key));
            user = self.still_entitled(user, current?, password).await?;
            seen = logins?;
            if sent_on.is_some_and(|register| is_void(&seen, &key.login_id, register.as_ref())) {
                issued = issue(&user)?;
            }
        }
    }

    /// The password is verified again only if the users item has changed meanwhile.
    async fn still_entitled(&self, before: User, current: Option<User>, password: &Arc<Password>) -> Result<User, Refusal> {
        let unchanged = |user: &User| (&user.user_id, user.version, user.status) == (&before.user_id, before.version, before.status);
        let user = match current {
            Some(user) if unchanged(&user) => Some(user),
            changed => self.verify(changed, password).await?,
        };
        // A name that was given to somebody else meanwhile is not the user this login was issued to.
        user.filter(|user| user.user_id == before.user_id).ok_or(Refusal::Credentials)
    }

    /// Removes what the replaced logins left behind; nothing depends on it.
    async fn sweep(&self, creation: &LoginCreation, fields: Fields<'_>) {
        for (key, generation) in &creation.replaced {
            warn_of(self.accounts.store().sweep_session(key, *generation).await, fields);
        }
    }

    /// Brings the hash up to the current parameters while the password is at hand.
    async fn rehash(&self, user: &User, password: &Arc<Password>, fields: Fields<'_>) {
        if !user.password_hash.needs_rehash() {
            return;
        }
        match self.hashing.hash(Arc::clone(password)).await {
            Ok(hash) => warn_of(self.accounts.users().replace_password_hash(user, &hash).await, fields),
            Err(refusal) => log(Event::CleanupFailed, fields, Some(&refusal)),
        }
    }
}

fn warn_of(cleanup: Result<(), StoreError>, fields: Fields<'_>) {
    if let Err(error) = cleanup {
        log(Event::CleanupFailed, fields, Some(&error));
    }
}
