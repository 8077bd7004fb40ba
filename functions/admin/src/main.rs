//! The admin function: wiring.

use latchkey::{
    config::AdminConfig,
    entropy::Random,
    function::start,
    http::front,
    limits::Limits,
    operations::OnFirstUse,
    password::{Costs, Hashing},
    store::{Accounts, Users},
    telling::signals::Function,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let started = start(Function::Admin, Limits::PRODUCTION, AdminConfig::read).await;
    let first_use = OnFirstUse::mark(started.config.replay_window, Limits::PRODUCTION, Random::system());
    let hashing = Hashing::new(Costs::CURRENT, Random::system());
    let users = Users::new(started.dynamodb, &started.config.users_table);
    let accounts = Accounts::new(started.store, users);
    let service = latchkey_admin::service(accounts, started.config, first_use, hashing, started.clock, Random::system());
    front::run(service, None, Limits::PRODUCTION, Random::system(), started.signals).await
}
