//! The service's entry point. `SESSIONS_TABLE` names the table, `ACCEPT_IMPORTED_TOKENS` says whether imported tokens
//! are accepted, and `PORT` is the port, by default 8080. Region and credentials are found as the AWS CLI finds them.

use aws_config::BehaviorVersion;
use aws_sdk_dynamodb::Client;
use aws_smithy_http_client::{Builder, tls};
use latchkey::{
    clock::{Clock, SetClock},
    config::{Environment, ReaderConfig},
    entropy::Random,
    http::middleware::ByAccessToken,
    limits::Limits,
    operations::OnFirstUse,
    store::Store,
    telling::log,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    log::init();
    let environment = Environment::of_process();
    let config = ReaderConfig::read(&environment).unwrap_or_else(|error| log::stop(&error));
    let clock = Clock::system().set_by_dynamodb();
    let store = Store::new(client(&clock).await, config.sessions_table);
    let first_use = OnFirstUse::mark(config.replay_window, Limits::PRODUCTION, Random::system());
    let authenticator = ByAccessToken { store, clock, imported: config.imported_tokens, first_use };
    let port = environment.get("PORT").unwrap_or_else(|| "8080".to_owned());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://{}/hello", listener.local_addr()?);
    axum::serve(listener, axum_service::app(authenticator)).await
}

/// Uses Latchkey's timeouts: by default the SDK waits for an answer without a limit, and the middleware has no deadline of
/// its own. Its answers set the clock.
async fn client(clock: &Clock) -> Client {
    let http = Builder::new().tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring)).build_https();
    let http = SetClock::around(http, clock);
    let config = aws_config::defaults(BehaviorVersion::v2026_01_12()).http_client(http).timeout_config(Limits::PRODUCTION.timeouts());
    Client::new(&config.load().await)
}
