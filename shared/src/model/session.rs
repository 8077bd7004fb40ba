//! Logins and sessions as plain data, and what one read saw of them.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::LoginAttributes;
use crate::{
    CryptoError,
    clock::later,
    dpop::{AnsweredProofs, Thumbprint},
    ids::{Generation, LoginKey},
    token::{Access, Proof, ProofHash, Refresh, SealedSeed, TokenHash},
};

/// How many rotations a login remembers the replay window of.
pub const REMEMBERED_ROTATIONS: usize = 4;

/// One sign-in on one device, from the password to the logout. The item that everything about it contends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// Where it is kept.
    pub key: LoginKey,
    /// Whose it is.
    pub user_id: String,
    /// The generation of its current session.
    pub generation: Generation,
    /// What all its tokens carry; nothing while an imported login has not been refreshed.
    pub proofs: Option<ProofHashes>,
    /// Of an imported login, the tokens it was imported with. They never change.
    pub imported: Option<ImportedPair>,
    /// When the password was given.
    pub logged_in_at: DateTime<Utc>,
    /// When its session was last replaced; at first, when the password was given.
    pub last_refreshed_at: DateTime<Utc>,
    /// Until when each of the last rotations may be replayed, newest last, [`REMEMBERED_ROTATIONS`] at most.
    pub recent_replay_untils: Vec<DateTime<Utc>>,
    /// When its newest refresh token ends.
    pub refresh_token_expires_at: DateTime<Utc>,
    /// What no refresh extends, where `SESSION_MAX_LIFETIME` was set at the login.
    pub ends_at: Option<DateTime<Utc>>,
    /// The key that its refresh tokens are bound to, since the login was made. A bearer login has none and never gets one.
    pub bound_to: Option<Thumbprint>,
    /// Where it was made.
    pub device: Device,
    /// Whether it has an item of attributes. A read that doesn't see that item is torn.
    pub has_attributes: bool,
    /// Whether another person acts as the user. It doesn't count against the user's limit.
    pub is_impersonation: bool,
}

/// Hashes of the two proofs that distinguish tokens this login issued, however old, from forgeries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofHashes {
    /// Of what all its access tokens carry.
    pub access: ProofHash<Access>,
    /// Of what all its refresh tokens carry.
    pub refresh: ProofHash<Refresh>,
}

impl ProofHashes {
    /// Both, from the one that the other is derived from.
    ///
    /// # Errors
    /// [`CryptoError`] where the crypto library refuses.
    pub fn of(proof: &Proof<Refresh>) -> Result<Self, CryptoError> {
        Ok(Self { access: proof.access_proof()?.hash(), refresh: proof.hash() })
    }
}

/// What an imported login keeps of the tokens it came with: an imported token is compared with these, always.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedPair {
    /// Hash of the access token.
    pub access_token_hash: TokenHash<Access>,
    /// Hash of the refresh token.
    pub refresh_token_hash: TokenHash<Refresh>,
    /// From this instant the refresh token is refused as unknown, even if its login lives: its alias may have been collected.
    pub known_until: DateTime<Utc>,
}

impl ImportedPair {
    /// How long after its expiry a replaced token is still known for what it is: longer than any replay window.
    pub const KNOWN_AFTER_EXPIRY: TimeDelta = TimeDelta::days(1);
}

/// What people recognise a login by. It comes from the client and the gateway, and decides nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Device {
    /// The app's id of the installation: a new login with it replaces the old one.
    pub id: Option<String>,
    /// A name for people.
    pub name: Option<String>,
    /// The User-Agent of the login request.
    pub user_agent: Option<String>,
    /// The address the gateway saw.
    pub ip: Option<String>,
}

impl Device {
    /// The id for a login that is requested with an idempotency key in place of a device.
    #[must_use]
    pub fn id_of_key(key: &str) -> String {
        crate::crypto::base64url(&crate::crypto::sha256(&[b"latchkey:device-of-key:", key.as_bytes()]))
    }

    /// The id for a `device_id` that isn't 16 to 64 URL-safe characters.
    #[must_use]
    pub fn id_of_any_form(sent: &str) -> String {
        crate::crypto::base64url(&crate::crypto::sha256(&[b"latchkey:device-id:", sent.as_bytes()]))
    }

    /// A `device_id` of any characters as a part of a key. Of one user: two users may have the same one.
    #[must_use]
    pub fn hash_of(device_id: &str) -> String {
        crate::crypto::base64url(&crate::crypto::sha256(&[b"latchkey:device:", device_id.as_bytes()]))
    }
}

