//! Sessions that another service issued. After the import, their users don't have to log in again.
//!
//! An imported token carries no key, so an alias item in the indexes finds its login. In every other way the session is like one that
//! Latchkey issued, and the first refresh replaces it with a pair of Latchkey.

use chrono::{DateTime, Datelike as _, Utc};

use crate::{
    crypto::{base64url, sha256},
    dpop::AnsweredProofs,
    ids::{Generation, LoginId, LoginKey, USER_ID_MAX_BYTES, UserKey},
    model::{Attributes, Device, ImportedPair, Login, NewLogin, Session},
    token::{Access, ImportedToken, MalformedToken, Refresh, TokenHash},
};

/// A session from another service's table, all in text.
#[derive(Clone, Copy)]
pub struct ImportRow<'a> {
    /// The user.
    pub user_id: &'a str,
    /// 16 to 256 URL-safe characters.
    pub access_token: &'a str,
    /// 16 to 256 URL-safe characters, another one.
    pub refresh_token: &'a str,
    /// RFC 3339, with an offset.
    pub access_token_expires_at: &'a str,
    /// RFC 3339, with an offset.
    pub refresh_token_expires_at: &'a str,
}

/// The columns of an [`ImportRow`], as errors name them.
pub const COLUMNS: [&str; 5] = ["user_id", "access_token", "refresh_token", "access_token_expires_at", "refresh_token_expires_at"];

/// A row that isn't a session. The error names the column, never its value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{column} {problem}")]
pub struct ImportRowError {
    /// Which column.
    pub column: &'static str,
    /// What is wrong with it, and what it takes.
    pub problem: String,
}

/// A session to import. It holds hashes only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedSession {
    /// The user.
    pub user_id: String,
    /// Hash of its access token.
    pub access_token_hash: TokenHash<Access>,
    /// From this instant the access token is refused.
    pub access_token_expires_at: DateTime<Utc>,
    /// Hash of its refresh token.
    pub refresh_token_hash: TokenHash<Refresh>,
    /// From this instant the refresh token is refused.
    pub refresh_token_expires_at: DateTime<Utc>,
    /// The login ends at this instant, even if it is refreshed.
    pub ends_at: Option<DateTime<Utc>>,
}

impl ImportedSession {
    /// Reads a row.
    ///
    /// # Errors
    /// [`ImportRowError`] for the first column that is wrong.
    pub fn parse(row: ImportRow<'_>) -> Result<Self, ImportRowError> {
        let [user_id, access_token, refresh_token, access_expiry, refresh_expiry] = COLUMNS;
        if row.user_id.is_empty() || row.user_id.len() > USER_ID_MAX_BYTES {
            return Err(wrong(user_id, format!("takes 1 to {USER_ID_MAX_BYTES} bytes")));
        }
        let access = token(access_token, row.access_token)?;
        let refresh = token(refresh_token, row.refresh_token)?;
        if row.access_token == row.refresh_token {
            return Err(wrong(refresh_token, "is the access token: the two must differ"));
        }
        Ok(Self {
            user_id: row.user_id.to_owned(),
            access_token_hash: access.hash(),
            access_token_expires_at: instant(access_expiry, row.access_token_expires_at)?,
            refresh_token_hash: refresh.hash(),
            refresh_token_expires_at: instant(refresh_expiry, row.refresh_token_expires_at)?,
            ends_at: None,
        })
    }

    /// The same session, which ends at `end` at the latest. No token of it is valid longer, not even after a refresh.
    #[must_use]
    pub fn ending_by(self, end: DateTime<Utc>) -> Self {
        Self {
            access_token_expires_at: self.access_token_expires_at.min(end),
            refresh_token_expires_at: self.refresh_token_expires_at.min(end),
            ends_at: Some(end),
            ..self
        }
    }

    /// The login that it becomes. Importing a session again gives the same login.
    #[must_use]
    pub fn login(&self, now: DateTime<Utc>) -> NewLogin {
        let key = LoginKey { user_key: UserKey::of(&self.user_id), login_id: login_id_of(&self.refresh_token_hash) };
        let imported = ImportedPair {
            access_token_hash: self.access_token_hash.clone(),
            refresh_token_hash: self.refresh_token_hash.clone(),
            known_until: self.refresh_token_expires_at + ImportedPair::KNOWN_AFTER_EXPIRY,
        };
        let login = Login {
            key: key.clone(),
            user_id: self.user_id.clone(),
            generation: Generation::FIRST,
            proofs: None,
            imported: Some(imported),
            logged_in_at: now,
            last_refreshed_at: now,
            recent_replay_untils: Vec::new(),
            refresh_token_expires_at: self.refresh_token_expires_at,
            ends_at: self.ends_at,
            bound_to: None,
            device: Device::default(),
            has_attributes: false,
            is_impersonation: false,
        };
        let session = Session {
            key,
            user_id: self.user_id.clone(),
            generation: Generation::FIRST,
            access_token_hash: self.access_token_hash.clone(),
            access_token_expires_at: self.access_token_expires_at,
            refresh_token_hash: self.refresh_token_hash.clone(),
            refresh_token_expires_at: self.refresh_token_expires_at,
            created_at: now,
            imported: true,
            answered_proofs: AnsweredProofs::default(),
            predecessor: None,
        };
        NewLogin { login, session, own: Attributes::default() }
    }
}

