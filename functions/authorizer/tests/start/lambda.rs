//! A stand-in for Lambda's API towards a function (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>).

use std::{
    io::Read as _,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::IntoResponse,
    routing::{get, post},
};
use serde_json::Value;
use tokio::{
    net::TcpListener,
    sync::{
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
        oneshot,
    },
};

const IDENTIFIER: &str = "00000000-0000-4000-8000-000000000000";

/// What becomes of the registration of an extension.
#[derive(Clone, Copy)]
pub(crate) enum Extensions {
    /// As on Lambda.
    Served,
    /// As on an emulator without that API.
    Missing,
    /// Refused by an API that has extensions.
    Refused,
    /// Accepted after the function has stopped waiting for it.
    Late,
}

#[derive(Clone)]
struct Api {
    extensions: Extensions,
    /// What the extension registered for, when it asks for an event.
    extension: UnboundedSender<String>,
    registered: Arc<Mutex<String>>,
    asks: UnboundedSender<oneshot::Sender<Value>>,
    answers: UnboundedSender<Value>,
}

/// A function in its environment.
pub(crate) struct Lambda {
    function: Child,
    extension: UnboundedReceiver<String>,
    asks: UnboundedReceiver<oneshot::Sender<Value>>,
    asked: Option<oneshot::Sender<Value>>,
    answers: UnboundedReceiver<Value>,
}

impl Lambda {
    pub(crate) async fn start(extensions: Extensions, variables: &[(&str, &str)]) -> Self {
        let (extension, extension_asks) = unbounded_channel();
        let (asks, asks_of_function) = unbounded_channel();
        let (answers, answers_of_function) = unbounded_channel();
        let router = Router::new()
            .route("/2020-01-01/extension/register", post(register))
            .route("/2020-01-01/extension/event/next", get(next_of_extension))
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(answered))
            .with_state(Api { extensions, extension, registered: Arc::default(), asks, answers });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move { axum::serve(listener, router).await });
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let function = Command::new(env!("CARGO_BIN_EXE_authorizer"))
            .env_clear()
            .envs([
                ("SESSIONS_TABLE", "sessions"),
                ("METRICS_NAMESPACE", "Latchkey/test"),
                ("AWS_REGION", "eu-central-1"),
                ("AWS_ACCESS_KEY_ID", "test"),
                ("AWS_SECRET_ACCESS_KEY", "test"),
                ("AWS_LAMBDA_FUNCTION_NAME", "authorizer"),
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
                ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
                ("AWS_LAMBDA_RUNTIME_API", &address),
                ("AWS_ENDPOINT_URL_DYNAMODB", &format!("http://{nobody}")),
            ])
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self { function, extension: extension_asks, asks: asks_of_function, asked: None, answers: answers_of_function }
    }

    /// Waits until it asks for an event.
    pub(crate) async fn asked(&mut self) {
        if self.asked.is_none() {
            self.asked = Some(told(&mut self.asks).await);
        }
    }

    /// Gives it an event, and returns its answer.
    pub(crate) async fn invoke(&mut self, event: &Value) -> Value {
        self.asked().await;
        self.asked.take().unwrap().send(event.clone()).unwrap();
        told(&mut self.answers).await
    }

    /// What its extension has registered for, when it asks for an event.
    pub(crate) async fn extension_asked(&mut self) -> String {
        told(&mut self.extension).await
    }

    /// Kills it. Returns what it wrote until then.
    pub(crate) async fn killed(mut self) -> String {
        self.function.kill().unwrap();
        self.ended().await.1
    }

    /// Ends it as Lambda does where an extension is registered.
    pub(crate) async fn terminated(self) -> (ExitStatus, String) {
        let killed = Command::new("sh").args(["-c", "kill -TERM $0", &self.function.id().to_string()]).status().unwrap();
        assert!(killed.success());
        self.ended().await
    }

    async fn ended(mut self) -> (ExitStatus, String) {
        let mut output = self.function.stdout.take().unwrap();
        let reading = tokio::task::spawn_blocking(move || {
            let mut log = String::new();
            output.read_to_string(&mut log).map(|_| log)
        });
        let log = tokio::time::timeout(Duration::from_secs(60), reading).await;
        if log.is_err() {
            self.function.kill().unwrap();
        }
        (self.function.wait().unwrap(), log.unwrap().unwrap().unwrap())
    }
}

/// What the API was told next. A function that never tells it fails its test.
async fn told<T>(by: &mut UnboundedReceiver<T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), by.recv()).await.unwrap().unwrap()
}

impl Drop for Lambda {
    fn drop(&mut self) {
        let _already_ended = self.function.kill();
        let _reaped = self.function.wait();
    }
}

async fn register(State(api): State<Api>, body: String) -> impl IntoResponse {
    *api.registered.lock().unwrap() = body;
    match api.extensions {
        Extensions::Served => {}
        Extensions::Missing => return Err(StatusCode::NOT_FOUND),
        Extensions::Refused => return Err(StatusCode::FORBIDDEN),
        Extensions::Late => tokio::time::sleep(Duration::from_secs(4)).await,
    }
    Ok(([("lambda-extension-identifier", IDENTIFIER)], "{}"))
}

async fn next_of_extension(State(api): State<Api>, headers: HeaderMap) -> StatusCode {
    if headers.get("lambda-extension-identifier").is_none_or(|identifier| identifier != IDENTIFIER) {
        return StatusCode::FORBIDDEN;
    }
    api.extension.send(api.registered.lock().unwrap().clone()).unwrap();
    std::future::pending().await
}

async fn next(State(api): State<Api>) -> impl IntoResponse {
    let (event, handed) = oneshot::channel();
    api.asks.send(event).unwrap();
    // The last one is never answered.
    let Ok(event) = handed.await else { return Err(StatusCode::GONE) };
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("lambda-runtime-aws-request-id", "00000000-0000-4000-8000-000000000000".to_owned()),
        ("lambda-runtime-deadline-ms", "4102444800000".to_owned()),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-central-1:123456789012:function:authorizer".to_owned()),
        ("lambda-runtime-trace-id", format!("Root={};Parent=53995c3f42cd8ad8;Sampled=1", super::TRACE)),
    ];
    Ok((headers, event.to_string()))
}

async fn answered(State(api): State<Api>, body: String) -> StatusCode {
    api.answers.send(serde_json::from_str(&body).unwrap()).unwrap();
    StatusCode::ACCEPTED
}