/// A token pair's record: the current session of a login, until the next rotation replaces it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its login.
    pub key: LoginKey,
    /// Whose it is.
    pub user_id: String,
    /// Which one it is.
    pub generation: Generation,
    /// Hash of its access token.
    pub access_token_hash: TokenHash<Access>,
    /// From this instant the access token is refused.
    pub access_token_expires_at: DateTime<Utc>,
    /// Hash of its refresh token.
    pub refresh_token_hash: TokenHash<Refresh>,
    /// From this instant the refresh token is refused.
    pub refresh_token_expires_at: DateTime<Utc>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Whether its tokens were imported. Then an alias carries their hashes to the indexes, and not this item.
    pub imported: bool,
    /// The proofs that its login has answered. A bearer login has none.
    pub answered_proofs: AnsweredProofs,
    /// What it replaced, unless the login itself made it.
    pub predecessor: Option<Predecessor>,
}

/// What a session knows of the one it replaced: enough to answer a replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Predecessor {
    /// Hash of the refresh token that was presented.
    pub refresh_token_hash: TokenHash<Refresh>,
    /// A replay is answered until this instant, however soon the new tokens were used.
    pub replay_until: DateTime<Utc>,
    /// What is known of the first use of this session's tokens.
    pub first_use: FirstUse,
    /// The idempotency key that came with the rotation.
    pub replay_key: Option<ReplayKeyHash>,
    /// This session's own seed, for the holder of that token.
    pub sealed: SealedSeed,
}

/// Whether the client is known to have the session's tokens: it has once it uses one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FirstUse {
    /// The rotation asked for no mark, so `replay_until` alone decides.
    NotAwaited,
    /// No token was used yet. The token before is answered, however old it is.
    Awaited,
    /// A token was used. The token before is answered until this instant, for a retry that was on its way meanwhile.
    ReplayUntil(DateTime<Utc>),
}

/// How a rotation is answered again when its answer was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplayRule {
    /// For this long in any case.
    pub window: Duration,
    /// And until the new tokens are first used, however long that takes.
    pub until_first_use: bool,
}

/// Hash of an `Idempotency-Key`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayKeyHash(pub(crate) String);

impl ReplayKeyHash {
    /// The hash of a key that a client sent.
    #[must_use]
    pub fn of(key: &str) -> Self {
        Self(crate::crypto::base64url(&crate::crypto::sha256(&[b"latchkey:idempotency-key:", key.as_bytes()])))
    }
}

/// What one strongly consistent read saw of a login. DynamoDB shows a transaction's items one by one, so it may be
/// torn: a login without its session, or the reverse.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoginState {
    /// The login item.
    pub login: Option<Login>,
    /// The session items.
    pub sessions: Vec<Session>,
    /// The item of its attributes.
    pub attributes: Option<Box<LoginAttributes>>,
}

impl LoginState {
    /// Whether the login announces attributes that the read didn't see.
    #[must_use]
    pub fn lacks_attributes(&self) -> bool {
        self.attributes.is_none() && self.login.as_ref().is_some_and(|login| login.has_attributes)
    }

    /// The session of a generation.
    #[must_use]
    pub fn session(&self, generation: Generation) -> Option<&Session> {
        self.sessions.iter().find(|session| session.generation == generation)
    }
}

/// The four instants of a new session: computed once, here, and only compared ever after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expiries {
    /// When it is made.
    pub created_at: DateTime<Utc>,
    /// When its access token ends.
    pub access_token_expires_at: DateTime<Utc>,
    /// When its refresh token ends.
    pub refresh_token_expires_at: DateTime<Utc>,
}

/// How long tokens live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// Access tokens.
    pub access: Duration,
    /// Refresh tokens.
    pub refresh: Duration,
}

impl Lifetimes {
    /// The expiries of a session made at `now` for a login that ends at `ends_at` at the latest.
    #[must_use]
    pub fn from(self, now: DateTime<Utc>, ends_at: Option<DateTime<Utc>>) -> Expiries {
        let capped = |expiry: DateTime<Utc>| ends_at.map_or(expiry, |end| expiry.min(end));
        Expiries {
            created_at: now,
            access_token_expires_at: capped(later(now, self.access)),
            refresh_token_expires_at: capped(later(now, self.refresh)),
        }
    }
}
