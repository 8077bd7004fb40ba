//! `latchkey dev`: the whole service on one machine.

mod banner;
mod embedded;

use std::{collections::BTreeMap, io, net::SocketAddr};

use aws_sdk_dynamodb::Client;
use latchkey::{clock::Clock, config::ConfigError, config::Environment, username::Username};
use tokio::net::TcpListener;

use banner::Data;

use crate::{
    args::DevArgs,
    client,
    gateway::{Gateway, GatewayOptions},
    invoke::{FunctionError, Invoker, RemoteInvoker},
    linked,
    tables::{TablesError, create_missing},
    template::{Template, TemplateError},
    users::{UsersError, add_user},
};

/// What is deployed is what runs here: the template is part of the program.
pub const TEMPLATE: &str = include_str!("../../template.yaml");

/// The demo user's name.
pub const DEMO_USER: &str = "demo";
/// The demo user's password, known to all the world: `dev` is never deployed.
pub const DEMO_PASSWORD: &str = "correct-horse-battery-staple";

/// Why the service doesn't run here.
#[derive(Debug, thiserror::Error)]
pub enum DevError {
    /// The template can't be read.
    #[error("template.yaml: {0}")]
    Template(#[from] TemplateError),
    /// A setting is wrong.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// Somebody else has the port.
    #[error("port {port} is taken; stop what runs there or pass --port {next}")]
    PortTaken {
        /// The port.
        port: u16,
        /// One that is free.
        next: u16,
    },
    /// The port can't be had for another reason.
    #[error("can't listen on 127.0.0.1:{port}: {source}")]
    Listen {
        /// The port.
        port: u16,
        /// Why.
        source: io::Error,
    },
    /// The embedded DynamoDB doesn't start.
    #[error("the embedded DynamoDB: {0}")]
    Embedded(String),
    /// The tables can't be made.
    #[error("{0}")]
    Tables(#[from] TablesError),
    /// `--lambda` isn't a URL.
    #[error("--lambda: {0}")]
    Lambda(#[from] FunctionError),
    /// The demo user can't be made.
    #[error("the demo user: {0}")]
    DemoUser(#[from] UsersError),
    /// A user name of ours isn't one.
    #[error("the demo user: {0}")]
    DemoName(#[from] latchkey::username::UsernameError),
    /// Serving stopped.
    #[error("serving stopped: {0}")]
    Serve(#[source] io::Error),
}

/// Runs until Ctrl-C.
///
/// # Errors
/// [`DevError`] says what to do about it.
pub async fn run(args: DevArgs) -> Result<(), DevError> {
    log_to_terminal();
    let process = Environment::of_process();
    let template = Template::parse(TEMPLATE, &parameters(&process))?;
    let listener = listen(args.port).await?;
    let (dynamodb, data) = match (args.dynamodb, args.data.as_deref()) {
        (Some(url), _) => (url, Data::Elsewhere),
        (None, dir) => (embedded::start(dir).await.map_err(DevError::Embedded)?, dir.map_or(Data::Gone, Data::Kept)),
    };
    let client = client::emulator(&dynamodb);
    create_missing(&client, &template.tables).await?;
    add_demo_user(&client, &template).await?;
    let invoker = match &args.lambda {
        Some(url) => Invoker::Remote(RemoteInvoker::new(url)?),
        None => linked::functions(|_| client.clone(), &template, &|name| process.get(name), &Clock::system())?,
    };
    println!("{}", banner::text(args.port, &dynamodb, args.lambda.as_deref(), &data, &template));
    let router = Gateway::new(&template, invoker, GatewayOptions::default()).into_router();
    axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(stopped())
        .await
        .map_err(DevError::Serve)
}

/// What the gateway itself has to know of the settings: which tokens it lets through to the authorizer.
fn parameters(process: &Environment<'_>) -> BTreeMap<String, String> {
    let imported = process.get("ACCEPT_IMPORTED_TOKENS").filter(|accept| accept == "true");
    imported.map(|accept| ("AcceptImportedTokens".to_owned(), accept)).into_iter().collect()
}

/// The service's lines and the gateway's; of everybody else only errors.
fn log_to_terminal() {
    use tracing_subscriber::{Layer as _, filter::Targets, layer::SubscriberExt as _, util::SubscriberInitExt as _};
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_target(false).compact();
    let ours = Targets::new().with_default(tracing::Level::ERROR).with_target("latchkey", tracing::Level::INFO);
    tracing_subscriber::registry().with(lines.with_filter(ours)).init();
}

/// The name of the users table, as the login function is told it.
#[must_use]
pub fn users_table(template: &Template) -> String {
    let login = template.functions.iter().find(|function| function.binary == "login");
    login.and_then(|login| login.environment.get("USERS_TABLE")).cloned().unwrap_or_default()
}

async fn add_demo_user(client: &Client, template: &Template) -> Result<(), DevError> {
    match add_user(client, &users_table(template), Username::parse(DEMO_USER)?, DEMO_PASSWORD.into()).await {
        Ok(_) | Err(UsersError::Taken(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

async fn listen(port: u16) -> Result<TcpListener, DevError> {
    let bind = |port: u16| TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port)));
    match bind(port).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            for next in port.saturating_add(1)..=u16::MAX {
                if bind(next).await.is_ok() {
                    return Err(DevError::PortTaken { port, next });
                }
            }
            Err(DevError::Listen { port, source: error })
        }
        Err(source) => Err(DevError::Listen { port, source }),
    }
}

async fn stopped() {
    // Without a signal handler there is only the hard way to stop; that one needs no help.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
