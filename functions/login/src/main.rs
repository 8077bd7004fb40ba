//! The login function: wiring.

use latchkey::{
    clock::Clock, config::LoginConfig, function::start, http::front, limits::Limits, store::Accounts, telling::signals::Function,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let started = start(Function::Login, Limits::PRODUCTION, LoginConfig::read).await;
    let accounts = Accounts::new(started.store, &started.config.users_table, &started.config.login_attempts_table);
    let service = latchkey_login::service(accounts, started.config, Clock::system());
    front::run(service, started.cors_allow_origin.as_deref(), Limits::PRODUCTION, started.signals).await
}
