//! The login function: wiring.

use latchkey::{
    config::LoginConfig,
    entropy::Random,
    function::start,
    http::front,
    limits::Limits,
    password::{Costs, Hashing},
    store::{Accounts, Attempts, Users},
    telling::signals::Function,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let hashing = Hashing::new(Costs::CURRENT, Random::system());
    // The memory is touched while the first call to the table waits for its answer.
    let (started, ()) = tokio::join!(start(Function::Login, Limits::PRODUCTION, LoginConfig::read), hashing.warm_up());
    let accounts = Accounts::new(started.store, Users::new(started.dynamodb.clone(), &started.config.users_table));
    let attempts = Attempts::new(started.dynamodb, &started.config.login_attempts_table);
    let service = latchkey_login::service(accounts, attempts, started.config, hashing, started.clock, Random::system());
    front::run(service, started.cors_allow_origin.as_deref(), Limits::PRODUCTION, Random::system(), started.signals).await
}
