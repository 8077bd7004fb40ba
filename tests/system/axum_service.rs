//! The middleware in a team's own axum service (examples/axum-service), without a gateway.

use latchkey::{http::middleware::ByAccessToken, store::Store, token::ImportedTokens};
use latchkey_tests::{
    database::first_use,
    service::{Pair, Service, exchange},
    tap::Line,
};
use tokio::net::TcpListener;

async fn serve(service: &Service) -> String {
    let store = Store::new(service.database.tapped(&service.tap), service.database.table("SessionsTable"));
    let router =
        axum_service::app(ByAccessToken { store, clock: service.clock.clock(), imported: ImportedTokens::Refused, first_use: first_use() });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

#[tokio::test]
async fn a_handler_finds_the_session_in_the_extensions() {
    let service = Service::start(&[]).await;
    let url = serve(&service).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let hello = |token: String| exchange(http.get(format!("{url}/hello")).bearer_auth(token));

    let first = service.login().await;
    let second = Pair::of(&service.refresh(&first.refresh).await);
    let user_id = super::protected_api::user_id(&service).await;
    let _ = service.tap.take_calls();
    assert_eq!(hello(second.access.clone()).await.text, format!("Hello {user_id}, on login {}\n", first.login_id));
    assert_eq!(service.tap.take_calls(), ["Query", "UpdateItem"], "the first use is marked");
    hello(second.access.clone()).await;
    assert_eq!(service.tap.take_calls(), ["Query"]);

    let refused = hello(first.access).await;
    assert_eq!(refused.outcome(), (401, "invalid_token"));
    assert_eq!(refused.headers["www-authenticate"], "Bearer error=\"invalid_token\"", "no gateway renames the header");
    let missing = exchange(http.get(format!("{url}/hello")).header("x-user-id", user_id)).await;
    assert_eq!((missing.outcome(), missing.headers["www-authenticate"].to_str().unwrap()), ((401, "missing_token"), "Bearer"));
    let _ = service.tap.take_calls();
    assert_eq!(exchange(http.get(format!("{url}/health"))).await.text, "ok\n");
    assert!(service.tap.take_calls().is_empty(), "routes outside the layer need no token");

    service.tap.set_line(Line::Refused);
    assert_eq!(hello(second.access.clone()).await.outcome(), (503, "unavailable"));
    service.tap.set_line(Line::Open);
    service.clock.set(second.access_expires_at);
    assert_eq!(hello(second.access).await.outcome(), (401, "invalid_token"));
}
