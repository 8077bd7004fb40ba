//! The authorizer function: wiring.

use std::pin::pin;

use lambda_runtime::{LambdaEvent, service_fn};
use latchkey::{clock::Clock, config::ReaderConfig, function::start, limits::Limits, telling::signals::Function};
use latchkey_authorizer::Authorizer;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let started = start(Function::Authorizer, Limits::PRODUCTION, ReaderConfig::read).await;
    let authorizer = &Authorizer::new(started.store, started.config.imported_tokens, Clock::system(), Limits::PRODUCTION);
    let signals = &started.signals;
    lambda_runtime::run(service_fn(async move |event: LambdaEvent<_>| {
        let (event, context) = event.into_parts();
        let answer = pin!(authorizer.answer(event, context.request_id));
        signals.of_request(context.xray_trace_id.as_deref(), answer).await
    }))
    .await
}
