//! The functions linked into this program, each with the environment that the template gives it.

use std::{convert::Infallible, pin::pin, sync::Arc};

use aws_sdk_dynamodb::Client;
use lambda_runtime::{Context, LambdaEvent};
use latchkey::{
    clock::Clock,
    config::{AdminConfig, ConfigError, Environment, LoginConfig, ReaderConfig, RefreshConfig},
    entropy::Random,
    http::front::{Front, GatewayEvent},
    limits::Limits,
    operations::OnFirstUse,
    password::{Costs, Hashing},
    store::{Accounts, Attempts, Store, Users},
    telling::signals::{Function, Signals},
};
use latchkey_authorizer::Authorizer;
use serde::Serialize;
use serde_json::Value;
use tower_service::Service;

use crate::{
    invoke::{FunctionError, Invoker, LinkedFunction},
    template::Template,
};

/// Settings that go before the template's, by variable.
pub type Overrides<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// What every function is given.
#[derive(Debug, Clone)]
pub struct Given {
    pub clock: Clock,
    pub random: Random,
    pub limits: Limits,
    /// The functions share the memory that passwords are hashed in.
    pub hashing: Hashing,
}

impl Given {
    /// As in production.
    #[must_use]
    pub fn production() -> Self {
        let random = Random::system();
        let hashing = Hashing::new(Costs::CURRENT, random.clone());
        Self { clock: Clock::system(), random, limits: Limits::PRODUCTION, hashing }
    }
}

