//! What one user's logins contend on, and what a new login is written from.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::{Login, Session};
use crate::ids::{Generation, LoginId, LoginKey};

/// What logins and "log out everywhere" of one user contend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Register {
    /// Rises with every login and every "log out everywhere".
    pub version: u64,
    /// The login that was created last.
    pub last_login_id: LoginId,
    /// Since when no login is created for the user, by any door.
    pub blocked_at: Option<DateTime<Utc>>,
}

/// What one complete, strongly consistent read saw of a user's logins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserLogins {
    /// Absent until the first login.
    pub register: Option<Register>,
    /// The login items. Only these are counted and listed.
    pub logins: BTreeMap<LoginId, Login>,
    /// The keys of the session items.
    pub sessions: BTreeSet<(LoginId, Generation)>,
    /// The logins that were imported, including those that have ended since.
    pub aliases: BTreeSet<LoginId>,
}

/// A login that was verified and minted, and is not yet in the table.
#[derive(Debug, Clone)]
pub struct NewLogin {
    /// Its item.
    pub login: Login,
    /// Its first session.
    pub session: Session,
}

/// What a login's transaction builds on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginCreation {
    /// The register as read.
    pub register: Option<Register>,
    /// Whether the read saw the login that the register names.
    pub predecessor_seen: bool,
    /// The logins that the transaction deletes to make room, each with its generation.
    pub replaced: Vec<(LoginKey, Generation)>,
}
