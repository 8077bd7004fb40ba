//! The start that the five functions have in common.

mod shutdown;

use std::time::Duration;

pub use shutdown::Shutdown;

use crate::{
    aws,
    clock::Clock,
    config::{ConfigError, Environment},
    dynamodb::DynamoDb,
    limits::Limits,
    store::Store,
    telling::{
        log::{self, Event, Fields, log},
        signals::{Function, Signals},
    },
};

/// Upper bound of the warm-up: a start must not hang on a table that doesn't answer.
const WARM_UP: Duration = Duration::from_secs(1);

/// What every function starts with.
#[derive(Debug)]
pub struct Started<C> {
    /// The settings of this function.
    pub config: C,
    /// DynamoDB, for further tables.
    pub dynamodb: DynamoDb,
    /// The sessions table, warmed up.
    pub store: Store,
    /// What time it is, by DynamoDB's clock where the environment's own is wrong.
    pub clock: Clock,
    /// Metrics and trace ids.
    pub signals: Signals,
    /// `CORS_ALLOW_ORIGIN`.
    pub cors_allow_origin: Option<String>,
}

/// Starts the process of `function`: the log, the settings that `read` reads, the client, and a first call to the table.
/// A missing or wrong setting stops the process with a line that names it.
pub async fn start<C>(function: Function, limits: Limits, read: fn(&Environment<'_>) -> Result<C, ConfigError>) -> Started<C> {
    log::init();
    let environment = Environment::of_process();
    let config = read(&environment).unwrap_or_else(|error| log::stop(&error));
    let sessions_table = environment.sessions_table().unwrap_or_else(|error| log::stop(&error));
    let signals = environment.signals(function).unwrap_or_else(|error| log::stop(&error));
    let cors_allow_origin = environment.cors_allow_origin().unwrap_or_else(|error| log::stop(&error));
    let clock = Clock::system().set_by_dynamodb();
    let dynamodb = aws::dynamodb(&environment, limits, &clock).unwrap_or_else(|error| log::stop(&error));
    let store = Store::new(dynamodb.clone(), sessions_table);
    warm_up(&store).await;
    tokio::spawn(tick(limits.attempt));
    Started { config, dynamodb, store, clock, signals, cors_allow_origin }
}

/// Keeps a wake-up of the event loop ahead that is nearer than the end of any attempt or request.
///
/// tokio wakes its event loop, with two system calls, for a timer that ends before all others. With this one, the timers of a request are
/// never the first. Between two requests Lambda freezes the process, and then nothing ticks.
async fn tick(shortest_limit: Duration) {
    loop {
        tokio::time::sleep(shortest_limit).await;
    }
}

/// Lambda runs a start at full speed whatever the function's memory, and the first request not. So the name lookup, the TLS
/// handshake and what is done once are paid here. A failure is logged, and the first request tries again.
async fn warm_up(store: &Store) {
    let asked = tokio::time::timeout(WARM_UP, store.warm_up()).await;
    let error: &dyn std::error::Error = match &asked {
        Ok(Ok(())) => return,
        Ok(Err(error)) => error,
        Err(elapsed) => elapsed,
    };
    log(Event::WarmUpFailed, Fields::default(), Some(error));
}
