//! The checks of RFC 9449 section 4.3, in the order of their price: the signature last.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use serde::de::DeserializeOwned;

use super::{
    BadProof, NormalUrl, ProofId, Thumbprint,
    claims::{Claims, Header},
    key::PublicKey,
};
use crate::crypto::{base64url, sha256};

/// How far a client's clock may be off, either way.
pub const TOLERANCE: TimeDelta = TimeDelta::minutes(5);
/// How much longer a proof is remembered than it is accepted: the clock that remembers may be ahead of the one that accepts.
pub const CLOCKS: TimeDelta = TimeDelta::minutes(1);
/// The longest proof. The largest that a known library makes has 546 bytes.
const MAX_BYTES: usize = 4096;

/// The request that a proof came with.
#[derive(Debug, Clone, Copy)]
pub struct ProvedRequest<'a> {
    /// Its method.
    pub method: &'a str,
    /// The URLs by which clients reach the route.
    pub urls: &'a [NormalUrl],
    /// The token that came with it.
    pub token: Option<&'a str>,
    /// When it arrived.
    pub now: DateTime<Utc>,
}

/// What a good proof says: who has signed this request has the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Possession {
    /// The key.
    pub key: Thumbprint,
    /// Which of the key's proofs it is.
    pub id: ProofId,
    /// From this instant no clock accepts it any more.
    pub good_until: DateTime<Utc>,
}

/// Checks a proof. Whether the key is the login's, and whether the proof was answered before, only the table says.
///
/// # Errors
/// [`BadProof`], the first check that fails.
pub fn check(proof: &str, request: ProvedRequest<'_>) -> Result<Possession, BadProof> {
    if proof.len() > MAX_BYTES {
        return Err(BadProof::TooLong);
    }
    let (signed, signature) = proof.rsplit_once('.').ok_or(BadProof::Malformed)?;
    let (header, payload) = signed.split_once('.').ok_or(BadProof::Malformed)?;
    let header: Header = object(header)?;
    let claims: Claims = object(payload)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| BadProof::Malformed)?;
    if header.typ != "dpop+jwt" {
        return Err(BadProof::Type);
    }
    if header.crit {
        return Err(BadProof::Critical);
    }
    let key = PublicKey::of(&header.alg, &header.jwk)?;
    let id = ProofId::of(&claims.jti).ok_or(BadProof::Malformed)?;
    if claims.htm != request.method {
        return Err(BadProof::Method);
    }
    if NormalUrl::parse(&claims.htu).is_none_or(|url| !request.urls.contains(&url)) {
        return Err(BadProof::Url);
    }
    let good_until = in_time(&claims, request.now).ok_or(BadProof::Time)?;
    if let (Some(hash), Some(token)) = (&claims.ath, request.token)
        && *hash != base64url(&sha256(&[token.as_bytes()]))
    {
        return Err(BadProof::TokenHash);
    }
    key.verify(signed, &signature)?;
    Ok(Possession { key: key.thumbprint(), id, good_until })
}

/// A part of the proof. The JSON has to be an object: a typed reader would take a list as well.
fn object<T: DeserializeOwned>(part: &str) -> Result<T, BadProof> {
    let json = URL_SAFE_NO_PAD.decode(part).map_err(|_| BadProof::Malformed)?;
    if json.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return Err(BadProof::Malformed);
    }
    serde_json::from_slice(&json).map_err(|_| BadProof::Malformed)
}

/// Whether `iat`, `exp` and `nbf` fit the time; then, from when no clock accepts the proof any more. `exp` may shorten a proof's
/// life no further than the tolerance, since it is by the same clock as `iat`.
fn in_time(claims: &Claims, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let issued = instant(claims.iat)?;
    let good_until = good_until(issued, now)?;
    let begun = claims.nbf.map_or(Some(true), |nbf| instant(nbf).map(|nbf| now >= nbf - TOLERANCE))?;
    let ended = claims.exp.map_or(Some(false), |exp| instant(exp).map(|exp| now >= exp + TOLERANCE))?;
    (begun && !ended).then_some(good_until)
}

/// From when no clock accepts a proof of this time any more. `None` where it isn't accepted now.
#[must_use]
pub fn good_until(issued: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    ((now - issued).abs() <= TOLERANCE).then(|| whole_seconds(issued + TOLERANCE + CLOCKS))
}

/// A NumericDate, which may have a fraction (RFC 7519 section 2).
fn instant(seconds: f64) -> Option<DateTime<Utc>> {
    let since = TimeDelta::from_std(Duration::try_from_secs_f64(seconds).ok()?).ok()?;
    // Far enough from the end of all time that a tolerance can be added.
    DateTime::UNIX_EPOCH.checked_add_signed(since).filter(|instant| instant.timestamp() < i64::from(u32::MAX))
}

/// Up to the next whole second: so it is stored.
fn whole_seconds(instant: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp(instant.timestamp() + i64::from(instant.timestamp_subsec_nanos() > 0), 0).unwrap_or(instant)
}

#[cfg(test)]
mod tests;
