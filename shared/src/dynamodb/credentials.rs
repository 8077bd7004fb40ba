//! Whose signature requests have, for as long as it may be used.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider, provider::error::CredentialsError};
use chrono::{DateTime, TimeDelta, Utc};

use super::sign::Signer;

/// Credentials that don't say when they expire are asked for again after this time, as the SDK does.
const WITHOUT_EXPIRY: TimeDelta = TimeDelta::minutes(15);

/// A request may be on its way while its credentials expire.
const BEFORE_EXPIRY: TimeDelta = TimeDelta::seconds(10);

/// The signers of one region, made from what a provider of credentials gives.
pub struct Signers {
    provider: SharedCredentialsProvider,
    region: String,
    current: Mutex<Option<Current>>,
    /// Calls side by side ask the provider once.
    asking: tokio::sync::Mutex<()>,
}

struct Current {
    signer: Arc<Signer>,
    until: DateTime<Utc>,
}

impl Signers {
    /// Signers for `region`.
    pub fn new(provider: SharedCredentialsProvider, region: impl Into<String>) -> Self {
        Self { provider, region: region.into(), current: Mutex::default(), asking: tokio::sync::Mutex::default() }
    }

    /// The signer to use at `now`. A signature's key is made for one day.
    pub(super) async fn at(&self, now: DateTime<Utc>) -> Result<Arc<Signer>, CredentialsError> {
        if let Some(signer) = self.known(now) {
            return Ok(signer);
        }
        let _alone = self.asking.lock().await;
        if let Some(signer) = self.known(now) {
            return Ok(signer);
        }
        let credentials = aws_credential_types::provider::ProvideCredentials::provide_credentials(&self.provider).await?;
        let signer = Arc::new(Signer::new(&credentials, &self.region, now.date_naive()));
        let until = until(&credentials, now);
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(Current { signer: Arc::clone(&signer), until });
        Ok(signer)
    }

    fn known(&self, now: DateTime<Utc>) -> Option<Arc<Signer>> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let usable = |current: &&Current| now < current.until && current.signer.day() == now.date_naive();
        current.as_ref().filter(usable).map(|current| Arc::clone(&current.signer))
    }
}

fn until(credentials: &Credentials, now: DateTime<Utc>) -> DateTime<Utc> {
    match credentials.expiry() {
        Some(expiry) => DateTime::<Utc>::from(expiry) - BEFORE_EXPIRY,
        None => now + WITHOUT_EXPIRY,
    }
}

impl fmt::Debug for Signers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Signers")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use aws_credential_types::provider::{ProvideCredentials, future};

    use super::*;
    use crate::clock::parse_rfc3339;

    /// Gives keys with the number of the question in them.
    #[derive(Debug, Default)]
    struct Numbered {
        asked: AtomicU32,
        expiry: Option<std::time::SystemTime>,
    }

    impl ProvideCredentials for Numbered {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let number = self.asked.fetch_add(1, Ordering::Relaxed);
            future::ProvideCredentials::ready(Ok(Credentials::new(format!("KEY{number}"), "secret", None, self.expiry, "test")))
        }
    }

    async fn keys(expiry: Option<&str>, times: &[&str]) -> Vec<String> {
        let expiry = expiry.map(|text| parse_rfc3339(text).unwrap().into());
        let signers = Signers::new(SharedCredentialsProvider::new(Numbered { expiry, ..Numbered::default() }), "eu-central-1");
        let mut keys = Vec::new();
        for time in times {
            keys.push(signers.at(parse_rfc3339(time).unwrap()).await.unwrap().access_key_id().to_owned());
        }
        keys
    }

    #[tokio::test]
    async fn credentials_without_an_expiry_are_asked_for_every_quarter_of_an_hour() {
        let times = ["2026-11-28T12:00:00.000Z", "2026-11-28T12:14:59.999Z", "2026-11-28T12:15:00.000Z", "2026-11-28T12:29:00.000Z"];
        assert_eq!(keys(None, &times).await, ["KEY0", "KEY0", "KEY1", "KEY1"]);
    }

    #[tokio::test]
    async fn credentials_are_replaced_before_they_expire() {
        let times = ["2026-11-28T12:00:00.000Z", "2026-11-28T17:59:49.999Z", "2026-11-28T17:59:50.000Z"];
        assert_eq!(keys(Some("2026-11-28T18:00:00.000Z"), &times).await, ["KEY0", "KEY0", "KEY1"]);
    }

    #[tokio::test]
    async fn a_key_signs_for_one_day() {
        let times = ["2026-11-28T23:59:59.999Z", "2026-11-29T00:00:00.000Z"];
        assert_eq!(keys(Some("2026-12-28T18:00:00.000Z"), &times).await, ["KEY0", "KEY1"]);
    }
}
