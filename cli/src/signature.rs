//! Signature Version 4, as a caller of the back office signs a request.

use std::time::SystemTime;

use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign as signed},
    sign::v4,
};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::Request;

use crate::client::Signer;

/// Why a request can't be signed.
pub(crate) type Unsignable = Box<dyn std::error::Error + Send + Sync>;

/// Adds the headers of the signature. Without a `Host` header the signer takes the host of the URL.
pub(crate) fn sign(request: &mut Request<Bytes>, signer: &Signer, now: DateTime<Utc>) -> Result<(), Unsignable> {
    let identity = signer.credentials.clone().into();
    let signing = v4::SigningParams::builder().identity(&identity).region(&signer.region).name("execute-api").time(SystemTime::from(now));
    let headers = request.headers().iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let signable =
        SignableRequest::new(request.method().as_str(), request.uri().to_string(), headers, SignableBody::Bytes(request.body()))?;
    let (signature, _) = signed(signable, &signing.settings(SigningSettings::default()).build()?.into())?.into_parts();
    signature.apply_to_request_http1x(request);
    Ok(())
}
