//! The login function alone, called as the gateway calls it, for clients at any address.

use std::time::Duration;

use latchkey_cli::{
    invoke::Invoker,
    linked::{self, Given},
};
use serde_json::{Value, json};

use crate::{
    clock::TestClock,
    database::{Database, TEST_LIMITS},
    given::given,
    tap::Tap,
};

/// Longer than the function's own limits.
const LIMIT: Duration = Duration::from_secs(30);

/// The login function on a database.
pub struct Logins {
    function: Invoker,
    pub clock: TestClock,
}

/// The answer to a login attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tried {
    pub status: u64,
    /// `Retry-After`, in seconds.
    pub retry_after: Option<i64>,
}

impl Logins {
    /// The function with these settings, which take precedence over the template's.
    ///
    /// # Panics
    /// If the settings are invalid.
    #[must_use]
    pub fn over(database: &Database, settings: &[(&str, &str)]) -> Self {
        let clock = TestClock::default();
        Self::by(&given(clock.clock(), TEST_LIMITS), clock.clone(), database, settings)
    }

    /// The same with the hashes of production, for a measurement.
    ///
    /// # Panics
    /// If the settings are invalid.
    #[must_use]
    pub fn that_hash_as_in_production(database: &Database, settings: &[(&str, &str)]) -> Self {
        let clock = TestClock::default();
        let given = Given { clock: clock.clock(), limits: TEST_LIMITS, ..Given::production() };
        Self::by(&given, clock, database, settings)
    }

    /// The same by a clock whose waits take their time, for a measurement.
    #[must_use]
    pub fn that_wait(database: &Database, settings: &[(&str, &str)]) -> Self {
        Self::by(&Given { limits: TEST_LIMITS, ..Given::production() }, TestClock::default(), database, settings)
    }

    fn by(given: &Given, clock: TestClock, database: &Database, settings: &[(&str, &str)]) -> Self {
        let settings = |name: &str| settings.iter().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned());
        let client = database.tapped(&Tap::default());
        let function = linked::functions(|_| client.clone(), &database.template, &settings, given).expect("the settings");
        Self { function, clock }
    }

    /// One attempt from this address.
    ///
    /// # Panics
    /// If there is no answer.
    pub async fn try_from(&self, address: &str, username: &str, password: &str) -> Tried {
        self.try_by(address, None, username, password).await
    }

    /// One attempt from this address, by this device.
    ///
    /// # Panics
    /// If there is no answer.
    pub async fn try_by(&self, address: &str, device_id: Option<&str>, username: &str, password: &str) -> Tried {
        let answer = self.answer(address, device_id, username, password).await;
        let retry_after = answer.pointer("/headers/retry-after").and_then(Value::as_str);
        Tried {
            status: answer["statusCode"].as_u64().unwrap_or_default(),
            retry_after: retry_after.and_then(|seconds| seconds.parse().ok()),
        }
    }

    /// The function's whole answer.
    ///
    /// # Panics
    /// If there is none.
    pub async fn answer(&self, address: &str, device_id: Option<&str>, username: &str, password: &str) -> Value {
        let event = event(address, device_id, username, password);
        self.function.invoke("login", event, LIMIT).await.expect("an answer")
    }
}

/// The n-th of several million IPv4 addresses.
#[must_use]
pub fn address(n: u32) -> String {
    let [_, a, b, c] = n.to_be_bytes();
    format!("10.{a}.{b}.{c}")
}

fn event(address: &str, device_id: Option<&str>, username: &str, password: &str) -> Value {
    json!({
        "resource": "/login", "path": "/login", "httpMethod": "POST",
        "headers": {"content-type": "application/json"}, "multiValueHeaders": {"content-type": ["application/json"]},
        "queryStringParameters": null, "multiValueQueryStringParameters": null, "pathParameters": null, "stageVariables": null,
        "requestContext": {
            "resourcePath": "/login", "httpMethod": "POST", "path": "/v1/login", "protocol": "HTTP/1.1", "stage": "v1",
            "accountId": "123456789012", "apiId": "local", "requestId": "11111111-2222-3333-4444-555555555555",
            "identity": {"sourceIp": address, "userAgent": "Tester/1"},
        },
        "body": json!({"username": username, "password": password, "device_id": device_id}).to_string(),
        "isBase64Encoded": false,
    })
}
