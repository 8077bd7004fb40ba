//! The refresh function: wiring.

use latchkey::{config::RefreshConfig, entropy::Random, function::start, http::front, limits::Limits, telling::signals::Function};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let started = start(Function::Refresh, Limits::PRODUCTION, RefreshConfig::read).await;
    let service = latchkey_refresh::service(started.store, started.config, started.clock, Random::system());
    front::run(service, started.cors_allow_origin.as_deref(), Limits::PRODUCTION, Random::system(), started.signals).await
}
