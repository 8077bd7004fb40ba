//! A user changes their own password: the session and the current password become a new login, and every other login ends.

use std::{fmt, sync::Arc};

use chrono::{DateTime, Utc};

use super::{
    attempt::Counted,
    create_login::{CreateLogin, Entitlement},
    end::end_others,
    issue::IssuedLogin,
    login::{NotLoggedIn, PasswordLogin, warn_of},
};
use crate::{
    config::Binding,
    dpop::Thumbprint,
    ids::{LoginKey, UserKey},
    model::{CurrentSession, Device, LoginCreation, NewLogin, User, UserLogins, UserStatus},
    password::{Password, PasswordHash},
    store::{Commit, StoreError},
    telling::log::Fields,
    throttle::{Subjects, Verdict},
    username::Username,
};

/// What a user sends to change their password.
pub struct PasswordChange {
    /// The session of the access token.
    pub session: CurrentSession,
    /// The user's name.
    pub username: Username,
    /// The password until now.
    pub current: Password,
    /// The password from now on, which the rules for new passwords have passed.
    pub new: Password,
    /// The client, as this request shows it. The device itself is that of the session's login.
    pub device: Device,
    /// The key that the request proves.
    pub proved: Option<Thumbprint>,
    /// The client's address from the gateway; empty if the gateway sent none.
    pub source_ip: String,
}

/// Shows nothing: the name may be a password typed into the wrong field.
impl fmt::Debug for PasswordChange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PasswordChange")
    }
}

/// Why the password was not changed, or not with all that belongs to it.
#[derive(Debug, thiserror::Error)]
pub enum PasswordNotChanged {
    /// The login of the session has ended.
    #[error("the session's login has ended")]
    SessionEnded,
    /// Neither the request nor the session's login has a key, and a login needs one.
    #[error("no proof")]
    Unbound,
    /// As of a login.
    #[error(transparent)]
    NotLoggedIn(#[from] NotLoggedIn),
}

impl From<StoreError> for PasswordNotChanged {
    fn from(error: StoreError) -> Self {
        Self::NotLoggedIn(error.into())
    }
}

/// A user whose current password was verified, and the hash of the new one.
struct ByPasswordChange<'a> {
    login: &'a PasswordLogin,
    user: User,
    current: &'a Arc<Password>,
    new: &'a PasswordHash,
    own: &'a LoginKey,
    fields: Fields<'a>,
    /// The change has been committed, and the login that came with it may have ended since.
    changed: bool,
}

impl Entitlement for ByPasswordChange<'_> {
    type Lost = PasswordNotChanged;

    fn user_id(&self) -> &str {
        &self.user.user_id
    }

    async fn write(&self, new: &NewLogin, creation: &LoginCreation) -> Result<Commit, StoreError> {
        let accounts = &self.login.accounts;
        if self.changed {
            let creation = LoginCreation { rests_on: None, ..creation.clone() };
            return accounts.create_login(&self.user, new, &creation).await;
        }
        accounts.change_password(&self.user, self.new, new, creation).await
    }

    /// Reads the login and the user again. The hash has a salt of its own, so the new one shows that this very change was committed.
    async fn renewed(self) -> Result<Self, PasswordNotChanged> {
        let accounts = &self.login.accounts;
        let state = accounts.store().read_login(self.own).await?;
        let before = &self.user;
        let unchanged = |user: &User| (&user.user_id, user.version, user.status) == (&before.user_id, before.version, before.status);
        let user = accounts.users().read_user(&before.username).await?.filter(|user| user.user_id == before.user_id);
        let user = match user {
            Some(user) if user.password_hash == *self.new && user.status == UserStatus::Active => {
                return Ok(Self { user, changed: true, ..self });
            }
            Some(user) if unchanged(&user) => user,
            changed => {
                self.login.verify(changed, self.current, self.fields).await.map_err(NotLoggedIn::from)?.ok_or(NotLoggedIn::Credentials)?
            }
        };
        // The user is unchanged and the login is gone. That alone proves nothing: in mid-commit of its own transaction one item can
        // show before the other. A transaction that asks for both doesn't pass then.
        if state.login.is_none() && accounts.is_settled_without(&user, self.own).await? == Commit::Done {
            return Err(PasswordNotChanged::SessionEnded);
        }
        Ok(Self { user, ..self })
    }
}

impl From<super::NotCreated<PasswordNotChanged>> for PasswordNotChanged {
    fn from(error: super::NotCreated<PasswordNotChanged>) -> Self {
        use super::NotCreated;
        match error {
            NotCreated::Lost(error) => error,
            // One answer for a blocked, a disabled and an unknown user.
            NotCreated::Blocked => NotLoggedIn::Credentials.into(),
            NotCreated::SessionLimit => NotLoggedIn::SessionLimit.into(),
            NotCreated::Store(error) => error.into(),
            NotCreated::Mint(error) => NotLoggedIn::Mint(error).into(),
            NotCreated::Attributes(error) => NotLoggedIn::Attributes(error).into(),
        }
    }
}

