//! An authorizer and a refresh in this process, from the event's bytes to the answer's, with the functions' own client of
//! DynamoDB and without a network, so only code is measured.

mod dynamodb;

use std::{
    fs::File,
    io::Write as _,
    pin::{Pin, pin},
    sync::{Mutex, PoisonError},
};

use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use bench_work::Work;
use lambda_runtime::{Context, LambdaEvent};
use latchkey::{
    clock::Clock,
    config::{Environment, RefreshConfig},
    dynamodb::{DynamoDb, Signers, Way},
    entropy::Random,
    http::front::{Front, GatewayEvent},
    limits::Limits,
    operations::OnFirstUse,
    store::Store,
    telling::signals::{Function, Signals},
    token::ImportedTokens,
};
use latchkey_authorizer::Authorizer;
use tokio::runtime::Runtime;
use tower_service::Service as _;

/// Why nothing could be counted.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The counted operations, by name. The first two emit metrics, as in a deployment.
pub const COUNTED: [&str; 4] = ["authorize", "refresh", "authorize-silent", "read"];

const TABLE: &str = "SessionsTable";

/// Takes an event, gives the answer's bytes.
type Handler = Box<dyn Fn(GatewayEvent) -> Pin<Box<dyn Future<Output = Result<Vec<u8>, Failure>>>>>;

/// The functions and their requests.
pub struct Functions {
    /// The requests.
    pub work: Work,
    runtime: Runtime,
    store: Store,
    authorizer: Authorizer,
    refresh: Handler,
    signals: Signals,
}

impl Functions {
    /// Builds the functions as their `main` does, except for DynamoDB.
    ///
    /// # Errors
    /// If the runtime or the login can't be created.
    pub fn new() -> Result<Self, Failure> {
        let work = Work::new()?;
        let clock = Clock::system().set_by_dynamodb();
        let credentials = Credentials::new("AKIAIOSFODNN7EXAMPLE", "bench", Some("token".repeat(180)), None, "bench");
        let way = Way::new(
            SharedHttpConnector::new(dynamodb::AtOnce::new(work.answers.clone())),
            "https://dynamodb.eu-central-1.amazonaws.com/".parse()?,
            Signers::new(SharedCredentialsProvider::new(credentials), "eu-central-1"),
            &clock,
        );
        let store = Store::new(DynamoDb::new(way, Limits::PRODUCTION), TABLE);
        // A system call for each line, like standard output.
        let nowhere = File::options().write(true).open("/dev/null")?;
        let to_nowhere = move |line: &str| drop((&nowhere).write_all(format!("{line}\n").as_bytes()));
        let environment = Environment::from_fn(|name| (name == "SESSIONS_TABLE").then(|| TABLE.to_owned()));
        let config = RefreshConfig::read(&environment)?;
        let service = latchkey_refresh::service(store.clone(), config, clock.clone(), Random::system());
        let front = Mutex::new(Front::new(service, None, Limits::PRODUCTION, Random::system()));
        let refresh = move |event| -> Pin<Box<dyn Future<Output = Result<Vec<u8>, Failure>>>> {
            let answer = front.lock().unwrap_or_else(PoisonError::into_inner).call(LambdaEvent::new(event, Context::default()));
            Box::pin(async { Ok(serde_json::to_vec(&answer.await?)?) })
        };
        Ok(Self {
            work,
            runtime: tokio::runtime::Builder::new_current_thread().enable_time().build()?,
            authorizer: Authorizer::new(store.clone(), ImportedTokens::Refused, OnFirstUse::LeaveUnmarked, clock, Limits::PRODUCTION),
            store,
            refresh: Box::new(refresh),
            signals: Signals::to("Latchkey/latchkey-prod", Function::Authorizer, to_nowhere),
        })
    }

    /// Runs the operation with this name in [`COUNTED`].
    ///
    /// # Errors
    /// If it fails, or the name is unknown.
    pub fn once(&self, what: &str) -> Result<(), Failure> {
        match what {
            "authorize" => self.authorize().map(drop),
            "authorize-silent" => self.authorize_silently().map(drop),
            "refresh" => self.refresh().map(drop),
            "read" => self.read(),
            _ => Err(format!("one of {}, not {what:?}", COUNTED.join(", ")).into()),
        }
    }

    /// One authorize; returns the answer.
    ///
    /// # Errors
    /// If it isn't Allow.
    pub fn authorize(&self) -> Result<Vec<u8>, Failure> {
        self.authorize_telling(&self.signals)
    }

    /// The same without metrics.
    ///
    /// # Errors
    /// If it isn't Allow.
    pub fn authorize_silently(&self) -> Result<Vec<u8>, Failure> {
        self.authorize_telling(&Signals::default())
    }

    fn authorize_telling(&self, signals: &Signals) -> Result<Vec<u8>, Failure> {
        let event = serde_json::from_slice(&self.work.authorize)?;
        let answer = pin!(self.authorizer.answer(event, "00000000-0000-4000-8000-000000000001".into()));
        // As Lambda sends it when tracing is off.
        let trace = Some("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0;Lineage=1:a87bd80c:0");
        let answer = self.runtime.block_on(signals.of_request(trace, answer))?;
        right(serde_json::to_vec(&answer)?, r#""Effect":"Allow""#)
    }

    /// One refresh; returns the answer.
    ///
    /// # Errors
    /// If it isn't 200.
    pub fn refresh(&self) -> Result<Vec<u8>, Failure> {
        let answer = (self.refresh)(serde_json::from_slice(&self.work.refresh)?);
        right(self.runtime.block_on(self.signals.of_request(None, answer))?, r#""statusCode":200"#)
    }

    /// Only the read of an authorize: its query, and the two items of the answer.
    ///
    /// # Errors
    /// If it finds nothing.
    pub fn read(&self) -> Result<(), Failure> {
        let key = &self.work.issued.new.login.key;
        let state = self.runtime.block_on(self.store.read_login(key))?;
        if state.login.is_some() && state.sessions.len() == 1 { Ok(()) } else { Err("the read finds something else".into()) }
    }
}

fn right(answer: Vec<u8>, part: &str) -> Result<Vec<u8>, Failure> {
    if answer.windows(part.len()).any(|each| each == part.as_bytes()) {
        Ok(answer)
    } else {
        Err(format!("a wrong answer: {}", String::from_utf8_lossy(&answer)).into())
    }
}
