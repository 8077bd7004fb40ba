//! The admin function: wiring.

use latchkey::{
    config::AdminConfig, entropy::Random, function::start, http::front, limits::Limits, operations::OnFirstUse, telling::signals::Function,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let started = start(Function::Admin, Limits::PRODUCTION, AdminConfig::read).await;
    let first_use = OnFirstUse::mark(started.config.replay_window, Limits::PRODUCTION, Random::system());
    let service = latchkey_admin::service(started.store, started.config, first_use, started.clock, Random::system());
    front::run(service, None, Limits::PRODUCTION, Random::system(), started.signals).await
}
