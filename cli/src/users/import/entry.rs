//! A user of a file, whatever its format.

use latchkey::{
    ids::USER_ID_MAX_BYTES,
    password::{ForeignHash, UnreadableHash},
    username::Username,
};

use crate::rows::{BadRow, user_ids};

/// A row, or a user of a document, with its first line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) line: u64,
    pub(super) user: Result<Entered, Unusable>,
}

/// A user to import. Its `Debug` shows no hash.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entered {
    pub(super) username: Username,
    /// None where the file has no ids: then one is drawn.
    pub(super) user_id: Option<String>,
    pub(super) hash: ForeignHash,
    pub(super) disabled: bool,
}

/// Why a row becomes no user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unusable {
    Bad(BadRow),
    /// It is no person's.
    Skipped(&'static str),
}

impl From<BadRow> for Unusable {
    fn from(bad: BadRow) -> Self {
        Self::Bad(bad)
    }
}

/// What a row says of a user, still as text.
pub(super) struct Fields<'a> {
    pub(super) username: &'a str,
    pub(super) user_id: Option<&'a str>,
    pub(super) hash: Result<ForeignHash, UnreadableHash>,
    pub(super) disabled: bool,
}

impl Fields<'_> {
    pub(super) fn entered(self, user_ids_as_they_are: bool) -> Result<Entered, BadRow> {
        let username =
            Username::parse(self.username).map_err(|error| BadRow::in_column("username", format!("is no user name: {error}")))?;
        if let Some(user_id) = self.user_id {
            if user_id.is_empty() || user_id.len() > USER_ID_MAX_BYTES {
                return Err(BadRow::in_column("user_id", format!("takes 1 to {USER_ID_MAX_BYTES} bytes")));
            }
            if !user_ids_as_they_are {
                user_ids::check(user_id)?;
            }
        }
        let hash = self.hash.map_err(|error| BadRow::in_column("password_hash", error.to_string()))?;
        Ok(Entered { username, user_id: self.user_id.map(str::to_owned), hash, disabled: self.disabled })
    }
}
