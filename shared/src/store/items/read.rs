//! Reading items: each attribute as it was written, or an error that names it.

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, Utc};

use super::{
    ACCESS, ANSWERED_PROOFS, ATTRIBUTES, ATTRIBUTES_PENDING, BLOCKED_AT, BOUND_SCHEMA, BOUND_TO, HAS_ATTRIBUTES, IMPORTED_ACCESS,
    IMPORTED_REFRESH, IS_IMPERSONATION, Item, ItemError, OWN, REFRESH, SCHEMA, SortKey, USED_REPLAY_UNTIL, USERS,
};
use crate::{
    clock::parse_rfc3339,
    dpop::{AnsweredProofs, Thumbprint},
    ids::{Generation, LoginId, LoginKey, UserKey},
    model::{
        Attributes, Device, FirstUse, ImportedPair, Login, LoginAttributes, Predecessor, ProofHashes, Register, ReplayKeyHash, Session,
    },
    token::{ProofHash, SealedSeed, TokenHash},
};

/// Reads an item's attributes, naming the first that is not as written.
pub(in crate::store) struct Reader<'a> {
    pub(in crate::store) item: &'a Item,
    pub(in crate::store) kind: &'static str,
}

impl<'a> Reader<'a> {
    pub(in crate::store) fn wrong(&self, attribute: &'static str, problem: &'static str) -> ItemError {
        ItemError { item: self.kind, attribute, problem }
    }

