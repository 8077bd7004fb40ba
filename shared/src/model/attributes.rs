//! What an API needs to know about its caller beside the user: scopes, roles, how and when the user authenticated.

use std::{borrow::Cow, collections::BTreeMap};

use chrono::{DateTime, TimeDelta, Utc};

/// Attributes of a user, of one login, or both merged. Each is a text under its name.
///
/// The constructors check every rule, so a value that exists can be stored and sent as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes(BTreeMap<String, String>);

/// What a team's own attribute may not be called.
pub const RESERVED: [&str; 5] = [SCOPE, AUTH_TIME, AMR, ACR, ACT];
const SCOPE: &str = "scope";
const AUTH_TIME: &str = "auth_time";
const AMR: &str = "amr";
const ACR: &str = "acr";
const ACT: &str = "act";
/// What the names of the team's own begin with where they stand beside others.
const PREFIX: &str = "attr_";

/// How many attributes of the team's own there may be.
pub const MAX_OWN: usize = 16;
/// How many bytes all of them take, with names and DynamoDB's overhead. The register and a login's item stay one write unit each.
pub const MAX_BYTES: usize = 700;
const MAX_NAME: usize = 32;
const MAX_VALUE: usize = 256;
const MAX_ACT: usize = 128;
/// How far a caller's clock may be ahead of ours.
const AHEAD: TimeDelta = TimeDelta::seconds(60);

/// How the user was authenticated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Authentication {
    /// When: epoch seconds.
    pub time: i64,
    /// By which methods (RFC 8176).
    pub amr: Vec<String>,
    /// In which class (OpenID Connect Core, `acr`).
    pub acr: Option<String>,
}

/// Attributes that break a rule. It says what to do, and never repeats a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.detail())]
pub enum AttributesError {
    /// More than [`MAX_OWN`].
    TooMany,
    /// A name of the wrong form.
    Name,
    /// One of [`RESERVED`].
    Reserved,
    /// A value of the wrong form.
    Value,
    /// A scope of the wrong form.
    Scope,
    /// Authenticated in the future, or before 1970.
    AuthTime,
    /// A method of the wrong form.
    Amr,
    /// A class of the wrong form.
    Acr,
    /// An actor of the wrong form.
    Act,
    /// More than [`MAX_BYTES`].
    TooLarge,
    /// The user's and the login's own together are more than [`MAX_BYTES`].
    TooLargeTogether,
}

impl AttributesError {
    /// What is wrong, and what to do.
    #[must_use]
    pub const fn detail(self) -> &'static str {
        match self {
            Self::TooMany => "`attributes` takes at most 16 names: leave some out, or put several values under one name",
            Self::Name => "a name in `attributes` takes a letter a-z, then up to 31 of a-z, 0-9 and _",
            Self::Reserved => {
                "`scope`, `auth_time`, `amr`, `acr` and `act` are reserved in `attributes`: send `scope` and `auth` beside it, or choose another name"
            }
            Self::Value => "a value in `attributes` takes 1 to 256 bytes without control characters",
            Self::Scope => "`scope` takes scopes of visible ASCII without \" and \\, with one space between two",
            Self::AuthTime => {
                "`auth.time` takes the epoch seconds of the authentication, at most 60 s in the future: check the caller's clock"
            }
            Self::Amr => "`auth.amr` takes methods of visible ASCII without spaces",
            Self::Acr => "`auth.acr` takes 1 to 256 characters of visible ASCII without spaces",
            Self::Act => "`act` takes the actor's id: 1 to 128 bytes without control characters",
            Self::TooLarge => "the attributes take over 700 bytes, names included: shorten them, or keep details in a table of your own",
            Self::TooLargeTogether => {
                "the user's attributes and the login's own take over 700 bytes together, names included: shorten them, or keep details in a table of your own"
            }
        }
    }
}

impl Attributes {
    /// The attributes with these of the team's own, in place of those that were there.
    ///
    /// # Errors
    /// [`AttributesError`], the first rule that is broken.
    pub fn with_own(mut self, own: BTreeMap<String, String>) -> Result<Self, AttributesError> {
        self.0.retain(|name, _| RESERVED.contains(&name.as_str()));
        for (name, value) in own {
            self = self.with(&name, Some(value))?;
        }
        Ok(self)
    }

