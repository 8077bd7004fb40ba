//! The service of one test, and a client that behaves like an app.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use aws_sdk_dynamodb::Client;
use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector},
    orchestrator::HttpRequest,
    runtime_components::RuntimeComponents,
};
use axum::Router;
use chrono::{DateTime, Utc};
use latchkey::{
    clock::{Clock, SetClock},
    limits::Limits,
    store::Store,
};
use latchkey_cli::{
    dev::{DEMO_PASSWORD, DEMO_USER, accounts},
    gateway::{Gateway, GatewayOptions},
    linked,
    users::add_user,
};
use reqwest::{Method, RequestBuilder, header::HeaderMap};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::AbortHandle};

use crate::{
    back_office,
    clock::TestClock,
    database::{Database, TEST_LIMITS},
    emitted::Emitted,
    given::{given, hash_of},
    openapi::{Contract, Operation},
    tap::{Guard, Tap},
};

/// A running service.
#[derive(Debug, Clone)]
pub struct Service {
    /// The base URL.
    pub url: String,
    /// Its DynamoDB.
    pub database: Database,
    /// The tap between the service and DynamoDB.
    pub tap: Tap,
    /// What its functions may do in DynamoDB.
    pub guard: Arc<Guard>,
    pub clock: TestClock,
    pub emitted: Emitted,
    http: reqwest::Client,
    _serving: Arc<Serving>,
}

/// A server that ends when its last holder is dropped, so that a thousand of them don't use up the machine's sockets.
#[derive(Debug)]
pub struct Serving(AbortHandle);

impl Serving {
    /// Starts to serve on the listener.
    #[must_use]
    pub fn start(listener: TcpListener, router: Router) -> Arc<Self> {
        let serving = axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>());
        Arc::new(Self(tokio::spawn(async move { serving.await }).abort_handle()))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[derive(Debug, Clone)]
pub struct Answer {
    /// The operation that answered, as `docs/openapi.yaml` names it.
    pub operation: &'static Operation,
    pub status: u16,
    pub headers: HeaderMap,
    /// The raw body.
    pub text: String,
    /// The body as JSON, or null if it isn't JSON.
    pub body: Value,
}

impl Answer {
    /// The problem's code.
    #[must_use]
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// Status and code, for comparisons.
    #[must_use]
    pub fn outcome(&self) -> (u16, &str) {
        (self.status, self.code())
    }
}

/// The tokens and times that an app keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    pub access: String,
    pub refresh: String,
    /// The login id.
    pub login_id: String,
    /// When the access token expires.
    pub access_expires_at: DateTime<Utc>,
    /// When the refresh token expires.
    pub refresh_expires_at: DateTime<Utc>,
}

impl Pair {
    /// Reads a pair from an answer.
    ///
    /// # Panics
    /// If the answer has no pair.
    #[must_use]
    pub fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{}", answer.text);
        let text = |name: &str| answer.body[name].as_str().unwrap_or_default().to_owned();
        let time = |name: &str| latchkey::clock::parse_rfc3339(&text(name)).expect("an RFC 3339 datetime");
        Self {
            access: text("access_token"),
            refresh: text("refresh_token"),
            login_id: text("login_id"),
            access_expires_at: time("access_token_expires_at"),
            refresh_expires_at: time("refresh_token_expires_at"),
        }
    }
}

impl Service {
    /// Starts a service with the demo user and these settings, which take precedence over the template's.
    ///
    /// # Panics
    /// If it doesn't start.
    pub async fn start(settings: &[(&str, &str)]) -> Self {
        Self::start_by(&[], settings).await
    }

    /// Starts a service by the template with these parameters.
    ///
    /// # Panics
    /// If it doesn't start.
    pub async fn start_by(parameters: &[(&str, &str)], settings: &[(&str, &str)]) -> Self {
        let database = Database::with(parameters).await;
        let name = DEMO_USER.parse_username();
        add_user(&accounts(&database.client, &database.template), name, hash_of(DEMO_PASSWORD), None).await.expect("the demo user");
        Self::over(database, TestClock::default(), settings).await
    }

    /// Starts a second process's service on the same tables.
    ///
    /// # Panics
    /// If it doesn't start.
    pub async fn over(database: Database, clock: TestClock, settings: &[(&str, &str)]) -> Self {
        Self::under(TEST_LIMITS, database, clock, settings).await
    }

    /// The same, with other time limits.
    ///
    /// # Panics
    /// If it doesn't start.
    pub async fn under(limits: Limits, database: Database, clock: TestClock, settings: &[(&str, &str)]) -> Self {
        let functions_clock = clock.clock();
        Self::with_clock(limits, database, clock, functions_clock, settings).await
    }

    /// A second process's service on the same tables, by the template's settings alone, whose requests have this long.
    ///
    /// # Panics
    /// If it doesn't start.
    pub async fn with_budget(&self, request: Duration) -> Self {
        let limits = Limits { request, ..TEST_LIMITS };
        Self::under(limits, self.database.clone(), self.clock.clone(), &[]).await
    }

    /// A service in environments whose own clock is `local`, beside a DynamoDB whose clock is `clock`. Its clients set the former
    /// by DynamoDB's answers, from the warm-up on, as in production.
    ///
    /// # Panics
    /// If it doesn't start.
    pub async fn in_environment(database: Database, clock: TestClock, local: Clock, settings: &[(&str, &str)]) -> Self {
        let functions_clock = local.set_by_dynamodb();
        let service = Self::with_clock(TEST_LIMITS, database, clock, functions_clock.clone(), settings).await;
        let client = dated(&service.database.tapped(&service.tap), &functions_clock, &service.clock);
        Store::new(client, service.database.table("SessionsTable")).warm_up().await.expect("the warm-up");
        service
    }

