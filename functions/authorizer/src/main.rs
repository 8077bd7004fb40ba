//! The authorizer function: wiring.

use lambda_runtime::{LambdaEvent, service_fn};
use latchkey::{
    aws,
    clock::Clock,
    config::{Environment, ReaderConfig},
    log,
    store::Store,
};
use latchkey_authorizer::Authorizer;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    log::init();
    let config = ReaderConfig::read(&Environment::of_process()).unwrap_or_else(|error| log::stop(&error));
    let authorizer = &Authorizer::new(Store::new(aws::client().await, config.sessions_table), config.imported_tokens, Clock::system());
    lambda_runtime::run(service_fn(move |event: LambdaEvent<_>| authorizer.answer(event.payload, event.context.request_id))).await
}
