//! The authorizer function: wiring.

use lambda_runtime::{LambdaEvent, service_fn};
use latchkey::{aws, clock::Clock, config::Environment, log, store::Store};
use latchkey_authorizer::Authorizer;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    log::init();
    let sessions_table = Environment::of_process().sessions_table()?;
    let authorizer = &Authorizer::new(Store::new(aws::client().await, sessions_table), Clock::system());
    lambda_runtime::run(service_fn(move |event: LambdaEvent<_>| authorizer.answer(event.payload, event.context.request_id))).await
}
