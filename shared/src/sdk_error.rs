//! What an error of the SDK says of its cause, in words of our own: why DynamoDB wasn't reached, and what it throttled.
//!
//! The SDK's own texts can hold items and paths, so nothing of them is passed on but the names of tables and of limits.

use std::{error::Error, io};

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_dynamodb::types::{
    ThrottlingReason,
    error::{ProvisionedThroughputExceededException, RequestLimitExceeded, ThrottlingException, TransactionCanceledException},
};

/// An error and its causes.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| cause(*error))
}

fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    // An I/O error that wraps another error shows that error's cause as its own, and hides the error itself.
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

/// Why a request never got to DynamoDB.
#[must_use]
pub fn not_sent(error: &(dyn Error + 'static)) -> &'static str {
    causes(error).find_map(kind_of).unwrap_or("connection failed")
}

fn kind_of(error: &(dyn Error + 'static)) -> Option<&'static str> {
    if let Some(credentials) = error.downcast_ref::<CredentialsError>() {
        return Some(match credentials {
            CredentialsError::CredentialsNotLoaded(_) => "no credentials",
            CredentialsError::ProviderTimedOut(_) => "credentials timed out",
            CredentialsError::InvalidConfiguration(_) => "credentials misconfigured",
            _ => "credentials failed",
        });
    }
    if error.is::<rustls::Error>() {
        return Some("connection failed: TLS");
    }
    // The type is private to hyper-util.
    if error.to_string() == "dns error" {
        return Some("connection failed: DNS");
    }
    match error.downcast_ref::<io::Error>()?.kind() {
        io::ErrorKind::ConnectionRefused => Some("connection failed: refused"),
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => Some("connection failed: cut off"),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Some("connection failed: unreachable"),
        _ => None,
    }
}

/// A limit that DynamoDB throttled at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Throttled {
    /// The table, or `table/index`; empty if DynamoDB doesn't say.
    pub resource: String,
    /// DynamoDB's name of the limit, such as `TableReadKeyRangeThroughputExceeded`; empty if it doesn't say.
    pub limit: String,
}

/// What DynamoDB throttled, if that is what the error is about. Of several limits the first.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ThrottlingReason.html>
#[must_use]
pub fn throttled(error: &(dyn Error + 'static)) -> Option<Throttled> {
    causes(error).find_map(|error| {
        let reasons = if let Some(throttling) = error.downcast_ref::<ThrottlingException>() {
            throttling.throttling_reasons()
        } else if let Some(exceeded) = error.downcast_ref::<ProvisionedThroughputExceededException>() {
            exceeded.throttling_reasons()
        } else if let Some(exceeded) = error.downcast_ref::<RequestLimitExceeded>() {
            exceeded.throttling_reasons()
        } else {
            let cancelled = error.downcast_ref::<TransactionCanceledException>()?;
            let is_throttling = |code: &str| matches!(code, "ThrottlingError" | "ProvisionedThroughputExceeded");
            // A cancelled transaction says for which item, and not at which limit.
            cancelled.cancellation_reasons().iter().find(|reason| reason.code().is_some_and(is_throttling))?;
            &[]
        };
        Some(reasons.first().map_or_else(|| Throttled { resource: String::new(), limit: String::new() }, Throttled::by))
    })
}

impl Throttled {
    fn by(reason: &ThrottlingReason) -> Self {
        let arn = reason.resource().unwrap_or_default();
        // arn:aws:dynamodb:REGION:ACCOUNT:table/NAME, and /index/NAME after it.
        let path = arn.split_once(":table/").map_or("", |(_, path)| path).replace("/index/", "/");
        let named = |text: &str| text.chars().filter(|letter| letter.is_ascii_alphanumeric() || "_-./".contains(*letter)).collect();
        Self { resource: named(&path), limit: named(reason.reason().unwrap_or_default()) }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use aws_sdk_dynamodb::{
        Client,
        config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider, retry::RetryConfig},
        operation::query::QueryError,
    };
    use aws_smithy_http_client::{Builder, tls};

    use super::*;
    use crate::store::Store;

    /// The error of a read over a real connection to this endpoint.
    async fn error_at(endpoint: &str, credentials: SharedCredentialsProvider) -> String {
        let provider = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("local"))
            .endpoint_url(endpoint)
            .credentials_provider(credentials)
            .http_client(Builder::new().tls_provider(provider).build_https())
            .retry_config(RetryConfig::disabled())
            .build();
        Store::new(Client::from_conf(config), "sessions").warm_up().await.unwrap_err().to_string()
    }

    fn some_credentials() -> SharedCredentialsProvider {
        SharedCredentialsProvider::new(Credentials::new("latchkey", "the secret key", None, None, "test"))
    }

    #[tokio::test]
    async fn a_request_that_was_not_sent_says_why() {
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let refused = error_at(&format!("http://{closed}"), some_credentials()).await;
        assert_eq!(refused, "Query is unavailable: connection failed: refused");
        let unknown = error_at("http://latchkey.invalid", some_credentials()).await;
        assert_eq!(unknown, "Query is unavailable: connection failed: DNS");

        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let no_tls = std::thread::spawn(move || {
            use std::io::{Read as _, Write as _};
            let (mut stream, _) = listener.accept().unwrap();
            let _hello = stream.read(&mut [0; 1024]).unwrap();
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        });
        let not_tls = error_at(&format!("https://{address}"), some_credentials()).await;
        assert_eq!(not_tls, "Query is unavailable: connection failed: TLS");
        no_tls.join().unwrap();
    }

    #[derive(Debug)]
    struct Broken(fn() -> CredentialsError);

    impl aws_sdk_dynamodb::config::ProvideCredentials for Broken {
        fn provide_credentials<'a>(&'a self) -> aws_credential_types::provider::future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            aws_credential_types::provider::future::ProvideCredentials::ready(Err(self.0()))
        }
    }

    #[tokio::test]
    async fn credentials_that_are_missing_or_broken_are_told_apart() {
        for (broken, said) in [
            (Broken(CredentialsError::not_loaded_no_source), "no credentials"),
            (Broken(|| CredentialsError::invalid_configuration("a secret path")), "credentials misconfigured"),
            (Broken(|| CredentialsError::provider_error("a secret answer")), "credentials failed"),
        ] {
            let error = error_at("http://127.0.0.1:1", SharedCredentialsProvider::new(broken)).await;
            assert_eq!(error, format!("Query is unavailable: {said}"));
        }
    }

    #[test]
    fn a_throttled_table_or_index_is_named() {
        let reason = |resource: &str, limit: &str| ThrottlingReason::builder().resource(resource).reason(limit).build();
        let of = |reason| {
            let throttling = ThrottlingException::builder().set_throttling_reasons(Some(vec![reason])).build();
            throttled(&QueryError::ThrottlingException(throttling)).map(|Throttled { resource, limit }| (resource, limit))
        };
        let table = "arn:aws:dynamodb:eu-central-1:123456789012:table/latchkey-sessions";
        let said = |resource: &str, limit: &str| Some((resource.to_owned(), limit.to_owned()));
        assert_eq!(
            of(reason(table, "TableReadKeyRangeThroughputExceeded")),
            said("latchkey-sessions", "TableReadKeyRangeThroughputExceeded")
        );
        let index = format!("{table}/index/access_token_hash");
        let limit = "IndexWriteAccountLimitExceeded";
        assert_eq!(of(reason(&index, limit)), said("latchkey-sessions/access_token_hash", limit));
        assert_eq!(of(reason("anything", "a \"quote\"\n")), said("", "aquote"), "it has to fit into a line of JSON");

        let exceeded = ProvisionedThroughputExceededException::builder().throttling_reasons(reason(table, "x")).build();
        assert_eq!(throttled(&exceeded).map(|throttled| throttled.resource), Some("latchkey-sessions".to_owned()));
        let exceeded = RequestLimitExceeded::builder().throttling_reasons(reason(table, "x")).build();
        assert_eq!(throttled(&exceeded).map(|throttled| throttled.resource), Some("latchkey-sessions".to_owned()));
    }

    #[test]
    fn throttling_without_a_reason_is_still_throttling() {
        use aws_sdk_dynamodb::types::CancellationReason;
        let cancelled = |code: &str| {
            let reason = CancellationReason::builder().code(code).build();
            throttled(&TransactionCanceledException::builder().cancellation_reasons(reason).build()).is_some()
        };
        assert!(cancelled("ThrottlingError") && cancelled("ProvisionedThroughputExceeded"));
        assert!(!cancelled("ConditionalCheckFailed"));
        assert!(throttled(&ThrottlingException::builder().build()).is_some());
        assert_eq!(throttled(&io::Error::other("no word of it")), None);
    }
}
