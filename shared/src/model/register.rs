//! What one user's logins contend on, and what a new login is written from.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::{Attributes, Login, LoginAttributes, Session};
use crate::ids::{Generation, LoginId, LoginKey};

/// What logins and "log out everywhere" of one user contend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Register {
    /// Rises with every login and every "log out everywhere".
    pub version: u64,
    /// The login that was created last.
    pub last_login_id: LoginId,
    /// The user has at most so many logins: those of the last complete read, and one for each login since. Ends don't lower it.
    pub logins_at_most: u32,
    /// Since when no login is created for the user, by any door.
    pub blocked_at: Option<DateTime<Utc>>,
    /// The user's attributes. Each login has a copy of them.
    pub attributes: Attributes,
    /// The version of a change of the attributes that not every login is known to have yet.
    pub attributes_pending: Option<u64>,
}

/// What was read of a user's logins, strongly consistent, the register first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserLogins {
    /// Absent until the first login.
    pub register: Option<Register>,
    /// The login items, as far as they were read. Only these are counted and listed.
    pub logins: BTreeMap<LoginId, Login>,
    /// Which of the login items were read.
    pub extent: Extent,
    /// The keys of the session items that were read.
    pub sessions: BTreeSet<(LoginId, Generation)>,
    /// The logins that were imported, including those that have ended since.
    pub aliases: BTreeSet<LoginId>,
    /// The item of the device that logs in.
    pub device: DeviceItem,
}

/// Which of a user's logins were read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Extent {
    /// At most the request's own.
    #[default]
    Own,
    /// A part of them: there were too many for one request.
    Part,
    /// All.
    All,
}

/// The item that names the login of a device. Without it, a login would have to read all logins of the user to find the one
/// that it replaces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum DeviceItem {
    /// Not read, and must not be written.
    #[default]
    Untouched,
    /// The user has no register yet.
    Absent,
    /// It names this login, which may have ended since.
    Names(LoginId),
}

/// A login that was verified and minted, and is not yet in the table.
#[derive(Debug, Clone)]
pub struct NewLogin {
    /// Its item.
    pub login: Login,
    /// Its first session.
    pub session: Session,
    /// Its own attributes. The user's are copied beside them.
    pub own: Attributes,
}

impl LoginCreation {
    /// The attributes that the login begins with: a copy of the user's, and its own. `None` if there are neither.
    #[must_use]
    pub fn attributes_of(&self, new: &NewLogin) -> Option<LoginAttributes> {
        let register = self.register.as_ref();
        let user = register.map_or_else(Attributes::default, |register| register.attributes.clone());
        if user.is_empty() && new.own.is_empty() {
            return None;
        }
        Some(LoginAttributes {
            user,
            version: register.map_or(0, |register| register.version),
            own: new.own.clone(),
            kept_until: LoginAttributes::kept_for(new.login.refresh_token_expires_at),
        })
    }
}

/// The items that a deleted login leaves behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeftBehind {
    /// The session of this generation.
    pub generation: Generation,
    /// Its attributes, if it had some.
    pub has_attributes: bool,
}

impl From<&Login> for LeftBehind {
    fn from(login: &Login) -> Self {
        Self { generation: login.generation, has_attributes: login.has_attributes }
    }
}

/// What a login's transaction builds on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoginCreation {
    /// The register as read.
    pub register: Option<Register>,
    /// Whether the login that the register names was seen. `None` where it wasn't looked for: the decision doesn't depend on it.
    pub predecessor_seen: Option<bool>,
    /// The logins that the transaction deletes to make room, each with what it leaves behind if it was read.
    pub replaced: Vec<(LoginKey, Option<LeftBehind>)>,
    /// The user's oldest logins, beyond the ceiling. They are ended before the transaction.
    pub oldest: Vec<LoginKey>,
    /// The register's new upper bound.
    pub logins_at_most: u32,
    /// The item of the login's device, as read.
    pub device: DeviceItem,
    /// Which of the replaced logins must still be there: the request rests on it.
    pub rests_on: Option<LoginId>,
}

impl LoginCreation {
    /// The same, in place of `own`, which must still be there.
    #[must_use]
    pub fn resting_on(mut self, own: &LoginKey) -> Self {
        if !self.replaced.iter().any(|(key, _)| key == own) {
            self.replaced.push((own.clone(), None));
        }
        Self { rests_on: Some(own.login_id.clone()), ..self }
    }
}

impl UserLogins {
    /// The same without one login: it is replaced, so it doesn't count.
    #[must_use]
    pub fn without(&self, login_id: &LoginId) -> Self {
        let mut others = self.clone();
        others.logins.remove(login_id);
        others
    }
}
