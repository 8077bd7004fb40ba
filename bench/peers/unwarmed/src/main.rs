//! Latchkey's authorizer without its warm-up: the first request opens the connection.

use std::pin::pin;

use lambda_runtime::{LambdaEvent, service_fn};
use latchkey::{
    aws,
    clock::Clock,
    config::{Environment, ReaderConfig},
    entropy::Random,
    limits::Limits,
    operations::OnFirstUse,
    store::Store,
    telling::{log, signals::Function},
};
use latchkey_authorizer::Authorizer;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    log::init();
    let environment = Environment::of_process();
    let config = ReaderConfig::read(&environment).unwrap_or_else(|error| log::stop(&error));
    let signals = &environment.signals(Function::Authorizer).unwrap_or_else(|error| log::stop(&error));
    let clock = Clock::system().set_by_dynamodb();
    let dynamodb = aws::dynamodb(&environment, Limits::PRODUCTION, &clock).unwrap_or_else(|error| log::stop(&error));
    let store = Store::new(dynamodb, config.sessions_table);
    let first_use = OnFirstUse::mark(config.replay_window, Limits::PRODUCTION, Random::system());
    let authorizer = &Authorizer::new(store, config.imported_tokens, first_use, clock, Limits::PRODUCTION);
    lambda_runtime::run(service_fn(async move |event: LambdaEvent<_>| {
        let (event, context) = event.into_parts();
        let answer = pin!(authorizer.answer(event, context.request_id));
        signals.of_request(context.xray_trace_id.as_deref(), answer).await
    }))
    .await
}