    /// The attributes with one of the team's own changed, or without it.
    ///
    /// # Errors
    /// [`AttributesError`], the first rule that is broken.
    pub fn with(mut self, name: &str, value: Option<String>) -> Result<Self, AttributesError> {
        if RESERVED.contains(&name) {
            return Err(AttributesError::Reserved);
        }
        if !is_name(name) {
            return Err(AttributesError::Name);
        }
        let Some(value) = value else {
            self.0.remove(name);
            return Ok(self);
        };
        if !is_text(&value, MAX_VALUE) {
            return Err(AttributesError::Value);
        }
        self.0.insert(name.to_owned(), value);
        if self.own().count() > MAX_OWN { Err(AttributesError::TooMany) } else { self.within_size() }
    }

    /// The attributes with this scope (RFC 6749 section 3.3), or without one.
    ///
    /// # Errors
    /// [`AttributesError`].
    pub fn with_scope(self, scope: Option<&str>) -> Result<Self, AttributesError> {
        let is_scope = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'));
        match scope {
            Some(scope) if !scope.split(' ').all(is_scope) => Err(AttributesError::Scope),
            scope => self.set(SCOPE, scope.map(str::to_owned)).within_size(),
        }
    }

    /// The attributes with this authentication, in place of the one that was there.
    ///
    /// # Errors
    /// [`AttributesError`]: it lies more than a minute after `now`, say.
    pub fn with_auth(self, auth: &Authentication, now: DateTime<Utc>) -> Result<Self, AttributesError> {
        let is_token = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        if !(0..=(now + AHEAD).timestamp()).contains(&auth.time) {
            return Err(AttributesError::AuthTime);
        }
        if !auth.amr.iter().all(|method| is_token(method)) {
            return Err(AttributesError::Amr);
        }
        if !auth.acr.as_deref().is_none_or(|acr| is_token(acr) && acr.len() <= MAX_VALUE) {
            return Err(AttributesError::Acr);
        }
        let amr = (!auth.amr.is_empty()).then(|| auth.amr.join(" "));
        self.set(AUTH_TIME, Some(auth.time.to_string())).set(AMR, amr).set(ACR, auth.acr.clone()).within_size()
    }

    /// The attributes of a login in which this actor acts as the user.
    ///
    /// # Errors
    /// [`AttributesError`].
    pub fn with_act(self, act: &str) -> Result<Self, AttributesError> {
        if is_text(act, MAX_ACT) { self.set(ACT, Some(act.to_owned())).within_size() } else { Err(AttributesError::Act) }
    }

    fn set(mut self, name: &str, value: Option<String>) -> Self {
        match value {
            Some(value) => drop(self.0.insert(name.to_owned(), value)),
            None => drop(self.0.remove(name)),
        }
        self
    }

    fn within_size(self) -> Result<Self, AttributesError> {
        if self.bytes() > MAX_BYTES { Err(AttributesError::TooLarge) } else { Ok(self) }
    }

    /// How many bytes they take in an item, with names and overhead.
    /// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.iter().map(|(name, value)| name.len() + value.len() + 1).sum()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What the caller may do: scopes with a space between two.
    #[must_use]
    pub fn scope(&self) -> Option<&str> {
        self.named(SCOPE)
    }

