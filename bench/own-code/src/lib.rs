//! An authorizer and a refresh in this process, from the event's bytes to the answer's. They use the SDK without a
//! network, so only code is measured.

mod dynamodb;

use std::{fs::File, io::Write as _, pin::pin};

use aws_sdk_dynamodb::{
    Client,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig},
    types::AttributeValue,
};
use bench_work::{Answers, Work};
use lambda_runtime::{Context, LambdaEvent};
use latchkey::{
    clock::{Clock, SetClock},
    config::{Environment, RefreshConfig},
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

/// The counted operations, by name. All but the last two emit metrics, as in a deployment.
pub const COUNTED: [&str; 5] = ["authorize", "authorize-attributes", "refresh", "authorize-silent", "query"];

const TABLE: &str = "SessionsTable";

/// The functions and their requests.
pub struct Functions {
    /// The requests.
    pub work: Work,
    runtime: Runtime,
    client: Client,
    store: Store,
    authorizer: Authorizer,
    /// The one whose login has attributes.
    authorizer_attributes: Authorizer,
    refresh: RefreshConfig,
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
        let [client, with_attributes] = [&work.answers, &work.answers_attributes].map(|answers| asking(answers.clone(), &clock));
        let authorizer = |client: &Client| {
            let store = Store::new(client.clone(), TABLE);
            Authorizer::new(store, ImportedTokens::Refused, OnFirstUse::LeaveUnmarked, clock.clone(), Limits::PRODUCTION)
        };
        // A system call for each line, like standard output.
        let nowhere = File::options().write(true).open("/dev/null")?;
        let to_nowhere = move |line: &str| drop((&nowhere).write_all(format!("{line}\n").as_bytes()));
        let environment = Environment::from_fn(|name| (name == "SESSIONS_TABLE").then(|| TABLE.to_owned()));
        let functions = Self {
            work,
            runtime: tokio::runtime::Builder::new_current_thread().enable_time().build()?,
            authorizer: authorizer(&client),
            authorizer_attributes: authorizer(&with_attributes),
            store: Store::new(client.clone(), TABLE),
            client,
            refresh: RefreshConfig::read(&environment)?,
            signals: Signals::to("Latchkey/latchkey-prod", Function::Authorizer, to_nowhere),
        };
        // Once, so that looking for it isn't counted.
        right(functions.authorize_with_attributes()?, r#""attr_role":"admin""#)?;
        Ok(functions)
    }

    /// Runs the operation with this name in [`COUNTED`].
    ///
    /// # Errors
    /// If it fails, or the name is unknown.
    pub fn once(&self, what: &str) -> Result<(), Failure> {
        match what {
            "authorize" => self.authorize().map(drop),
            "authorize-attributes" => self.authorize_with_attributes().map(drop),
            "authorize-silent" => self.authorize_silently().map(drop),
            "refresh" => self.refresh().map(drop),
            "query" => self.query().map(drop),
            _ => Err(format!("one of {}, not {what:?}", COUNTED.join(", ")).into()),
        }
    }

    /// One authorize; returns the answer.
    ///
    /// # Errors
    /// If it isn't Allow.
    pub fn authorize(&self) -> Result<Vec<u8>, Failure> {
        self.authorize_by(&self.authorizer, &self.work.authorize, &self.signals)
    }

    /// The same of a login with a role and scopes.
    ///
    /// # Errors
    /// If it isn't Allow.
    pub fn authorize_with_attributes(&self) -> Result<Vec<u8>, Failure> {
        self.authorize_by(&self.authorizer_attributes, &self.work.authorize_attributes, &self.signals)
    }

    /// The same without metrics.
    ///
    /// # Errors
    /// If it isn't Allow.
    pub fn authorize_silently(&self) -> Result<Vec<u8>, Failure> {
        self.authorize_by(&self.authorizer, &self.work.authorize, &Signals::default())
    }

    fn authorize_by(&self, authorizer: &Authorizer, event: &[u8], signals: &Signals) -> Result<Vec<u8>, Failure> {
        let event = serde_json::from_slice(event)?;
        let answer = pin!(authorizer.answer(event, "00000000-0000-4000-8000-000000000001".into()));
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
        let mut front = Front::new(
            latchkey_refresh::service(self.store.clone(), self.refresh.clone(), Clock::system(), Random::system()),
            None,
            Limits::PRODUCTION,
            Random::system(),
        );
        let event: GatewayEvent = serde_json::from_slice(&self.work.refresh)?;
        let answer = self.runtime.block_on(self.signals.of_request(None, front.call(LambdaEvent::new(event, Context::default()))))?;
        right(serde_json::to_vec(&answer)?, r#""statusCode":200"#)
    }

    /// Only the query of an authorize: the SDK's share.
    ///
    /// # Errors
    /// If it finds nothing.
    pub fn query(&self) -> Result<usize, Failure> {
        let key = &self.work.issued.new.login.key;
        let query = self
            .client
            .query()
            .table_name(TABLE)
            .consistent_read(true)
            .key_condition_expression("user_key = :user_key AND begins_with(sk, :login_id)")
            .expression_attribute_values(":user_key", AttributeValue::S(key.user_key.as_str().into()))
            .expression_attribute_values(":login_id", AttributeValue::S(key.login_id.as_str().into()));
        let output = self.runtime.block_on(query.send())?;
        if output.count() == 2 { Ok(output.items().len()) } else { Err("the query finds something else".into()) }
    }
}

fn asking(answers: Answers, clock: &Clock) -> Client {
    let http = SetClock::around(dynamodb::AtOnce::new(answers), clock);
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::new("AKIAIOSFODNN7EXAMPLE", "bench", Some("token".repeat(180)), None, "bench"))
        .http_client(http)
        .timeout_config(Limits::PRODUCTION.timeouts())
        .retry_config(RetryConfig::standard())
        .build();
    Client::from_conf(config)
}

fn right(answer: Vec<u8>, part: &str) -> Result<Vec<u8>, Failure> {
    if answer.windows(part.len()).any(|each| each == part.as_bytes()) {
        Ok(answer)
    } else {
        Err(format!("a wrong answer: {}", String::from_utf8_lossy(&answer)).into())
    }
}