impl PasswordLogin {
    /// What a change is counted under: an attempt of that name.
    #[must_use]
    pub fn subjects_of_change(&self, change: &PasswordChange, now: DateTime<Utc>) -> Subjects {
        Subjects::of(&change.username, None, &change.source_ip, &self.config.throttle, now)
    }

    /// Counts the attempt, verifies the current password, and writes the new one together with a new login, in one transaction
    /// that also deletes the session's login. Then it ends every other login. It has no deadline of its own.
    ///
    /// # Errors
    /// [`PasswordNotChanged`]; not logged yet. After an outage the password may have been changed, and other logins may still be there.
    pub async fn change_password(
        &self,
        change: PasswordChange,
        subjects: &Subjects,
        now: DateTime<Utc>,
        fields: Fields<'_>,
    ) -> Result<IssuedLogin, PasswordNotChanged> {
        let PasswordChange { session, username, current, new, device, proved, .. } = change;
        let own = LoginKey { user_key: UserKey::of(&session.user_id), login_id: session.login_id };
        let (user, seen, state) = tokio::join!(
            self.accounts.users().read_user(&username),
            self.counting.attempts.read_counts(subjects),
            self.accounts.store().read_login(&own)
        );
        let state = state?;
        let Some(login) = state.login else { return Err(PasswordNotChanged::SessionEnded) };
        // A change is no way to lose the key: then a copied refresh token would be worth something again.
        let bound_to = proved.or(login.bound_to);
        if bound_to.is_none() && self.config.binding == Binding::Required {
            return Err(PasswordNotChanged::Unbound);
        }
        let device = Device { id: login.device.id, name: login.device.name, ..device };
        // The new login has the terms of the one before: an end that no refresh extends, and attributes of its own.
        let before = self.creation(&device, bound_to, now, fields);
        let max_lifetime = login.ends_at.map_or(before.max_lifetime, |end| Some((end - now).to_std().unwrap_or_default()));
        let attributes = state.attributes.as_ref().map(|attributes| &attributes.own).filter(|own| !own.is_empty());
        let create = CreateLogin { replacing: Some(&own), own: attributes, max_lifetime, ..before };
        let current = Arc::new(current);

        let mut counted = self.counting.admit(seen?, subjects, now).map_err(|why| NotLoggedIn::of(why, now))?;
        // A name that leads to another user costs the same work, and is refused as a wrong password.
        let user = user.map(|user| user.filter(|user| user.user_id == session.user_id));
        let (held, verified) = tokio::join!(self.counting.hold(&mut counted), self.verified(user, &own.user_key, &current, create));
        let (user, logins) = self.judged(held.map_err(|why| NotLoggedIn::of(why, now)).and(verified), &counted, fields).await?;
        let new = self.hashing.hash(Arc::new(new)).await.map_err(NotLoggedIn::from);
        let new = self.judged(new, &counted, fields).await?;
        let entitled = ByPasswordChange { login: self, user, current: &current, new: &new, own: &own, fields, changed: false };
        let (created, confirmed) = tokio::join!(create.run_from(entitled, logins), self.counting.settle(&counted, Verdict::Right));
        warn_of(confirmed, fields);
        let issued = created?;
        end_others(self.accounts.store(), &issued.new.login.key, &self.random).await?;
        Ok(issued)
    }

    /// Writes the verdict of an attempt that failed. Not before it is counted is a wrong password called wrong.
    pub(super) async fn judged<T>(
        &self,
        verified: Result<T, NotLoggedIn>,
        counted: &Counted<'_>,
        fields: Fields<'_>,
    ) -> Result<T, NotLoggedIn> {
        match verified {
            Err(NotLoggedIn::Credentials) => {
                self.counting.settle(counted, Verdict::Wrong).await?;
                Err(NotLoggedIn::Credentials)
            }
            Err(not_judged) => {
                warn_of(self.counting.settle(counted, Verdict::NotJudged).await, fields);
                Err(not_judged)
            }
            verified => verified,
        }
    }

    /// The user whose password it is. Their logins are read while the password is hashed.
    pub(super) async fn verified(
        &self,
        user: Result<Option<User>, StoreError>,
        user_key: &UserKey,
        password: &Arc<Password>,
        create: CreateLogin<'_>,
    ) -> Result<(User, UserLogins), NotLoggedIn> {
        let (verified, logins) = tokio::join!(self.verify(user?, password, create.fields), create.read(user_key));
        let logins = logins?;
        let blocked = logins.register.as_ref().is_some_and(|register| register.blocked_at.is_some());
        let user = verified?.filter(|_| !blocked).ok_or(NotLoggedIn::Credentials)?;
        Ok((user, logins))
    }
}
