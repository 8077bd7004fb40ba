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

    /// Where foreign password hashes are accepted, no login is refused with a 401 before this time, so that the time of a refusal
    /// doesn't show which function a user's hash is of. It covers the most work that a hash may ask for (24 Argon2ids, 1.1 s on the
    /// default memory) and the calls to DynamoDB.
    pub const REFUSED_LOGIN: Duration = Duration::from_secs(2);

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
    use super::*;

    #[test]
    fn a_call_ends_before_its_request_does() {
        let Limits { request, connect, attempt, operation } = Limits::PRODUCTION;
        assert!(connect <= attempt && attempt < operation && operation < request && request < Duration::from_secs(5));
        assert!(Limits::REFUSED_LOGIN + attempt < request, "a refusal is not cut off by the deadline");
    }
}
