//! A service of a team's own, without a gateway: Latchkey's middleware reads the sessions table itself.

use axum::{Extension, Router, routing::get};
use latchkey::{
    http::middleware::{Authenticate, ByAccessToken},
    model::CurrentSession,
};

/// The service. What stands above the layer needs an access token; what stands below it doesn't.
pub fn app(by_access_token: ByAccessToken) -> Router {
    Router::new().route("/hello", get(hello)).layer(Authenticate::with(by_access_token)).route("/health", get(async || "ok\n"))
}

/// The middleware has left the session that it found.
async fn hello(Extension(session): Extension<CurrentSession>) -> String {
    format!("Hello {}, on login {}\n", session.user_id, session.login_id)
}
