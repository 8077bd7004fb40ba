//! `AWS_IAM` on a laptop: who signed the request?
//!
//! The signature is verified by signing the same request again with the one pair of credentials that is known here (Signature
//! Version 4, by the `aws-sigv4` crate). API Gateway's answers to a wrong signature are rendered as it words them. It differs on
//! purpose in these points:
//! - There are no policies: the one caller may call everything.
//! - A literal `+` in a query is refused. Clients of AWS sign it as a plus or as a space, so the request may be another one on AWS.
//! - Signatures in a query (presigned URLs) are not known.
//! - A message never quotes the request's header, as API Gateway's does.

mod authorization;
#[cfg(test)]
mod tests;

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use http::HeaderMap;
use subtle::ConstantTimeEq as _;

use self::authorization::Authorization;
use super::incoming::Incoming;

/// What API Gateway's signatures name (its "service").
const SERVICE: &str = "execute-api";

/// How far the time of a signature may be from the gateway's, either way.
const TOLERANCE: TimeDelta = TimeDelta::minutes(5);

/// The one principal that can sign, and its credentials.
#[derive(Debug, Clone)]
pub struct Principal {
    /// Access key, secret key and, for temporary credentials, session token.
    pub credentials: Credentials,
    /// Its ARN, as events have it.
    pub arn: String,
    /// Its unique id, as events have it.
    pub id: String,
}

impl Principal {
    /// A role of the laptop's account, with this access key and secret.
    #[must_use]
    pub fn local(access_key: &str, secret_key: &str) -> Self {
        Self {
            credentials: Credentials::new(access_key, secret_key, None, None, "latchkey dev"),
            arn: format!("arn:aws:sts::{}:assumed-role/back-office/local", crate::template::ACCOUNT),
            id: "AROALOCALBACKOFFICE00:local".to_owned(),
        }
    }
}

/// Why a request isn't taken as signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unsigned {
    #[error("Missing Authentication Token")]
    Missing,
    #[error("Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters, and a date")]
    Incomplete,
    #[error("The security token included in the request is invalid.")]
    UnknownKey,
    #[error("Credential should be scoped to the date of the request, the region of the API and the service execute-api")]
    Scope,
    #[error("'Host' must be a 'SignedHeader' in the AWS Authorization.")]
    HostNotSigned,
    #[error("Signature expired: it was made more than 5 minutes ago, by the gateway's clock")]
    Expired,
    #[error("Signature not yet current: it is from more than 5 minutes ahead, by the gateway's clock")]
    NotYetCurrent,
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing \
         method. Consult the service documentation for details."
    )]
    Mismatch,
}

/// Verifies that `principal` signed the request, for an API in `region`.
pub(super) fn verify(incoming: &Incoming, principal: &Principal, region: &str, now: DateTime<Utc>) -> Result<(), Unsigned> {
    let authorization = Authorization::of(&incoming.sent)?;
    let signed_at = signed_at(&incoming.sent)?;
    let credentials = &principal.credentials;
    if authorization.access_key != credentials.access_key_id() || session_token(&incoming.sent) != credentials.session_token() {
        return Err(Unsigned::UnknownKey);
    }
    if authorization.scope != format!("{}/{region}/{SERVICE}/aws4_request", signed_at.format("%Y%m%d")) {
        return Err(Unsigned::Scope);
    }
    if !authorization.signs("host") {
        return Err(Unsigned::HostNotSigned);
    }
    if signed_at < now - TOLERANCE {
        return Err(Unsigned::Expired);
    }
    if signed_at > now + TOLERANCE {
        return Err(Unsigned::NotYetCurrent);
    }
    let expected = signature(incoming, &authorization, credentials, region, signed_at).ok_or(Unsigned::Mismatch)?;
    let plus = incoming.query.contains('+');
    // The signer signs these without being asked to, so a request that doesn't would pass.
    let own = ["x-amz-date", "x-amz-security-token"].iter().all(|name| !incoming.sent.contains_key(*name) || authorization.signs(name));
    if own && !plus && bool::from(expected.as_bytes().ct_eq(authorization.signature.as_bytes())) { Ok(()) } else { Err(Unsigned::Mismatch) }
}

/// The signature that the request has if these credentials signed it.
fn signature(
    incoming: &Incoming,
    authorization: &Authorization<'_>,
    credentials: &Credentials,
    region: &str,
    signed_at: DateTime<Utc>,
) -> Option<String> {
    let identity = credentials.clone().into();
    let mut settings = SigningSettings::default();
    // The request says itself which headers it signs.
    settings.excluded_headers = None;
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(SERVICE)
        .time(SystemTime::from(signed_at))
        .settings(settings)
        .build()
        .ok()?
        .into();
    let headers = signed_headers(&incoming.sent, authorization)?;
    let uri = if incoming.query.is_empty() { incoming.path.clone() } else { format!("{}?{}", incoming.path, incoming.query) };
    let body = SignableBody::Bytes(&incoming.body);
    let request = SignableRequest::new(incoming.method.as_str(), uri, headers.iter().map(|(name, value)| (*name, *value)), body).ok()?;
    let (_, signature) = sign(request, &params).ok()?.into_parts();
    Some(signature)
}

/// The headers that the signature covers. Each has to be there: the signer would leave out one that isn't.
fn signed_headers<'a>(sent: &'a HeaderMap, authorization: &Authorization<'a>) -> Option<Vec<(&'a str, &'a str)>> {
    let mut headers = Vec::new();
    for name in authorization.signed_headers() {
        let values = sent.get_all(name).iter().map(|value| value.to_str().ok().map(|value| (name, value)));
        let values = values.collect::<Option<Vec<_>>>()?;
        if values.is_empty() {
            return None;
        }
        headers.extend(values);
    }
    Some(headers)
}

fn session_token(sent: &HeaderMap) -> Option<&str> {
    sent.get("x-amz-security-token")?.to_str().ok()
}

fn signed_at(sent: &HeaderMap) -> Result<DateTime<Utc>, Unsigned> {
    let date = sent.get("x-amz-date").and_then(|date| date.to_str().ok()).ok_or(Unsigned::Incomplete)?;
    NaiveDateTime::parse_from_str(date, "%Y%m%dT%H%M%SZ").map(|date| date.and_utc()).map_err(|_| Unsigned::Incomplete)
}
