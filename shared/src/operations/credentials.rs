//! The token that a request presents, and where its login is kept.

use crate::{
    ids::LoginKey,
    store::{Located, Store, StoreError},
    telling::{
        Refused,
        log::{Event, Fields, log},
    },
    token::{Claim, Kind, MalformedToken, PresentedToken},
};

/// What a request presents as its credentials.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Presented<'a> {
    /// Nothing that looks like a bearer token: no header, another scheme, a scheme without a token.
    Nothing,
    /// Something that can't be one token: two headers, or bytes that no token has.
    Unusable,
    /// The text after the scheme. [`crate::token::Token::parse`] decides whether it is a token.
    Token(&'a str),
}

/// Why a request goes no further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denied {
    /// It presents no token. Logged.
    Missing,
    /// Its token is not, or no longer, good. Logged.
    Invalid,
    /// The store gave no answer. Not logged yet.
    Store(StoreError),
}

impl From<StoreError> for Denied {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// The one token that the request presents. A malformed one costs no store call.
///
/// # Errors
/// [`Denied`]; logged as `refused`.
pub fn token_of<T>(
    presented: Presented<'_>,
    refused: impl FnOnce(Refused) -> Event,
    fields: Fields<'_>,
    parse: impl FnOnce(&str) -> Result<T, MalformedToken>,
) -> Result<T, Denied> {
    let (denied, why, reason) = match presented {
        Presented::Nothing => (Denied::Missing, Refused::Absent, "nothing presented".to_owned()),
        Presented::Unusable => (Denied::Invalid, Refused::Malformed, "not one token".to_owned()),
        Presented::Token(text) => match parse(text) {
            Ok(token) => return Ok(token),
            Err(malformed) => (Denied::Invalid, malformed.into(), malformed.to_string()),
        },
    };
    log(refused(why), Fields { reason: Some(&reason), ..fields }, None);
    Err(denied)
}

/// Where the login of a presented token is kept.
///
/// # Errors
/// [`Denied`]; a token that leads to no login, or to two, is logged.
pub async fn locate<K: Kind>(
    store: &Store,
    token: &PresentedToken<K>,
    claim: &Claim<K>,
    refused: impl FnOnce(Refused) -> Event,
    fields: Fields<'_>,
) -> Result<LoginKey, Denied> {
    match store.locate(token).await? {
        Located::At(key) => Ok(key),
        Located::Nowhere(why) => {
            let (hash, reason) = (claim.hash.log_prefix(), why.to_string());
            let fields = Fields { token_hash: Some(&hash), reason: Some(&reason), ..fields };
            log(why.event(refused(Refused::Unknown)), fields, None);
            Err(Denied::Invalid)
        }
    }
}
