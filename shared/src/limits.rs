//! How long a request, and each of its calls to DynamoDB, may take.

use std::time::Duration;

use aws_config::timeout::TimeoutConfig;

/// Time limits, given to the front, the authorizer and the DynamoDB client when they are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// One request, all its calls and re-reads together. It has to end before the function's own timeout, so that the
    /// answer is ours: 503 with `Retry-After`.
    pub request: Duration,
    /// Opening a connection to DynamoDB.
    pub connect: Duration,
    /// One attempt of a call. The SDK itself waits for an answer without end.
    pub attempt: Duration,
    /// One call, with all its attempts and the pauses between them.
    pub operation: Duration,
}

impl Limits {
    /// In production: everything fits into the functions' timeout of 5 seconds in the template.
    pub const PRODUCTION: Self = Self {
        request: Duration::from_millis(3_500),
        connect: Duration::from_secs(1),
        attempt: Duration::from_secs(1),
        operation: Duration::from_secs(3),
    };

    /// The limits of calls, in the SDK's form.
    #[must_use]
    pub fn timeouts(&self) -> TimeoutConfig {
        TimeoutConfig::builder()
            .connect_timeout(self.connect)
            .operation_attempt_timeout(self.attempt)
            .operation_timeout(self.operation)
            .build()
    }
}

#[cfg(test)]
mod tests {
    use aws_config::{BehaviorVersion, Region, retry::RetryConfig};
    use aws_sdk_dynamodb::{Client, config::Credentials};
    use aws_smithy_runtime_api::client::{
        http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
        orchestrator::HttpRequest,
    };
    use tokio::time::Instant;

    use super::*;

    /// A connection that is open and never answers.
    #[derive(Debug)]
    struct Silence;

    impl HttpConnector for Silence {
        fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
            HttpConnectorFuture::new(std::future::pending())
        }
    }

    /// How long a call to a silent DynamoDB takes until it fails. The clock is paused: it moves only to the next timer.
    async fn fails_after(limits: Limits, retries: RetryConfig) -> Duration {
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("latchkey", "test", None, None, "test"))
            .http_client(http_client_fn(|_, _| SharedHttpConnector::new(Silence)))
            .timeout_config(limits.timeouts())
            .retry_config(retries)
            .build();
        let since = Instant::now();
        assert!(Client::from_conf(config).list_tables().send().await.is_err());
        since.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_dynamodb_ends_an_attempt_after_one_second() {
        assert_eq!(fails_after(Limits::PRODUCTION, RetryConfig::disabled()).await, Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_dynamodb_ends_a_call_after_three_seconds() {
        // Without a limit of its own an attempt lasts as long as the call.
        let limits = Limits { attempt: Duration::from_secs(60), ..Limits::PRODUCTION };
        assert_eq!(fails_after(limits, RetryConfig::disabled()).await, Duration::from_secs(3));
        assert!(fails_after(Limits::PRODUCTION, RetryConfig::standard()).await <= Duration::from_secs(3));
    }

    #[test]
    fn a_call_ends_before_its_request_does() {
        let Limits { request, connect, attempt, operation } = Limits::PRODUCTION;
        assert!(connect <= attempt && attempt < operation && operation < request && request < Duration::from_secs(5));
    }
}