    async fn with_clock(limits: Limits, database: Database, clock: TestClock, functions_clock: Clock, settings: &[(&str, &str)]) -> Self {
        let tap = Tap::default();
        let settings = |name: &str| settings.iter().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned());
        let guard = Arc::new(Guard::of(&database, accepts_imported(&database, &settings)));
        let client = |function| dated(&database.tapped(&tap.of_function(function, &guard)), &functions_clock, &clock);
        let emitted = Emitted::default();
        let signals = |function| Ok(emitted.signals(function));
        let functions =
            linked::functions_that_tell(client, &database.template, &settings, &given(functions_clock.clone(), limits), &signals);
        let functions = functions.expect("the settings");
        let options = GatewayOptions { clock: clock.clock(), principal: back_office::principal(), ..GatewayOptions::default() };
        let router = Gateway::new(&database.template, functions, options).into_router();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let serving = Serving::start(listener, router);
        let http = reqwest::Client::builder().no_proxy().build().expect("an HTTP client");
        Self { url, database, tap, guard, clock, emitted, http, _serving: serving }
    }

    /// A request builder for this service.
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        self.http.request(method, format!("{}{path}", self.url))
    }

    /// `POST /login` with this body.
    pub async fn login_with(&self, body: &Value) -> Answer {
        send(self.request("POST", "/login").json(body)).await
    }

    /// Logs the demo user in.
    pub async fn login(&self) -> Pair {
        Pair::of(&self.login_with(&json!({"username": DEMO_USER, "password": DEMO_PASSWORD})).await)
    }

    pub async fn me(&self, access: &str) -> Answer {
        send(self.request("GET", "/me").bearer_auth(access)).await
    }

    pub async fn refresh(&self, refresh: &str) -> Answer {
        send(self.request("POST", "/refresh").bearer_auth(refresh)).await
    }

    pub async fn logout(&self, token: &str) -> Answer {
        send(self.request("POST", "/logout").bearer_auth(token)).await
    }

    /// Asserts that the access token passes.
    ///
    /// # Panics
    /// If it doesn't.
    pub async fn assert_allowed(&self, access: &str) {
        let answer = self.me(access).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }

    /// Asserts that the access token is refused, in the form of RFC 6750.
    ///
    /// # Panics
    /// If it isn't.
    pub async fn assert_refused(&self, access: &str) {
        let answer = self.me(access).await;
        assert_eq!(answer.outcome(), (401, "invalid_token"), "{}", answer.text);
        assert_eq!(answer.headers["www-authenticate"], "Bearer error=\"invalid_token\"");
    }
}

/// A client whose answers show the right time, and set `clock` by it.
fn dated(client: &Client, clock: &Clock, time: &TestClock) -> Client {
    let http = client.config().http_client().expect("the tap");
    let http = SetClock::around(Dated { inner: http, time: time.clone() }, clock);
    Client::from_conf(client.config().to_builder().http_client(http).build())
}

/// Gives answers the `Date` of a clock.
#[derive(Debug, Clone)]
struct Dated<C> {
    inner: C,
    time: TestClock,
}

impl HttpClient for Dated<SharedHttpClient> {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Dated { inner: self.inner.http_connector(settings, components), time: self.time.clone() })
    }
}

impl HttpConnector for Dated<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (answer, time) = (self.inner.call(request), self.time.clone());
        HttpConnectorFuture::new(async move {
            let mut answer = answer.await?;
            answer.headers_mut().insert("date", time.now().format("%a, %d %b %Y %H:%M:%S GMT").to_string());
            Ok(answer)
        })
    }
}

/// The parameter grants the permissions, and the setting uses them.
fn accepts_imported(database: &Database, settings: &dyn Fn(&str) -> Option<String>) -> bool {
    const NAME: &str = "ACCEPT_IMPORTED_TOKENS";
    let by_template = || database.template.function("AuthorizerFunction")?.environment.get(NAME).cloned();
    settings(NAME).or_else(by_template).is_some_and(|accepts| accepts == "true")
}

/// Sends a request to the service and compares its answer with `docs/openapi.yaml`, or `docs/admin.openapi.yaml`, in every test.
///
/// # Panics
/// If there is no answer, or one that isn't described.
pub async fn send(request: RequestBuilder) -> Answer {
    let answer = exchange(request).await;
    let breaches = answer.operation.breaches(&answer);
    assert!(breaches.is_empty(), "its description doesn't have this: {breaches:?}: {answer:?}");
    answer
}

/// Sends a request to any server.
///
/// # Panics
/// If there is no answer.
pub async fn exchange(request: RequestBuilder) -> Answer {
    let (client, request) = request.build_split();
    let request = request.expect("a request");
    let operation = Contract::of_path(request.url().path()).operation(request.method().as_str(), request.url().path());
    let response = client.execute(request).await.expect("an answer");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.expect("a body");
    Answer { operation, status, headers, body: serde_json::from_str(&text).unwrap_or_default(), text }
}

/// A valid user name.
pub trait ParseUsername {
    fn parse_username(&self) -> latchkey::username::Username;
}

impl ParseUsername for str {
    fn parse_username(&self) -> latchkey::username::Username {
        latchkey::username::Username::parse(self).expect("a user name")
    }
}
