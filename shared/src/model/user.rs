//! A person's account.

use chrono::{DateTime, Utc};

use crate::{password::PasswordHash, username::Username};

/// Whether a user may log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserStatus {
    /// The user may log in.
    Active,
    /// Every login is refused.
    Disabled,
}

impl UserStatus {
    /// As it is stored and shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
        }
    }
}

/// A user, as read.
#[derive(Debug, Clone)]
pub struct User {
    /// The normalised name.
    pub username: Username,
    /// The id that sessions carry.
    pub user_id: String,
    /// Argon2id, a PHC string.
    pub password_hash: PasswordHash,
    /// Whether the user may log in.
    pub status: UserStatus,
    /// Rises with every change of the password or the status. A login commits only at the version it was decided at.
    pub version: u64,
    /// When the user was added.
    pub created_at: DateTime<Utc>,
}
