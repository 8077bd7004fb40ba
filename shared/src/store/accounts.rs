//! The users table and the sessions table together, for transactions that span both.

use super::{Store, Users};

/// The two tables that a login and a change of a user are written to.
#[derive(Debug, Clone)]
pub struct Accounts {
    pub(super) store: Store,
    pub(super) users: Users,
}

impl Accounts {
    /// Transactions over `store` and `users`, by the client of `store`.
    #[must_use]
    pub fn new(store: Store, users: Users) -> Self {
        Self { store, users }
    }

    /// The sessions.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The users.
    #[must_use]
    pub fn users(&self) -> &Users {
        &self.users
    }
}
