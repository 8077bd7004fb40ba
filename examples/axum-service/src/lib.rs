//! A team's own service without a gateway: Latchkey's middleware reads the sessions table itself.

use axum::{Extension, Router, routing::get};
use latchkey::{
    http::middleware::{Authenticate, ByAccessToken},
    model::CurrentSession,
};

/// The service. Routes above the layer need an access token; routes below it don't.
pub fn app(by_access_token: ByAccessToken) -> Router {
    Router::new().route("/hello", get(hello)).layer(Authenticate::with(by_access_token)).route("/health", get(async || "ok\n"))
}

/// The middleware stored the session in the request's extensions.
async fn hello(Extension(session): Extension<CurrentSession>) -> String {
    format!("Hello {}, on login {}\n", session.user_id, session.login_id)
}
