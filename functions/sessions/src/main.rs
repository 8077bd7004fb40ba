//! The sessions function: wiring.

use latchkey::{aws, config::Environment, front, log, store::Store};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    log::init();
    let environment = Environment::of_process();
    let sessions_table = environment.sessions_table()?;
    let store = Store::new(aws::client().await, sessions_table);
    front::run(latchkey_sessions::service(store), environment.cors_allow_origin().as_deref()).await
}
