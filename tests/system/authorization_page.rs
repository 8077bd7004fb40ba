//! The Rust of docs/authorization.md, which has to compile here line by line.

use std::time::Duration;

use axum::{
    Extension, Router,
    routing::{get, post},
};
use latchkey::{
    clock::Clock,
    http::middleware::{Authenticate, ByAccessToken, RequireFresh, RequireScope},
    model::CurrentSession,
    store::Store,
    token::ImportedTokens,
};
use latchkey_tests::{
    database::first_use,
    service::{Service, exchange},
};
use serde_json::json;
use tokio::net::TcpListener;

#[rustfmt::skip]
fn app(by_access_token: ByAccessToken) -> Router {
let app = Router::new()
    .route("/orders", post(order).layer(RequireScope::of("orders:write")))
    .route("/payout", post(payout).layer(RequireFresh::within(Duration::from_secs(300), Clock::system())))
    .layer(Authenticate::with(by_access_token));
    app.route("/health", get(async || "ok"))
}

async fn order(Extension(session): Extension<CurrentSession>) -> String {
    format!("{} orders as {}", session.user_id, session.attributes.get("role").unwrap_or("guest"))
}

async fn payout() -> &'static str {
    "paid"
}

#[test]
fn the_page_has_these_lines() {
    let page = include_str!("../../docs/authorization.md");
    let (_, snippet) = page.split_once("```rust\n").unwrap();
    let (snippet, _) = snippet.split_once("```").unwrap();
    let own = include_str!("authorization_page.rs");
    let lines = snippet.lines().filter(|line| !line.is_empty() && !line.starts_with("use "));
    let missing: Vec<_> = lines.filter(|line| !own.contains(&format!("\n{line}\n"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[tokio::test]
async fn a_scope_and_a_fresh_authentication_are_required() {
    let service = Service::start(&[]).await;
    let store = Store::new(service.database.tapped(&service.tap), service.database.table("SessionsTable"));
    let clock = service.clock.clock();
    let app = app(ByAccessToken { store, clock, imported: ImportedTokens::Refused, first_use: first_use() });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });

    let pair = service.login().await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let ask = |path: &str| exchange(http.post(format!("{url}{path}")).bearer_auth(&pair.access));
    let refused = ask("/orders").await;
    assert_eq!((refused.status, refused.headers["www-authenticate"].to_str().unwrap().contains("insufficient_scope")), (403, true));

    let user_id = super::protected_api::user_id(&service).await;
    let attributes = json!({"user_id": user_id, "scope": "orders:write", "attributes": {"role": "admin"}});
    super::attributes::set_all(&service, &attributes).await;
    assert_eq!(ask("/orders").await.text, format!("{user_id} orders as admin"));
    let stale = ask("/payout").await;
    let challenge = stale.headers["www-authenticate"].to_str().unwrap();
    assert_eq!((stale.status, challenge.contains("insufficient_user_authentication")), (401, true));
}