/// The functions, each over the client that `client` returns for its name. They are configured as in the cloud: by the
/// template's environment, with `overrides` before it. Metrics are off, whatever the template says, unless `overrides`
/// name a namespace.
///
/// # Errors
/// [`ConfigError`] for a variable that is missing or wrong.
pub fn functions(
    client: impl Fn(&'static str) -> Client,
    template: &Template,
    overrides: &Overrides<'_>,
    given: &Given,
) -> Result<Invoker, ConfigError> {
    let asked_for = Environment::from_fn(overrides);
    functions_that_tell(client, template, overrides, given, &|function| asked_for.signals(function))
}

/// The same, with the signals of each function made by `signals`.
///
/// # Errors
/// [`ConfigError`] for a variable that is missing or wrong.
pub fn functions_that_tell(
    client: impl Fn(&'static str) -> Client,
    template: &Template,
    overrides: &Overrides<'_>,
    given: &Given,
    signals: &dyn Fn(Function) -> Result<Signals, ConfigError>,
) -> Result<Invoker, ConfigError> {
    let Given { clock, random, limits, hashing } = given;
    let limits = *limits;
    let environment = |binary: &'static str| environment(binary, template, overrides);
    let login = {
        let environment = environment("login");
        let config = LoginConfig::read(&environment)?;
        let client = client("login");
        let users = Users::new(client.clone(), &config.users_table);
        let accounts = Accounts::new(Store::new(client.clone(), &config.sessions_table), users);
        let attempts = Attempts::new(client, &config.login_attempts_table);
        behind_the_gateway(
            latchkey_login::service(accounts, attempts, config, hashing.clone(), clock.clone(), random.clone()),
            environment.cors_allow_origin()?.as_deref(),
            limits,
            random.clone(),
            signals(Function::Login)?,
        )
    };
    let refresh = {
        let environment = environment("refresh");
        let config = RefreshConfig::read(&environment)?;
        let store = Store::new(client("refresh"), &config.sessions_table);
        behind_the_gateway(
            latchkey_refresh::service(store, config, clock.clone(), random.clone()),
            environment.cors_allow_origin()?.as_deref(),
            limits,
            random.clone(),
            signals(Function::Refresh)?,
        )
    };
    let sessions = {
        let environment = environment("sessions");
        let config = ReaderConfig::read(&environment)?;
        let store = Store::new(client("sessions"), config.sessions_table);
        behind_the_gateway(
            latchkey_sessions::service(store, config.imported_tokens, clock.clone(), random.clone()),
            environment.cors_allow_origin()?.as_deref(),
            limits,
            random.clone(),
            signals(Function::Sessions)?,
        )
    };
    let authorizer = {
        let config = ReaderConfig::read(&environment("authorizer"))?;
        let store = Store::new(client("authorizer"), config.sessions_table);
        authorizer(
            Authorizer::new(
                store,
                config.imported_tokens,
                OnFirstUse::mark(config.replay_window, limits, random.clone()),
                clock.clone(),
                limits,
            ),
            signals(Function::Authorizer)?,
        )
    };
    let mut functions = vec![("login", login), ("refresh", refresh), ("sessions", sessions), ("authorizer", authorizer)];
    if template.functions.iter().any(|function| function.binary == "admin") {
        let config = AdminConfig::read(&environment("admin"))?;
        let client = client("admin");
        let users = Users::new(client.clone(), &config.users_table);
        let accounts = Accounts::new(Store::new(client, &config.sessions_table), users);
        let first_use = OnFirstUse::mark(config.replay_window, limits, random.clone());
        let admin = behind_the_gateway(
            latchkey_admin::service(accounts, config, first_use, hashing.clone(), clock.clone(), random.clone()),
            // No page calls the back office.
            None,
            limits,
            random.clone(),
            signals(Function::Admin)?,
        );
        functions.push(("admin", admin));
    }
    Ok(Invoker::Linked(functions.into_iter().map(|(name, function)| (name.to_owned(), function)).collect()))
}

/// The refresh function's settings: lifetimes and replay window.
///
/// # Errors
/// [`ConfigError`] for a variable that is missing or wrong.
pub fn refresh_config(template: &Template, overrides: &Overrides<'_>) -> Result<RefreshConfig, ConfigError> {
    RefreshConfig::read(&environment("refresh", template, overrides))
}

fn environment<'a>(binary: &'static str, template: &'a Template, overrides: &'a Overrides<'_>) -> Environment<'a> {
    let own = template.functions.iter().find(|function| function.binary == binary).map(|function| &function.environment);
    Environment::from_fn(move |name| overrides(name).or_else(|| own?.get(name).cloned()))
}

fn behind_the_gateway<S>(service: S, origin: Option<&str>, limits: Limits, random: Random, signals: Signals) -> LinkedFunction
where
    S: Service<lambda_http::Request, Response = lambda_http::Response<lambda_http::Body>, Error = Infallible>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send,
{
    let front = Front::new(service, origin, limits, random);
    Arc::new(move |event| {
        let (mut front, signals) = (front.clone(), signals.clone());
        Box::pin(async move {
            let event: GatewayEvent = read(event)?;
            match signals.of_request(None, front.call(LambdaEvent::new(event, Context::default()))).await {
                Ok(answer) => written(&answer),
                Err(never) => match never {},
            }
        })
    })
}

fn authorizer(authorizer: Authorizer, signals: Signals) -> LinkedFunction {
    let authorizer = Arc::new(authorizer);
    Arc::new(move |event| {
        let (authorizer, signals) = (Arc::clone(&authorizer), signals.clone());
        Box::pin(async move {
            let id = uuid::Uuid::new_v4().to_string();
            let answer = pin!(authorizer.answer(read(event)?, id));
            match signals.of_request(None, answer).await {
                Ok(answer) => written(&answer),
                Err(error) => {
                    let diagnostic = lambda_runtime::Diagnostic::from(error);
                    Err(FunctionError::failed(diagnostic.error_type, diagnostic.error_message))
                }
            }
        })
    })
}

fn read<T: serde::de::DeserializeOwned>(event: Value) -> Result<T, FunctionError> {
    serde_json::from_value(event).map_err(|_| FunctionError::failed("InvalidEvent", "the event is not of this function's kind"))
}

fn written(answer: &impl Serialize) -> Result<Value, FunctionError> {
    serde_json::to_value(answer).map_err(|_| FunctionError::failed("InvalidAnswer", "the answer is no JSON"))
}
