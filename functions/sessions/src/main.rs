//! The sessions function: wiring.

use latchkey::{config::ReaderConfig, entropy::Random, function::start, http::front, limits::Limits, telling::signals::Function};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let started = start(Function::Sessions, Limits::PRODUCTION, ReaderConfig::read).await;
    let service = latchkey_sessions::service(started.store, started.config.imported_tokens, started.clock, Random::system());
    front::run(service, started.cors_allow_origin.as_deref(), Limits::PRODUCTION, Random::system(), started.signals).await
}
