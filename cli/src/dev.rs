//! `latchkey dev`: the whole service on one machine.

mod banner;
mod embedded;
mod lock;
mod port;
mod stop;

use std::{collections::BTreeMap, io, net::SocketAddr, path::PathBuf, time::Instant};

use aws_sdk_dynamodb::Client;
use aws_smithy_http_client::Builder;
use latchkey::{
    clock::Clock,
    config::{ConfigError, Environment},
    store::{Accounts, Store, Users},
    username::Username,
};

use banner::{Banner, Data};
use stop::Signals;

use crate::{
    args::DevArgs,
    client,
    console::{About, Console},
    exit::{Exit, ExitWith},
    gateway::{Gateway, GatewayOptions, Principal},
    invoke::{FunctionError, Invoker, RemoteInvoker},
    linked::{self, Given},
    observed::{LogLines, ObservedHttp, Observer},
    tables::{TablesError, create_missing},
    template::{Template, TemplateError},
    users::{UsersError, add_user, hash_password},
};

/// What is deployed is what runs here: the template is part of the program.
pub const TEMPLATE: &str = include_str!("../../template.yaml");

/// The demo user's name.
pub const DEMO_USER: &str = "demo";
/// The demo user's password, known to all the world: `dev` is never deployed.
pub const DEMO_PASSWORD: &str = "correct-horse-battery-staple";

/// The back office is open on a laptop, to those who sign with the credentials that the banner shows.
pub const BACK_OFFICE: [(&str, &str); 2] = [("AdminApi", "Regional"), ("AdminCallers", "arn:aws:iam::123456789012:role/back-office")];

