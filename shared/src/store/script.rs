//! A DynamoDB that answers from a script and keeps what it was asked, for tests of a request's text and of how an answer
//! is read. What DynamoDB makes of the requests is for the tests of the whole.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use aws_sdk_dynamodb::{
    Client,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig, timeout::TimeoutConfig},
};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
};
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

use super::{Accounts, Attempts, Store, Users};
use crate::dynamodb::DynamoDb;

/// One answer.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// This output.
    Output(Value),
    /// This error, as DynamoDB names it, with what comes beside it.
    Error(&'static str, Value),
    /// An answer with this status that isn't DynamoDB's: it has no code.
    Page(u16),
    /// The connection breaks.
    Lost,
    /// The answer never comes.
    Never,
}

/// What was asked: the operation, and the request.
pub(crate) type Asked = (String, Value);

/// The script of one client; answers go out in their order.
#[derive(Debug, Clone)]
pub(crate) struct Script(Arc<Mutex<(VecDeque<Answer>, Vec<Asked>)>>);

pub(crate) fn output(output: Value) -> Answer {
    Answer::Output(output)
}

pub(crate) fn error(code: &'static str) -> Answer {
    Answer::Error(code, json!({}))
}

impl Script {
    pub(crate) fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self(Arc::new(Mutex::new((answers.into_iter().collect(), Vec::new()))))
    }

    /// What was asked so far. All answers must have been fetched.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        let (left, asked) = std::mem::take(&mut *self.0.lock().unwrap());
        assert!(left.is_empty(), "never fetched: {left:?}");
        asked
    }

    pub(crate) fn store(&self) -> Store {
        self.store_trying(RetryConfig::disabled())
    }

    pub(crate) fn store_trying(&self, again: RetryConfig) -> Store {
        Store::new(self.client(again), "sessions")
    }

    pub(crate) fn users(&self) -> Users {
        self.users_trying(RetryConfig::disabled())
    }

    pub(crate) fn users_trying(&self, again: RetryConfig) -> Users {
        Users::new(self.client(again), "users")
    }

    pub(crate) fn attempts(&self) -> Attempts {
        self.attempts_trying(RetryConfig::disabled())
    }

    pub(crate) fn attempts_trying(&self, again: RetryConfig) -> Attempts {
        Attempts::new(self.client(again), "attempts")
    }

    /// A client that gives up after these times.
    pub(crate) fn dynamodb_within(&self, times: TimeoutConfig, again: RetryConfig) -> DynamoDb {
        let client = self.client(again);
        Client::from_conf(client.config().to_builder().timeout_config(times).build()).into()
    }

    fn client(&self, again: RetryConfig) -> Client {
        let connector = SharedHttpConnector::new(self.clone());
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("local"))
            .credentials_provider(Credentials::new("latchkey", "test", None, None, "test"))
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .retry_config(again)
            .build();
        Client::from_conf(config)
    }

    pub(crate) fn accounts(&self) -> Accounts {
        Accounts::new(self.store(), self.users())
    }
}

impl HttpConnector for Script {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let operation = request.headers().get("x-amz-target").and_then(|target| target.split('.').nth(1)).unwrap().to_owned();
        let body: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        let mut state = self.0.lock().unwrap();
        let answer = state.0.pop_front().unwrap_or_else(|| panic!("unexpected call: {operation} {body}"));
        state.1.push((operation, body));
        if matches!(answer, Answer::Never) {
            return HttpConnectorFuture::new(std::future::pending());
        }
        HttpConnectorFuture::ready(match answer {
            Answer::Output(output) => Ok(response(200, &output)),
            Answer::Error(code, mut beside) => {
                beside["__type"] = json!(format!("com.amazonaws.dynamodb.v20120810#{code}"));
                Ok(response(400, &beside))
            }
            Answer::Page(status) => Ok(HttpResponse::new(status.try_into().unwrap(), SdkBody::from("<html>"))),
            Answer::Lost | Answer::Never => Err(ConnectorError::io("the connection is gone".into())),
        })
    }
}

fn response(status: u16, body: &Value) -> HttpResponse {
    let mut response = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body.to_string()));
    response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
    response
}

/// An item as it goes over the wire.
pub(crate) fn wire(item: &super::Item) -> Value {
    use aws_sdk_dynamodb::types::AttributeValue;
    fn value(of: &AttributeValue) -> Value {
        match of {
            AttributeValue::S(text) => json!({"S": text}),
            AttributeValue::N(digits) => json!({"N": digits}),
            AttributeValue::B(bytes) => {
                use base64::Engine as _;
                json!({"B": base64::engine::general_purpose::STANDARD.encode(bytes)})
            }
            AttributeValue::Bool(value) => json!({"BOOL": value}),
            AttributeValue::L(list) => json!({"L": list.iter().map(value).collect::<Vec<_>>()}),
            other => panic!("{other:?}"),
        }
    }
    Value::Object(item.iter().map(|(name, each)| (name.clone(), value(each))).collect())
}
