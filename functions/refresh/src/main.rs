//! The refresh function: wiring.

use latchkey::{
    aws,
    clock::Clock,
    config::{Environment, RefreshConfig},
    front,
    limits::Limits,
    log,
    signals::{Function, Signals},
    store::Store,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    log::init();
    let environment = Environment::of_process();
    let config = RefreshConfig::read(&environment).unwrap_or_else(|error| log::stop(&error));
    let signals = Signals::read(&environment, Function::Refresh).unwrap_or_else(|error| log::stop(&error));
    let client = aws::client(&environment, Limits::PRODUCTION).await.unwrap_or_else(|error| log::stop(&error));
    let store = Store::new(client, &config.sessions_table);
    store.warm_up().await;
    let service = latchkey_refresh::service(store, config, Clock::system());
    front::run(service, environment.cors_allow_origin().as_deref(), Limits::PRODUCTION, signals).await
}
