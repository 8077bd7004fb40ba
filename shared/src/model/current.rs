//! The session that an allowed access token belongs to.

use chrono::{DateTime, Utc};

use super::{Attributes, Session};
use crate::ids::{Generation, LoginId};

/// Who is asking, for handlers behind an access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentSession {
    /// The user.
    pub user_id: String,
    /// The login.
    pub login_id: LoginId,
    /// Which session of it.
    pub generation: Generation,
    /// When the access token expires.
    pub access_token_expires_at: DateTime<Utc>,
    /// When the refresh token beside it expires.
    pub refresh_token_expires_at: DateTime<Utc>,
    /// What the user may do, and how they were authenticated, as it is now.
    pub attributes: Attributes,
}

impl CurrentSession {
    /// The session, with its login's attributes.
    #[must_use]
    pub fn of(session: &Session, attributes: Attributes) -> Self {
        Self {
            user_id: session.user_id.clone(),
            login_id: session.key.login_id.clone(),
            generation: session.generation,
            access_token_expires_at: session.access_token_expires_at,
            refresh_token_expires_at: session.refresh_token_expires_at,
            attributes,
        }
    }
}