/// Why the service doesn't run here.
#[derive(Debug, thiserror::Error)]
pub enum DevError {
    /// The template can't be read.
    #[error("template.yaml: {0}; mend it there and build again")]
    Template(#[from] TemplateError),
    /// A setting is wrong.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// Another program has the port.
    #[error("port {port} is taken; stop what runs there, or use the next free one: latchkey dev --port {next}")]
    PortTaken {
        port: u16,
        /// One that is free.
        next: u16,
    },
    /// The port can't be had for another reason.
    #[error("can't listen on {address}: {source}; try another --port, or a --host that is an address of this machine")]
    Listen {
        /// The address and the port.
        address: SocketAddr,
        source: io::Error,
    },
    /// The embedded DynamoDB doesn't start.
    #[error("the embedded DynamoDB doesn't start: {0}; check --data, or leave it out to keep nothing")]
    Embedded(String),
    /// Another process has the data.
    #[error("another `latchkey dev` keeps its data in {}; stop it, or use another --data", dir.display())]
    DataTaken { dir: PathBuf },
    /// The directory of the data can't be used.
    #[error("--data {}: {source}; use a directory that can be written to", dir.display())]
    Data { dir: PathBuf, source: io::Error },
    /// The tables can't be made.
    #[error("{0}")]
    Tables(#[from] TablesError),
    /// `--lambda` isn't a URL.
    #[error("--lambda: {0}; `cargo lambda watch` listens on http://127.0.0.1:9000 unless told otherwise")]
    Lambda(#[from] FunctionError),
    /// The demo user can't be made.
    #[error("the demo user: {0}")]
    DemoUser(#[from] UsersError),
    /// A user name of ours isn't one.
    #[error("the demo user: {0}")]
    DemoName(#[from] latchkey::username::UsernameError),
    #[error("serving stopped: {0}; start it again")]
    Serve(#[source] io::Error),
}

impl ExitWith for DevError {
    fn exit(&self) -> Exit {
        Exit::Failed
    }
}

/// Runs until Ctrl-C.
///
/// # Errors
/// [`DevError`] says what to do about it.
pub async fn run(args: DevArgs) -> Result<(), DevError> {
    let began = Instant::now();
    log_to_terminal();
    let process = Environment::of_process();
    let mut template = Template::parse(TEMPLATE, &parameters(&process)?)?;
    let listener = port::listen(args.host, args.port).await?;
    let wanted = SocketAddr::from((args.host, args.port));
    let address = listener.local_addr().map_err(|source| DevError::Listen { address: wanted, source })?;
    let (embedded, data) = match (&args.dynamodb, args.data.as_deref()) {
        (Some(_), _) => (None, Data::Elsewhere),
        (None, dir) => (Some(embedded::start(dir).await?), dir.map_or(Data::Gone, Data::Kept)),
    };
    let (dynamodb, access_key) = match &embedded {
        Some(embedded) => (embedded.url.clone(), embedded.access_key.as_str()),
        None => (args.dynamodb.unwrap_or_default(), client::EMULATOR_KEY),
    };
    let observer = Observer::default();
    let http = ObservedHttp::new(Builder::new().build_http(), observer.clone());
    let client = client::emulator_through(&dynamodb, access_key, http);
    create_missing(&client::with_patience(&client), &template.tables).await?;
    add_demo_user(&client, &template).await?;
    let port = address.port();
    template.stage_variables.entry("dpopUrls".to_owned()).or_insert_with(|| public_urls(port));
    // A login comes with a proof only if its client has chosen that, so nothing changes for clients that don't.
    let settings = |name: &str| process.get(name).or_else(|| (name == "DPOP").then(|| "optional".to_owned()));
    let (invoker, config) = match &args.lambda {
        Some(url) => (Invoker::Remote(RemoteInvoker::new(url)?), None),
        None => {
            let config = linked::refresh_config(&template, &settings)?;
            (linked::functions(|_| client.clone(), &template, &settings, &Given::production())?, Some(config))
        }
    };
    let about = About {
        version: env!("CARGO_PKG_VERSION"),
        username: DEMO_USER,
        password: DEMO_PASSWORD,
        dynamodb: dynamodb.clone(),
        functions: args.lambda.clone(),
        access_token_ttl: config.as_ref().map(|config| config.lifetimes.access.as_secs()),
        refresh_token_ttl: config.as_ref().map(|config| config.lifetimes.refresh.as_secs()),
        replay_window: config.as_ref().map(|config| config.replay.window.as_secs()),
        dpop: config.as_ref().and_then(|_| settings("DPOP")),
    };
    let console = Console::new(observer, Clock::system());
    let options = GatewayOptions {
        region: client::emulator_region().to_string(),
        principal: Principal::local(access_key, client::EMULATOR_KEY),
        ..GatewayOptions::default()
    };
    let router = console.clone().into_router(Gateway::new(&template, invoker, options), &about);
    let region = client::emulator_region();
    let banner = Banner {
        address,
        dynamodb: &dynamodb,
        access_key,
        region: region.as_ref(),
        lambda: args.lambda.as_deref(),
        data: &data,
        template: &template,
        command: &banner::command(&process),
    };
    let signals = Signals::listen().map_err(DevError::Serve)?;
    anstream::println!("{}", banner.text(began.elapsed()));
    axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(async move {
            signals.asked().await;
            console.close();
        })
        .await
        .map_err(DevError::Serve)?;
    eprintln!("latchkey: stopped");
    Ok(())
}

/// What the gateway itself has to know of the settings: which tokens it lets through to the authorizer, and which pages may read its own
/// answers.
fn parameters(process: &Environment<'_>) -> Result<BTreeMap<String, String>, ConfigError> {
    let imported = process.get("ACCEPT_IMPORTED_TOKENS").filter(|accept| accept == "true");
    let origin = process.cors_allow_origin()?;
    let set = [("AcceptImportedTokens", imported), ("CorsAllowOrigin", origin)];
    let set = set.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Ok(set.chain(BACK_OFFICE.map(|(name, value)| (name.to_owned(), value.to_owned()))).collect())
}

/// What a proof of possession names here. The gateway's domain is of no use: the scheme is HTTP, and the path has no stage.
fn public_urls(port: u16) -> String {
    ["127.0.0.1", "localhost", "[::1]"].map(|host| format!("http://{host}:{port}")).join(",")
}

/// The service's lines and the gateway's; of everybody else only errors.
fn log_to_terminal() {
    use tracing_subscriber::{Layer as _, filter::Targets, layer::SubscriberExt as _, util::SubscriberInitExt as _};
    let coloured = anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never;
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_target(false).with_ansi(coloured).compact();
    let ours = Targets::new().with_default(tracing::Level::ERROR).with_target("latchkey", tracing::Level::INFO);
    tracing_subscriber::registry().with(lines.with_filter(ours.clone())).with(LogLines.with_filter(ours)).init();
}

/// The users and their sessions, in the tables that the login function's environment names.
#[must_use]
pub fn accounts(client: &Client, template: &Template) -> Accounts {
    let store = Store::new(client.clone(), environment_of_login(template, "SESSIONS_TABLE"));
    Accounts::new(store, Users::new(client.clone(), environment_of_login(template, "USERS_TABLE")))
}

/// A variable of the login function.
fn environment_of_login(template: &Template, variable: &str) -> String {
    let login = template.functions.iter().find(|function| function.binary == "login");
    login.and_then(|login| login.environment.get(variable)).cloned().unwrap_or_default()
}

async fn add_demo_user(client: &Client, template: &Template) -> Result<(), DevError> {
    match add_user(&accounts(client, template), Username::parse(DEMO_USER)?, hash_password(DEMO_PASSWORD.into())?, None).await {
        Ok(_) | Err(UsersError::Taken(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