/// The first 22 characters of base64url(SHA-256("latchkey:import:" + refresh token hash)).
fn login_id_of(refresh_token_hash: &TokenHash<Refresh>) -> LoginId {
    let hash = sha256(&[b"latchkey:import:", refresh_token_hash.to_text().as_bytes()]);
    LoginId::first_of(&base64url(&hash))
}

fn token(column: &'static str, text: &str) -> Result<ImportedToken, ImportRowError> {
    ImportedToken::parse(text).map_err(|malformed| match malformed {
        MalformedToken::ImportedLength => wrong(column, format!("has {} characters; a token has 16 to 256", text.chars().count())),
        MalformedToken::ImportedPrefix => wrong(column, "begins like a token of Latchkey's own, which can't be imported"),
        _ => wrong(column, "has a character other than A-Z a-z 0-9 - _, which no token may have"),
    })
}

/// Cut to the millisecond, and within the years that compare as text.
fn instant(column: &'static str, text: &str) -> Result<DateTime<Utc>, ImportRowError> {
    let instant = DateTime::parse_from_rfc3339(text)
        .map_err(|_| wrong(column, "is no RFC 3339 date and time with an offset, such as 2026-11-23T16:25:09Z"))?
        .to_utc();
    let milliseconds = DateTime::from_timestamp_millis(instant.timestamp_millis());
    milliseconds.filter(|instant| (1970..9999).contains(&instant.year())).ok_or_else(|| wrong(column, "is not in the years 1970 to 9998"))
}

fn wrong(column: &'static str, problem: impl Into<String>) -> ImportRowError {
    ImportRowError { column, problem: problem.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: ImportRow<'_> = ImportRow {
        user_id: "user-1",
        access_token: "access-0123456789",
        refresh_token: "refresh-0123456789",
        access_token_expires_at: "2026-11-23T16:25:09.123456Z",
        refresh_token_expires_at: "2026-11-30T18:25:09+02:00",
    };

    #[test]
    fn a_row_becomes_hashes_and_instants() {
        let session = ImportedSession::parse(ROW).unwrap();
        assert_eq!(session.access_token_hash.to_text(), base64url(&sha256(&[b"access-0123456789"])));
        assert_eq!(crate::clock::rfc3339(session.access_token_expires_at), "2026-11-23T16:25:09.123Z");
        assert_eq!(crate::clock::rfc3339(session.refresh_token_expires_at), "2026-11-30T16:25:09.000Z");
    }

    #[test]
    fn what_is_wrong_with_a_row_is_said_by_its_column_and_without_its_value() {
        let long = "u".repeat(129);
        for (row, column) in [
            (ImportRow { user_id: "", ..ROW }, "user_id"),
            (ImportRow { user_id: &long, ..ROW }, "user_id"),
            (ImportRow { access_token: "too-short-secret", ..ROW }, ""),
            (ImportRow { access_token: "short-secret", ..ROW }, "access_token"),
            (ImportRow { refresh_token: "with a blank secret", ..ROW }, "refresh_token"),
            (ImportRow { refresh_token: "lkr_0123456789abcdef-secret", ..ROW }, "refresh_token"),
            (ImportRow { refresh_token: ROW.access_token, ..ROW }, "refresh_token"),
            (ImportRow { access_token_expires_at: "2026-11-23 16:25", ..ROW }, "access_token_expires_at"),
            (ImportRow { access_token_expires_at: "2026-11-23T16:25:09", ..ROW }, "access_token_expires_at"),
            (ImportRow { refresh_token_expires_at: "1763915109", ..ROW }, "refresh_token_expires_at"),
            (ImportRow { refresh_token_expires_at: "+12026-11-23T16:25:09Z", ..ROW }, "refresh_token_expires_at"),
            (ImportRow { refresh_token_expires_at: "9999-11-23T16:25:09Z", ..ROW }, "refresh_token_expires_at"),
        ] {
            match ImportedSession::parse(row) {
                Ok(_) => assert_eq!(column, ""),
                Err(error) => {
                    assert_eq!(error.column, column);
                    assert!(!error.to_string().contains("secret"), "{error}");
                }
            }
        }
    }

    #[test]
    fn the_same_session_becomes_the_same_login() {
        let session = ImportedSession::parse(ROW).unwrap();
        let (first, second) = (session.login(DateTime::UNIX_EPOCH), session.login(session.access_token_expires_at));
        assert_eq!(first.login.key, second.login.key);
        assert_eq!(first.login.key.login_id.as_str(), "yP2n3b4JC9KaRXpZmSRcd7");
    }
}
