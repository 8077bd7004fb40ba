//! The authorizer function: wiring.

use std::pin::pin;

use lambda_runtime::{LambdaEvent, service_fn};
use latchkey::{
    config::{Environment, ReaderConfig},
    entropy::Random,
    function::{Shutdown, start},
    limits::Limits,
    operations::OnFirstUse,
    telling::signals::Function,
};
use latchkey_authorizer::Authorizer;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let environment = Environment::of_process();
    let (started, mut shutdown) =
        tokio::join!(start(Function::Authorizer, Limits::PRODUCTION, ReaderConfig::read), Shutdown::register(&environment));
    let signals = &if shutdown.is_registered() { started.signals.sharing_lines() } else { started.signals };
    let ReaderConfig { imported_tokens, replay_window, .. } = started.config;
    let first_use = OnFirstUse::mark(replay_window, Limits::PRODUCTION, Random::system());
    let authorizer = &Authorizer::new(started.store, imported_tokens, first_use, started.clock, Limits::PRODUCTION);
    let serving = lambda_runtime::run(service_fn(async move |event: LambdaEvent<_>| {
        let (event, context) = event.into_parts();
        let answer = pin!(authorizer.answer(event, context.request_id));
        signals.of_request(context.xray_trace_id.as_deref(), answer).await
    }));
    let _flush = signals.flush_at_end();
    tokio::select! {
        ended = serving => ended,
        () = shutdown.wait() => Ok(()),
    }
}