    pub(in crate::store) fn optional_text(&self, name: &'static str) -> Result<Option<&'a str>, ItemError> {
        match self.item.get(name) {
            None => Ok(None),
            Some(AttributeValue::S(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(name, "is not a string")),
        }
    }

    pub(in crate::store) fn text(&self, name: &'static str) -> Result<&'a str, ItemError> {
        self.optional_text(name)?.ok_or_else(|| self.wrong(name, "is missing"))
    }

    pub(in crate::store) fn parsed<T>(&self, name: &'static str, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, ItemError> {
        parse(self.text(name)?).ok_or_else(|| self.wrong(name, "is malformed"))
    }

    pub(in crate::store) fn optional_number<T: std::str::FromStr>(&self, name: &'static str) -> Result<Option<T>, ItemError> {
        match self.item.get(name) {
            None => Ok(None),
            Some(AttributeValue::N(digits)) => digits.parse().map(Some).map_err(|_| self.wrong(name, "is out of range")),
            Some(_) => Err(self.wrong(name, "is not a number")),
        }
    }

    pub(in crate::store) fn number<T: std::str::FromStr>(&self, name: &'static str) -> Result<T, ItemError> {
        self.optional_number(name)?.ok_or_else(|| self.wrong(name, "is missing"))
    }

    pub(in crate::store) fn time(&self, name: &'static str) -> Result<DateTime<Utc>, ItemError> {
        self.parsed(name, parse_rfc3339)
    }

    pub(in crate::store) fn optional_time(&self, name: &'static str) -> Result<Option<DateTime<Utc>>, ItemError> {
        if self.item.contains_key(name) { self.time(name).map(Some) } else { Ok(None) }
    }

    fn optional_bool(&self, name: &'static str) -> Result<Option<bool>, ItemError> {
        match self.item.get(name) {
            None => Ok(None),
            Some(AttributeValue::Bool(value)) => Ok(Some(*value)),
            Some(_) => Err(self.wrong(name, "is not a boolean")),
        }
    }

    fn optional_map(&self, name: &'static str) -> Result<Option<Attributes>, ItemError> {
        match self.item.get(name) {
            None => Ok(None),
            Some(AttributeValue::M(map)) => {
                let texts: Option<Vec<_>> = map.iter().map(|(name, value)| Some((name.as_str(), value.as_s().ok()?.as_str()))).collect();
                texts.and_then(Attributes::of_stored).map(Some).ok_or_else(|| self.wrong(name, "is malformed"))
            }
            Some(_) => Err(self.wrong(name, "is not a map")),
        }
    }

    fn map(&self, name: &'static str) -> Result<Attributes, ItemError> {
        self.optional_map(name)?.ok_or_else(|| self.wrong(name, "is missing"))
    }

    fn times(&self, name: &'static str) -> Result<Vec<DateTime<Utc>>, ItemError> {
        let Some(AttributeValue::L(list)) = self.item.get(name) else {
            return Err(self.wrong(name, "is not a list"));
        };
        list.iter()
            .map(|each| each.as_s().ok().and_then(|text| parse_rfc3339(text)).ok_or_else(|| self.wrong(name, "is malformed")))
            .collect()
    }

    fn generation(&self) -> Result<Generation, ItemError> {
        Generation::new(self.number("generation")?).ok_or_else(|| self.wrong("generation", "is out of range"))
    }

    fn key(&self) -> Result<LoginKey, ItemError> {
        Ok(LoginKey {
            user_key: self.parsed("user_key", |text| UserKey::parse(text).ok())?,
            login_id: self.parsed("login_id", |text| LoginId::parse(text).ok())?,
        })
    }

    pub(in crate::store) fn check_schema(&self) -> Result<(), ItemError> {
        self.schema_up_to(SCHEMA).map(|_| ())
    }

    fn schema_up_to(&self, newest: u32) -> Result<u32, ItemError> {
        let schema = self.number("schema")?;
        if schema > newest { Err(self.wrong("schema", "is newer than this version of Latchkey")) } else { Ok(schema) }
    }
}

/// An item of the sessions table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredItem {
    /// What logins of one user contend on.
    Register {
        /// What it says.
        register: Register,
        /// Whose it is.
        user_id: Option<String>,
    },
    /// A login.
    Login(Box<Login>),
    /// A session.
    Session(Box<Session>),
    /// What leads an index to the imported login with this id.
    Alias(LoginId),
    /// What names the login of a device.
    Device(LoginId),
    /// The attributes of a login.
    Attributes(Box<LoginAttributes>),
    /// An item of no known kind. A later version may have written it.
    Unknown,
}

/// Reads an item of the sessions table, of any kind.
///
/// # Errors
/// [`ItemError`] names the first attribute that is not as it was written.
pub fn read_item(item: &Item) -> Result<StoredItem, ItemError> {
    let read = Reader { item, kind: "register" };
    match SortKey::of(read.text("sk")?) {
        SortKey::Register => {
            let user_id = read.optional_text("user_id")?.map(str::to_owned);
            Ok(StoredItem::Register { register: read_register(item)?, user_id })
        }
        SortKey::Login => Ok(StoredItem::Login(Box::new(read_login(item)?))),
        SortKey::Session => Ok(StoredItem::Session(Box::new(read_session(item)?))),
        SortKey::Alias(login_id) => {
            let malformed = |_| Reader { item, kind: "alias" }.wrong("sk", "is malformed");
            Ok(StoredItem::Alias(LoginId::parse(login_id).map_err(malformed)?))
        }
        SortKey::Device => Ok(StoredItem::Device(read_device(item)?)),
        SortKey::Attributes => Ok(StoredItem::Attributes(Box::new(read_attributes(item)?))),
        SortKey::Unknown => Ok(StoredItem::Unknown),
    }
}

/// Reads a register.
pub(in crate::store) fn read_register(item: &Item) -> Result<Register, ItemError> {
    let read = Reader { item, kind: "register" };
    read.check_schema()?;
    Ok(Register {
        version: read.number("version")?,
        last_login_id: read.parsed("last_login_id", |id| LoginId::parse(id).ok())?,
        logins_at_most: read.optional_number("logins_at_most")?.unwrap_or(0),
        blocked_at: read.optional_time(BLOCKED_AT)?,
        attributes: read.optional_map(ATTRIBUTES)?.unwrap_or_default(),
        attributes_pending: read.optional_number(ATTRIBUTES_PENDING)?,
    })
}

/// Reads the attributes of a login.
pub(in crate::store) fn read_attributes(item: &Item) -> Result<LoginAttributes, ItemError> {
    let read = Reader { item, kind: "attributes" };
    read.check_schema()?;
    let kept_until = DateTime::from_timestamp(read.number("ttl")?, 0).ok_or_else(|| read.wrong("ttl", "is out of range"))?;
    Ok(LoginAttributes { user: read.map(USERS)?, version: read.number("version")?, own: read.map(OWN)?, kept_until })
}

/// Reads the login that the item of a device names.
pub(in crate::store) fn read_device(item: &Item) -> Result<LoginId, ItemError> {
    let read = Reader { item, kind: "device" };
    read.check_schema()?;
    read.parsed("login_id", |id| LoginId::parse(id).ok())
}

/// Reads a login item.
///
/// # Errors
/// [`ItemError`] names the first attribute that is not as [`login_item`] writes it.
pub fn read_login(item: &Item) -> Result<Login, ItemError> {
    let read = Reader { item, kind: "login" };
    // A bound login that has lost its key must not pass for a bearer login.
    let bound_to = match read.schema_up_to(BOUND_SCHEMA)? {
        BOUND_SCHEMA => match item.get(BOUND_TO) {
            Some(AttributeValue::B(bytes)) => Some(Thumbprint::of(bytes.as_ref()).ok_or_else(|| read.wrong(BOUND_TO, "is malformed"))?),
            _ => return Err(read.wrong(BOUND_TO, "is not binary")),
        },
        _ if item.contains_key(BOUND_TO) => return Err(read.wrong("schema", "is older than a login that is bound to a key")),
        _ => None,
    };
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let generation = read.generation()?;
    let imported = match read.optional_text(IMPORTED_REFRESH)? {
        None => None,
        Some(_) => Some(ImportedPair {
            access_token_hash: read.parsed(IMPORTED_ACCESS, TokenHash::parse)?,
            refresh_token_hash: read.parsed(IMPORTED_REFRESH, TokenHash::parse)?,
            known_until: read.time("imported_known_until")?,
        }),
    };
    // An imported login has no proofs before its first rotation; any other login without them is damaged.
    let proofs = if imported.is_some() && generation == Generation::FIRST {
        None
    } else {
        Some(ProofHashes {
            access: read.parsed("access_proof_hash", ProofHash::parse)?,
            refresh: read.parsed("refresh_proof_hash", ProofHash::parse)?,
        })
    };
    Ok(Login {
        key: read.key()?,
        user_id: read.text("user_id")?.to_owned(),
        generation,
        proofs,
        imported,
        logged_in_at: read.time("logged_in_at")?,
        last_refreshed_at: read.time("last_refreshed_at")?,
        recent_replay_untils: read.times("recent_replay_untils")?,
        refresh_token_expires_at: read.time("refresh_token_expires_at")?,
        ends_at: read.optional_time("ends_at")?,
        bound_to,
        device: Device {
            id: owned(read.optional_text("device_id")?),
            name: owned(read.optional_text("device_name")?),
            user_agent: owned(read.optional_text("user_agent")?),
            ip: owned(read.optional_text("ip")?),
        },
        has_attributes: read.optional_bool(HAS_ATTRIBUTES)?.unwrap_or(false),
        is_impersonation: read.optional_bool(IS_IMPERSONATION)?.unwrap_or(false),
    })
}

/// Reads a session item.
///
/// # Errors
/// [`ItemError`] names the first attribute that is not as [`session_item`] writes it.
pub fn read_session(item: &Item) -> Result<Session, ItemError> {
    let read = Reader { item, kind: "session" };
    read.check_schema()?;
    let generation = read.generation()?;
    let predecessor = match read.optional_text("replaces")? {
        None if generation == Generation::FIRST => None,
        // Without it a replay would look like reuse, and end an honest login.
        None => return Err(read.wrong("replaces", "is missing")),
        Some(_) => Some(Predecessor {
            refresh_token_hash: read.parsed("replaces", TokenHash::parse)?,
            replay_until: read.time("replay_until")?,
            first_use: match (read.optional_bool("awaits_use")?, read.optional_time(USED_REPLAY_UNTIL)?) {
                (None | Some(false), _) => FirstUse::NotAwaited,
                (Some(true), None) => FirstUse::Awaited,
                (Some(true), Some(until)) => FirstUse::ReplayUntil(until),
            },
            replay_key: read.optional_text("replay_key_hash")?.map(|hash| ReplayKeyHash(hash.to_owned())),
            sealed: match item.get("sealed") {
                Some(AttributeValue::B(bytes)) => SealedSeed::parse(bytes.as_ref()).ok_or_else(|| read.wrong("sealed", "is malformed"))?,
                _ => return Err(read.wrong("sealed", "is not binary")),
            },
        }),
    };
    let imported = generation == Generation::FIRST && item.contains_key(IMPORTED_REFRESH);
    let [access, refresh] = if imported { [IMPORTED_ACCESS, IMPORTED_REFRESH] } else { [ACCESS, REFRESH] };
    Ok(Session {
        key: read.key()?,
        user_id: read.text("user_id")?.to_owned(),
        generation,
        access_token_hash: read.parsed(access, TokenHash::parse)?,
        access_token_expires_at: read.time("access_token_expires_at")?,
        refresh_token_hash: read.parsed(refresh, TokenHash::parse)?,
        refresh_token_expires_at: read.time("refresh_token_expires_at")?,
        created_at: read.time("created_at")?,
        imported,
        answered_proofs: match item.get(ANSWERED_PROOFS) {
            None => AnsweredProofs::default(),
            Some(AttributeValue::B(bytes)) => {
                AnsweredProofs::parse(bytes.as_ref()).ok_or_else(|| read.wrong(ANSWERED_PROOFS, "is malformed"))?
            }
            Some(_) => return Err(read.wrong(ANSWERED_PROOFS, "is not binary")),
        },
        predecessor,
    })
}