    /// Whether this scope is among them.
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scope().is_some_and(|scopes| scopes.split(' ').any(|each| each == scope))
    }

    /// When the user was authenticated: epoch seconds.
    #[must_use]
    pub fn auth_time(&self) -> Option<i64> {
        self.named(AUTH_TIME)?.parse().ok()
    }

    /// By which methods the user was authenticated.
    pub fn amr(&self) -> impl Iterator<Item = &str> {
        self.named(AMR).into_iter().flat_map(|methods| methods.split(' '))
    }

    /// In which class the user was authenticated.
    #[must_use]
    pub fn acr(&self) -> Option<&str> {
        self.named(ACR)
    }

    /// Who acts as the user.
    #[must_use]
    pub fn act(&self) -> Option<&str> {
        self.named(ACT)
    }

    /// One of the team's own, such as `role`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        if RESERVED.contains(&name) { None } else { self.named(name) }
    }

    /// The team's own.
    pub fn own(&self) -> impl Iterator<Item = (&str, &str)> {
        self.all().filter(|(name, _)| !RESERVED.contains(name))
    }

    /// All of them, as they are stored.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// All of them under the names of a gateway's context: the team's own begin with `attr_`.
    pub fn in_context(&self) -> impl Iterator<Item = (Cow<'static, str>, &str)> {
        self.all().map(|(name, value)| match RESERVED.iter().find(|reserved| **reserved == name) {
            Some(reserved) => (Cow::Borrowed(*reserved), value),
            None => (Cow::Owned(format!("{PREFIX}{name}")), value),
        })
    }

    /// What [`Self::in_context`] wrote. Other names in the context are passed over.
    pub fn of_context<'a>(context: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let name = |name: &'a str| if RESERVED.contains(&name) { Some(name) } else { name.strip_prefix(PREFIX) };
        Self(context.into_iter().filter_map(|(key, value)| Some((name(key)?.to_owned(), value.to_owned()))).collect())
    }

    /// What was stored. `None` if it isn't in the form that is stored.
    pub(crate) fn of_stored<'a>(stored: impl IntoIterator<Item = (&'a str, &'a str)>) -> Option<Self> {
        let stored = stored.into_iter().map(|(name, value)| is_name(name).then(|| (name.to_owned(), value.to_owned())));
        let found = Self(stored.collect::<Option<_>>()?);
        let is_time = found.named(AUTH_TIME).is_none_or(|time| time.parse::<i64>().is_ok());
        is_time.then_some(found)
    }

    fn named(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

fn is_name(name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    name.len() <= MAX_NAME && name.bytes().next().is_some_and(|first| first.is_ascii_lowercase()) && name.bytes().all(is_part)
}

fn is_text(value: &str, most: usize) -> bool {
    (1..=most).contains(&value.len()) && !value.chars().any(char::is_control)
}

/// The attributes of a login: a copy of the user's, and its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginAttributes {
    /// The copy.
    pub user: Attributes,
    /// The version of the register that they were copied at. 0 if there was nothing to copy.
    pub version: u64,
    /// From issuing this login, or from a change of it alone.
    pub own: Attributes,
    /// When DynamoDB may delete the item.
    pub kept_until: DateTime<Utc>,
}

impl LoginAttributes {
    /// How much longer than its login the item is kept. So one rotation a month extends it, and not every one.
    const KEPT: TimeDelta = TimeDelta::days(31);
    /// How much longer than its login it must be there.
    const SPARE: TimeDelta = TimeDelta::days(1);

    /// Until when the item of a login that expires then is kept.
    #[must_use]
    pub fn kept_for(refresh_token_expires_at: DateTime<Utc>) -> DateTime<Utc> {
        refresh_token_expires_at + Self::KEPT
    }

    /// Until when the item has to be kept from now on, if a rotation has to extend it.
    #[must_use]
    pub fn extended(&self, refresh_token_expires_at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        (self.kept_until < refresh_token_expires_at + Self::SPARE).then(|| Self::kept_for(refresh_token_expires_at))
    }

    /// Whether both maps fit.
    ///
    /// # Errors
    /// [`AttributesError::TooLargeTogether`].
    pub fn check_fit(user: &Attributes, own: &Attributes) -> Result<(), AttributesError> {
        if user.bytes() + own.bytes() > MAX_BYTES { Err(AttributesError::TooLargeTogether) } else { Ok(()) }
    }

    /// Both. A name that is in both is the user's: a role that was given to a login can't outlive the one that the user has now.
    #[must_use]
    pub fn merged(self) -> Attributes {
        let mut merged = self.own;
        merged.0.extend(self.user.0);
        merged
    }
}

#[cfg(test)]
mod tests;
