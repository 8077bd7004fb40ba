//! The service: wiring. `SESSIONS_TABLE` names the table, `ACCEPT_IMPORTED_TOKENS` says whether imported tokens are accepted;
//! region and credentials are found as the AWS CLI finds them.

use aws_config::BehaviorVersion;
use aws_sdk_dynamodb::Client;
use aws_smithy_http_client::{Builder, tls};
use latchkey::{
    aws,
    clock::Clock,
    config::{Environment, ReaderConfig},
    http::middleware::ByAccessToken,
    store::Store,
    telling::log,
};

const ADDRESS: &str = "127.0.0.1:8080";

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    log::init();
    let config = ReaderConfig::read(&Environment::of_process()).unwrap_or_else(|error| log::stop(&error));
    let store = Store::new(client().await, config.sessions_table);
    let authenticator = ByAccessToken { store, clock: Clock::system(), imported: config.imported_tokens };
    let listener = tokio::net::TcpListener::bind(ADDRESS).await?;
    println!("http://{ADDRESS}/hello");
    axum::serve(listener, axum_service::app(authenticator)).await
}

/// With Latchkey's timeouts: the SDK by itself waits without end for an answer, and the middleware has no deadline.
async fn client() -> Client {
    let http = Builder::new().tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring)).build_https();
    let config = aws_config::defaults(BehaviorVersion::latest()).http_client(http).timeout_config(aws::timeouts());
    Client::new(&config.load().await)
}
